/** The digest of a program, as far as its parts are visible from outside. */
import { basename, delimiter, isAbsolute, join, relative, resolve } from 'node:path';
import type { Digest, ExecutableBody } from '@pexen/core';
import type { FileSets } from './file-sets.ts';
import { nameIn } from './file-sets.ts';
import type { Files } from './files.ts';
import { hashOfParts } from './hash.ts';

/** What the digest of a program is computed from. */
export interface ProgramSources {
  readonly root: string;
  readonly files: Files;
  readonly fileSets: Pick<FileSets, 'fileDigest'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The real paths of interpreters that were looked up before, by `#!` line and `PATH`. */
  readonly interpreters: Map<string, string>;
  /** See `sealOf`. */
  seal(name: string, value: string): string;
}

type Program = Pick<ExecutableBody, 'file' | 'argv' | 'cwd' | 'env' | 'workspace'>;

/**
 * The digest of the program's bytes, its arguments, its directory, its variables, the files of the project among its arguments, and the interpreter that
 * its `#!` line names.
 */
export function programCode({ file, argv, cwd, env, workspace }: Program, sources: ProgramSources): Digest {
  const { root, fileSets } = sources;
  const inProject = argv.map((each) => resolve(cwd, each)).filter((path) => isProjectFile(path, sources));
  const entries = Object.entries(env).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return hashOfParts([
    ...['program', nameIn(root, file), fileSets.fileDigest(file), interpreterOf(file, env, sources)],
    ...['argv', ...argv.map((each) => (isAbsolute(each) && isBelow(root, each) ? nameIn(root, each) : each))],
    ...['cwd', nameIn(root, cwd), ...(workspace === undefined ? [] : [workspace])],
    ...['env', ...entries.flatMap(([name, value]) => [name, sources.seal(name, value)])],
    ...['files', ...inProject.flatMap((path) => [nameIn(root, path), fileSets.fileDigest(path)])],
  ]);
}

/** Is there such a file in the project? */
export function isProjectFile(
  path: string,
  { root, files }: Pick<ProgramSources, 'root' | 'files'>,
): boolean {
  return isBelow(root, path) && files.stamp(path) !== '';
}

function isBelow(root: string, path: string): boolean {
  const steps = relative(root, path);
  return steps !== '' && !isAbsolute(steps) && steps.split(/[\\/]/, 1)[0] !== '..';
}

/** The longest line that Linux reads. */
const longestLine = 256;

/** The real path of the interpreter; for `env`, that of the program that it looks up. `''` for a file without a `#!` line. */
function interpreterOf(file: string, own: Program['env'], sources: ProgramSources): string {
  const head = attempt(() => sources.files.head(file, longestLine)) ?? '';
  const line = /^#!\s*(.*)/.exec(head)?.[1]?.trim() ?? '';
  if (line === '') return '';
  const path = own.PATH ?? sources.env.PATH ?? '';
  const key = `${line}\n${path}`;
  const known = sources.interpreters.get(key);
  if (known !== undefined) return known;
  const found = findInterpreter(line, path, sources);
  sources.interpreters.set(key, found);
  return found;
}

function findInterpreter(line: string, path: string, { files }: ProgramSources): string {
  const [first = '', ...words] = line.split(/\s+/);
  const wanted = basename(first) === 'env' ? words.find((word) => !/^-|=/.test(word)) : undefined;
  const places = wanted === undefined ? [first] : path.split(delimiter).map((folder) => join(folder, wanted));
  const found = places.find((place) => files.stamp(place) !== '') ?? first;
  return attempt(() => files.real(found)) ?? found;
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
