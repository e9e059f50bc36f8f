/** Walks a directory and hands every file to the kind that takes it. Further kinds of files fit in without a change here: this file knows no kind. */

import { basename, dirname, resolve } from 'node:path';
import {
  type CallPath,
  type Facts,
  isPexenError,
  type MetaOrigin,
  messageOf,
  nearest,
  type PlacedTask,
  type Problem,
  refuse,
  type TaskMeta,
} from '@pexen/core';
import type { Factory, FactoryContext } from './factory.ts';
import { type Files, realFiles } from './files.ts';
import { comparePaths } from './names.ts';
import type { DefaultMeta, WalkedFile, WalkOptions } from './options.ts';
import {
  type Found,
  type FoundFile,
  type FoundFolder,
  sideFileEnding,
  type WalkLimits,
  walk,
} from './walk.ts';

/** What the kinds of files share during one use of a factory. */
export interface LoadContext {
  /** The description of the factory. */
  readonly factory: string;
  /** The directory that is walked, absolute. */
  readonly dir: string;
  readonly root: string;
  readonly under: CallPath;
  readonly facts: Facts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  readonly problem: (problem: Problem) => void;
  readonly warn: (warning: Problem) => void;
}

/** Creates a context for `dir` that adds its problems to `problems`. */
export function createLoadContext(
  factory: string,
  dir: string,
  { root, under = [], facts = {}, env = process.env, warn = () => {} }: FactoryContext,
  files: Files,
  problems: Problem[],
): LoadContext {
  const problem = (each: Problem): void => void problems.push(each);
  return { factory, dir, root, under, facts: facts as Facts, env, files, warn, problem };
}

/** The default metadata of a file, from the options. An error that the function throws is a problem of that file. */
export function defaultMetaOf(
  meta: DefaultMeta | undefined,
  file: WalkedFile,
  loadContext: LoadContext,
): TaskMeta {
  if (typeof meta !== 'function') return meta ?? {};
  try {
    return meta(file, loadContext.facts) ?? {};
  } catch (error) {
    loadContext.problem({
      code: 'PEXEN_META_FAILED',
      location: { file: file.path },
      message: `the function "meta" threw: ${messageOf(error)}`,
      hint: 'Fix it where the factory is configured.',
    });
    return {};
  }
}

/** Where an entry was stated that comes from the default metadata; `own` has the entries that the task states itself. */
export function originOfDefaults(
  defaults: TaskMeta,
  own: TaskMeta,
  { factory }: LoadContext,
): (entry: keyof TaskMeta) => MetaOrigin | undefined {
  return (entry) =>
    own[entry] === undefined && defaults[entry] !== undefined
      ? { kind: 'defaults', by: `the factory "${factory}"` }
      : undefined;
}

/** A task, and the file that it comes from. */
export interface Made {
  readonly file: FoundFile;
  readonly task: PlacedTask;
}

/** The results of a walk besides the files. */
export interface Surroundings {
  /** Path of a file → path of its side file. */
  readonly sideFiles: ReadonlyMap<string, string>;
}

/** Makes tasks of the files that it takes. May keep state for the duration of one walk. */
export interface FileKind {
  /** For messages: `executables`. */
  readonly name: string;
  /** Is the file of this kind? Called once for each file; the first kind that returns true gets the file. */
  takes(file: FoundFile, surroundings: Surroundings): boolean;
  /** The tasks in the files that it took, in the order of the files. Problems are reported to the context. */
  make(files: readonly FoundFile[], surroundings: Surroundings): AsyncIterable<Made> | Iterable<Made>;
  /** A hint for the case that nothing was found, if the kind has one. */
  hint?(all: readonly FoundFile[]): string | undefined;
}

/** Makes the kinds for one walk. */
export type FileKinds = (loadContext: LoadContext) => readonly FileKind[];

type DirectoryOptions = WalkOptions & Pick<WalkLimits, 'bases'>;

/** Makes the tasks of a folder that says itself what it holds. */
type OpenFolder = (
  folder: FoundFolder,
  loadContext: LoadContext,
  context: FactoryContext,
) => AsyncIterable<PlacedTask>;

/** What a factory walks with, besides its options. */
export interface DirectoryServices {
  /** Default: the real disk. */
  readonly files?: Files;
  /** Default: folders are walked, whatever files they have. */
  readonly openFolder?: OpenFolder;
}

/** A factory over the files of a directory. */
export function directoryFactory(
  kind: string,
  options: DirectoryOptions,
  kinds: FileKinds,
  services: DirectoryServices = {},
): Factory {
  const describe = `${kind} of ${options.dir}`;
  return {
    ...{ kind, describe },
    make: (context) => makeAll({ kind, describe }, options, kinds, services, context),
  };
}

async function* makeAll(
  { kind, describe }: Pick<Factory, 'kind' | 'describe'>,
  options: DirectoryOptions,
  fileKinds: FileKinds,
  { files = realFiles, openFolder }: DirectoryServices,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const dir = resolve(context.root, options.dir);
  const loadContext = createLoadContext(describe, dir, context, files, problems);
  const found = walk(loadContext.dir, { ...options, leavesFolders: openFolder !== undefined }, files);
  problems.push(...found.problems);
  found.warnings.forEach(loadContext.warn);
  const kinds = fileKinds(loadContext);
  const made = await makeOf(found, kinds);
  reportLonelySideFiles(found, made.taken, loadContext);
  if (openFolder !== undefined) {
    for (const folder of found.folders)
      await addFolder(folder, () => openFolder(folder, loadContext, context), made.tasks, problems);
    made.tasks.sort((a, b) => comparePaths(a.file.parts, b.file.parts));
  }
  if (made.tasks.length === 0 && problems.length === 0)
    problems.push(nothingFound(kind, kinds, found, loadContext));
  for (const { task } of made.tasks) yield task;
  refuse(problems);
}

/** Adds the tasks of a folder, in their order, at the place of the folder. */
async function addFolder(
  { file: path, parts }: FoundFolder,
  open: () => AsyncIterable<PlacedTask>,
  made: Made[],
  problems: Problem[],
): Promise<void> {
  const file: FoundFile = { path, parts, mode: 0, uid: 0 };
  try {
    for await (const task of open()) made.push({ file, task });
  } catch (error) {
    if (!isPexenError(error)) throw error;
    problems.push(...error.problems);
  }
}

async function makeOf(
  found: Found,
  kinds: readonly FileKind[],
): Promise<{ tasks: Made[]; taken: Set<string> }> {
  const shares = kinds.map((kind) => ({ kind, files: [] as FoundFile[] }));
  for (const file of found.files) shares.find(({ kind }) => kind.takes(file, found))?.files.push(file);
  const tasks: Made[] = [];
  for (const { kind, files } of shares) {
    for await (const made of kind.make(files, found)) tasks.push(made);
  }
  tasks.sort((a, b) => comparePaths(a.file.parts, b.file.parts));
  return { tasks, taken: new Set(shares.flatMap(({ files }) => files.map(({ path }) => path))) };
}

/** Without a report, the metadata in a side file whose file is missing would silently be ignored. */
function reportLonelySideFiles(
  { files, sideFiles }: Found,
  taken: ReadonlySet<string>,
  loadContext: LoadContext,
): void {
  for (const [path, sideFile] of sideFiles) {
    if (taken.has(path)) continue;
    const isThere = exists(path, loadContext.files);
    if (isThere && !files.some((file) => file.path === path)) continue;
    loadContext.problem({
      code: 'PEXEN_LONELY_SIDE_FILE',
      location: { file: sideFile },
      message: isThere ? `it belongs to ${path}, which is not a test here` : `${path} does not exist`,
      hint: isThere ? 'Check whether that file is executable.' : nameAfter(path, files),
    });
  }
}

/** The hint for a lonely side file: mostly its name lacks an extension, or has a typo. */
function nameAfter(path: string, files: readonly FoundFile[]): string {
  const names = files
    .filter((file) => dirname(file.path) === dirname(path))
    .map((file) => basename(file.path));
  const wanted = basename(path);
  const meant = names.find((name) => name.startsWith(`${wanted}.`)) ?? nearest(wanted, names);
  if (meant === undefined) return `Name it after the file it belongs to, followed by ${sideFileEnding}.`;
  return `If it belongs to ${meant}, name it ${meant}${sideFileEnding}.`;
}

function exists(path: string, files: Files): boolean {
  try {
    return files.look(path).kind === 'file';
  } catch {
    return false;
  }
}

function nothingFound(
  kind: string,
  kinds: readonly FileKind[],
  { files }: Found,
  { dir }: LoadContext,
): Problem {
  const hints = kinds.map((each) => each.hint?.(files)).filter((each) => each !== undefined);
  return {
    code: 'PEXEN_NOTHING_FOUND',
    location: { file: dir },
    message: `looked at ${files.length} files, found no tests (${kind})`,
    hint: hints.length > 0 ? hints.join(' ') : 'Check dir and include.',
  };
}
