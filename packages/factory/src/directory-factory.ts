/** Walks a directory and hands every file to the kind that takes it. Knows no kind. */
import { basename, dirname, resolve } from 'node:path';
import { nearest, type PlacedTask, type Problem, refuse } from '@pexen/core';
import { comparePaths } from './code-point-order.ts';
import type { Factory, FactoryContext } from './factory.ts';
import type { FileKind, FileKinds, Made } from './file-kind.ts';
import { type Files, realFiles } from './files.ts';
import type { WalkOptions } from './options.ts';
import { type Found, type FoundFile, sideFileEnding, walk } from './walk.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** A factory over the files of a directory. */
export function directoryFactory(
  kind: string,
  options: WalkOptions,
  kinds: FileKinds,
  files: Files = realFiles,
): Factory {
  return {
    kind,
    describe: `${kind} of ${options.dir}`,
    make: (context) => makeAll(kind, options, kinds, files, context),
  };
}

async function* makeAll(
  kind: string,
  options: WalkOptions,
  fileKinds: FileKinds,
  files: Files,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const workshop = openWorkshop(resolve(context.root, options.dir), context, files, problems);
  const found = walk(workshop.dir, options, files);
  problems.push(...found.problems);
  found.warnings.forEach(workshop.warn);
  const kinds = fileKinds(workshop);
  const made = await makeOf(found, kinds);
  tellLonelySideFiles(found, made.taken, workshop);
  if (made.tasks.length === 0 && problems.length === 0)
    problems.push(nothingFound(kind, kinds, found, workshop));
  for (const { task } of made.tasks) yield task;
  refuse(problems);
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

/** A side file that nobody reads would be metadata that silently does not hold. */
function tellLonelySideFiles(
  { files, sideFiles }: Found,
  taken: ReadonlySet<string>,
  workshop: Workshop,
): void {
  for (const [path, sideFile] of sideFiles) {
    if (taken.has(path)) continue;
    const isThere = exists(path, workshop.files);
    if (isThere && !files.some((file) => file.path === path)) continue;
    workshop.problem({
      code: 'PEXEN_LONELY_SIDE_FILE',
      location: { file: sideFile },
      message: isThere ? `it is about ${path}, which is not a test here` : `there is no ${path}`,
      hint: isThere ? 'Check whether that file is executable.' : nameAfter(path, files),
    });
  }
}

/** The file that the side file of `path` may be about: mostly an ending was forgotten, or there is a slip. */
function nameAfter(path: string, files: readonly FoundFile[]): string {
  const names = files
    .filter((file) => dirname(file.path) === dirname(path))
    .map((file) => basename(file.path));
  const wanted = basename(path);
  const meant = names.find((name) => name.startsWith(`${wanted}.`)) ?? nearest(wanted, names);
  if (meant === undefined) return `Name it after the file it is about, with ${sideFileEnding} behind.`;
  return `Is it about ${meant}? Then call it ${meant}${sideFileEnding}.`;
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
  { dir }: Workshop,
): Problem {
  const hints = kinds.map((each) => each.hint?.(files)).filter((each) => each !== undefined);
  return {
    code: 'PEXEN_NOTHING_FOUND',
    location: { file: dir },
    message: `looked at ${files.length} files, found no tests (${kind})`,
    hint: hints.length > 0 ? hints.join(' ') : 'Check dir and include.',
  };
}
