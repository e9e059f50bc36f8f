/** How a file is started: itself, by its interpreter, or through a command. */
import { delimiter, dirname, join, resolve } from 'node:path';
import { defined, type ExecutableBody, type ProgramService } from '@pexen/core';
import type { LoadContext } from '../directory-factory.ts';
import type { ProgramEntries } from '../file-meta.ts';
import type { ProgramOptions } from '../options.ts';
import type { FoundFile } from '../walk.ts';
import { interpreter } from './interpret.ts';

/** A program to start, and its first arguments. */
export interface Command {
  /** Absolute. */
  readonly file: string;
  readonly argv: readonly string[];
}

/** Runs scripts without a `#!` line, as every shell does. */
const shell = '/bin/sh';

/** The command for a file: that of the options, else the shell for text without `#!`, else the file itself. */
export function commandFor(file: FoundFile, head: Buffer, given: Command | undefined): Command {
  if (given !== undefined) return { file: given.file, argv: [...given.argv, file.path] };
  const isText = !head.includes(0) && head.length > 0;
  const namesInterpreter = head.subarray(0, 2).toString('latin1') === '#!';
  return isText && !namesInterpreter ? { file: shell, argv: [file.path] } : { file: file.path, argv: [] };
}

/** The body of a task that runs a file. Entries in the file's own metadata take precedence. `filesIn`: the files of which the output has results. */
export function programBody(
  file: FoundFile,
  commandIn: (cwd: string | undefined) => Command,
  entries: ProgramEntries,
  options: ProgramOptions,
  loadContext: LoadContext,
  filesIn?: (cwd: string) => readonly string[],
): ExecutableBody {
  const home = dirname(file.path);
  const { lines, exitCodes } = options;
  const { user } = entries;
  const service = serviceOf(entries);
  const place = placeOf(entries.cwd, options.cwd, home, loadContext);
  // Where an empty directory will be is known only when the attempt starts.
  const command = commandIn(place.workspace === 'private' ? undefined : place.cwd);
  const reading =
    service === undefined
      ? {
          tap: entries.tap ?? options.tap,
          ...defined({ lines, exitCodes, user, files: filesIn?.(place.cwd) }),
        }
      : serviceReading(service, user);
  return {
    file: command.file,
    argv: [...command.argv, ...(entries.argv ?? options.argv ?? [])],
    ...place,
    env: { ...options.env, ...entries.env },
    interpret: interpreter(reading, place.cwd),
    interpretOptions: reading,
    ...defined({ user, service }),
  };
}

/** Of a program whose metadata says that it is a service. */
export function serviceOf({ service, ready, stop }: ProgramEntries): ProgramService | undefined {
  if (service !== true || ready === undefined) return undefined;
  return { ready, ...(stop !== undefined && stop !== 'kill' && { stopSignal: stop }) };
}

/** How the output of a service is read: it does not report tests. What else belongs to its meaning is part of its digest, too. */
export function serviceReading(
  service: ProgramService,
  user: string | undefined,
): { readonly tap: false; readonly service: ProgramService; readonly user?: string } {
  return { tap: false, service, ...defined({ user }) };
}

/**
 * The program of a command: relative to the root if its name has a directory, else looked up in PATH; with `isLocal`, among the installed packages before.
 * Returns undefined and reports a problem if it does not exist.
 */
export function findCommand(
  command: readonly [program: string, ...argv: string[]] | undefined,
  loadContext: LoadContext,
  isLocal = false,
): Command | undefined {
  if (command === undefined) return undefined;
  const [name, ...argv] = command;
  const file = findProgram(name, loadContext, isLocal);
  if (file !== undefined) return { file, argv };
  loadContext.problem({
    code: 'PEXEN_NO_PROGRAM',
    message: `the program "${name}" was not found`,
    hint: name.includes('/') ? `Paths are relative to ${loadContext.root}.` : 'Install it, or give its path.',
  });
  return undefined;
}

/** What is needed to look up a program. */
type LookUp = Pick<LoadContext, 'root' | 'dir' | 'env' | 'files'>;

/** The path of a program, as `findCommand` finds it; undefined if it does not exist. */
export function findProgram(name: string, lookUp: LookUp, isLocal: boolean): string | undefined {
  return candidates(name, lookUp, isLocal).find((path) => isProgram(path, lookUp));
}

function candidates(name: string, { root, dir, env }: LookUp, isLocal: boolean): string[] {
  if (name.includes('/')) return [resolve(root, name)];
  const local = isLocal ? [dir, root].map((each) => join(each, 'node_modules/.bin')) : [];
  const folders = [...local, ...(env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(resolve(root, folder), name));
}

function isProgram(path: string, { files }: LookUp): boolean {
  try {
    const { kind, mode } = files.look(path);
    return kind === 'file' && (mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** Where the program runs: `own` is from the metadata of the file. */
function placeOf(
  own: string | undefined,
  cwd: ProgramOptions['cwd'] = 'file',
  home: string,
  { dir, root }: LoadContext,
): Pick<ExecutableBody, 'cwd' | 'workspace'> {
  const workspace = own ?? cwd;
  if (own !== undefined || workspace === 'private' || workspace === 'copy') return placeIn(workspace, home);
  if (cwd === 'file') return { cwd: home };
  return { cwd: cwd === 'dir' ? dir : resolve(root, cwd) };
}

/** Where a program runs whose metadata says `cwd`, in a file in the folder `home`. */
export function placeIn(cwd = '.', home: string): Pick<ExecutableBody, 'cwd' | 'workspace'> {
  if (cwd === 'private' || cwd === 'copy') return { cwd: home, workspace: cwd };
  return { cwd: resolve(home, cwd) };
}
