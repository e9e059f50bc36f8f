/**
 * How Node gives a program what it cannot give itself, a limit or bytes that are not UTF-8: a shell takes them on and becomes the program.
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import type { RawVariable } from './spawn-messages.ts';

/** A program and its arguments. */
interface Command {
  readonly file: string;
  readonly argv: readonly string[];
}

/** What is to be given. */
interface Gifts {
  readonly raw: readonly RawVariable[];
  readonly openFiles: number | null;
}

/**
 * The command line of such a shell; undefined where there is nothing to give.
 * @throws what starting the program itself would: a shell could only say so by its exit code.
 */
export function throughShell(
  { file, argv, env: over }: Command & { readonly env: Readonly<Record<string, string | null>> },
  { raw, openFiles }: Gifts,
  env: NodeJS.ProcessEnv,
): Command | undefined {
  const given = raw.filter(({ name }) => !Object.hasOwn(over, name));
  if (given.length === 0 && openFiles === null) return undefined;
  requireExecutable(file);
  // Shells pass on only what could be variables of theirs.
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name));
  const entries = [
    ...odd.map(([name, value]) => Buffer.from(`${name}=${value}`)),
    ...given.map(({ entry }) => Buffer.from(entry, 'base64')),
  ];
  const limit = openFiles === null ? '' : `ulimit -S -n ${openFiles} 2>/dev/null; `;
  const sets = entries.map((entry, at) => `v${at}=$(printf '${octal(entry)}.'); `).join('');
  const words = entries.map((_, at) => `"\${v${at}%.}"`).join(' ');
  // Of a file with such a name env would make a variable.
  const setting = entries.length === 0 || file.includes('=') ? '' : `/usr/bin/env ${words} `;
  return { file: '/bin/sh', argv: ['-c', `${limit}${sets}exec ${setting}"$@"`, 'sh', file, ...argv] };
}

/** Each byte for printf. */
function octal(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

function requireExecutable(file: string): void {
  accessSync(file, constants.X_OK);
  if (statSync(file).isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EACCES' });
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(beginningOf(file)) ?? [];
  if (interpreter !== undefined) accessSync(interpreter, constants.X_OK);
}

function beginningOf(file: string): string {
  const bytes = Buffer.alloc(256);
  const fd = openSync(file, 'r');
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
