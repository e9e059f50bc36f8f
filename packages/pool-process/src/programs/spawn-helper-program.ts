/**
 * The program of a spawn helper: starts programs for its host. A fork copies all memory of a process, which takes
 * milliseconds in a host with a large heap and blocks it meanwhile; a helper has little memory.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { Channel } from '../channel.ts';
import type { FromHelper, RawVariable, ToHelper } from './spawner.ts';

type Order = Extract<ToHelper, { do: 'spawn' }>;

const groups = new Set<number>();
let base: Extract<ToHelper, { do: 'base' }> = { do: 'base', env: {}, raw: [], openFiles: null };

const channel = new Channel(3, 4);
channel.listen((message) => obey(message as ToHelper), endWithHost);

function obey(message: ToHelper): void {
  if (message.do === 'base') base = message;
  else start(message);
}

function start(order: Order): void {
  const fds: number[] = [];
  try {
    const { cwd } = order;
    for (const path of order.files) fds.push(openSync(path, 'a'));
    const stdio = ['ignore' as const, ...fds];
    const env = environment(order);
    const { file, argv } = throughShell(order, base, env) ?? order;
    watch(order.id, spawn(file, argv, { cwd, env, stdio, detached: true }));
  } catch (error) {
    refuse(order.id, error);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function watch(id: number, child: ChildProcess): void {
  const { pid } = child;
  child.once('error', (error) => refuse(id, error));
  if (pid === undefined) return;
  groups.add(pid);
  send({ is: 'running', id, pid });
  child.once('exit', (exitCode, signal) => {
    groups.delete(pid);
    send({ is: 'ended', id, exitCode, signal });
  });
}

function refuse(id: number, error: unknown): void {
  const { code = '', message } = error as NodeJS.ErrnoException;
  send({ is: 'refused', id, code, message });
}

function environment({ env }: Order): NodeJS.ProcessEnv {
  const all: NodeJS.ProcessEnv = { ...base.env };
  for (const [name, value] of Object.entries(env)) all[name] = value ?? undefined;
  return all;
}

function endWithHost(): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // The group has just ended.
    }
  }
  process.exit(0);
}

function send(message: FromHelper): void {
  channel.send(message);
}

// Node cannot set limits or variables that are not UTF-8 for a program: a shell sets them and then becomes the program.

/** A program and its arguments. */
interface Command {
  readonly file: string;
  readonly argv: readonly string[];
}

/** What the shell sets. */
interface Gifts {
  readonly raw: readonly RawVariable[];
  readonly openFiles: number | null;
}

/**
 * The command line of such a shell; undefined where it is not needed.
 * @throws the error that starting the program itself would cause: a shell could report it only by its exit code.
 */
export function throughShell(
  { file, argv, env: over }: Command & { readonly env: Readonly<Record<string, string | null>> },
  { raw, openFiles }: Gifts,
  env: NodeJS.ProcessEnv,
): Command | undefined {
  const given = raw.filter(({ name }) => !Object.hasOwn(over, name));
  if (given.length === 0 && openFiles === null) return undefined;
  requireExecutable(file);
  // Shells only pass on names that are valid for their variables.
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name));
  const entries = [
    ...odd.map(([name, value]) => Buffer.from(`${name}=${value}`)),
    ...given.map(({ entry }) => Buffer.from(entry, 'base64')),
  ];
  const limit = openFiles === null ? '' : `ulimit -S -n ${openFiles} 2>/dev/null; `;
  const sets = entries.map((entry, at) => `v${at}=$(printf '${octal(entry)}.'); `).join('');
  const words = entries.map((_, at) => `"\${v${at}%.}"`).join(' ');
  // `env` would treat a file with such a name as a variable.
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
