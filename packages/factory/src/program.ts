/** How a file is started: itself, by its interpreter, or through a command. */
import { delimiter, dirname, join, resolve } from 'node:path';
import type { ExecutableBody } from '@pexen/core';
import type { LoadContext } from './directory-factory.ts';
import type { ProgramEntries } from './file-meta.ts';
import { interpreter } from './interpret.ts';
import type { ExecutablesOptions } from './options.ts';
import type { FoundFile } from './walk.ts';

/** What to start, and what stands before the arguments. */
export interface Command {
  /** Absolute. */
  readonly file: string;
  readonly argv: readonly string[];
}

/** Runs scripts that do not say by what: as every shell does. */
const shell = '/bin/sh';

/** The command for a file: what the options say, else the shell for text without `#!`, else the file itself. */
export function commandFor(file: FoundFile, head: Buffer, given: Command | undefined): Command {
  if (given !== undefined) return { file: given.file, argv: [...given.argv, file.path] };
  const isText = !head.includes(0) && head.length > 0;
  const namesInterpreter = head.subarray(0, 2).toString('latin1') === '#!';
  return isText && !namesInterpreter ? { file: shell, argv: [file.path] } : { file: file.path, argv: [] };
}

/** The body of a task that runs a file: what the file says of itself wins. */
export function programBody(
  file: FoundFile,
  command: Command,
  said: ProgramEntries,
  options: ExecutablesOptions,
  loadContext: LoadContext,
): ExecutableBody {
  const home = dirname(file.path);
  const reading = { tap: said.tap ?? options.tap };
  return {
    file: command.file,
    argv: [...command.argv, ...(said.argv ?? options.argv ?? [])],
    cwd: said.cwd === undefined ? cwdOf(options.cwd, home, loadContext) : resolve(home, said.cwd),
    env: { ...options.env, ...said.env },
    interpret: interpreter(reading),
    interpretOptions: reading,
  };
}

/**
 * The program of a command: with a directory in its name it is taken from the root, without one it is looked for in PATH.
 * Undefined, and a problem, where there is none.
 */
export function findCommand(
  command: readonly [program: string, ...argv: string[]] | undefined,
  loadContext: LoadContext,
): Command | undefined {
  if (command === undefined) return undefined;
  const [name, ...argv] = command;
  const file = candidates(name, loadContext).find((path) => isProgram(path, loadContext));
  if (file !== undefined) return { file, argv };
  loadContext.problem({
    code: 'PEXEN_NO_PROGRAM',
    message: `there is no program "${name}"`,
    hint: name.includes('/') ? `Paths start from ${loadContext.root}.` : 'Install it, or give its path.',
  });
  return undefined;
}

function candidates(name: string, { root, env }: LoadContext): string[] {
  if (name.includes('/')) return [resolve(root, name)];
  return (env.PATH ?? '').split(delimiter).map((dir) => join(resolve(root, dir), name));
}

function isProgram(path: string, { files }: LoadContext): boolean {
  try {
    const { kind, mode } = files.look(path);
    return kind === 'file' && (mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

function cwdOf(cwd: ExecutablesOptions['cwd'], home: string, { dir, root }: LoadContext): string {
  if (cwd === undefined || cwd === 'file') return home;
  return cwd === 'dir' ? dir : resolve(root, cwd);
}
