/** Modules as tasks: loads them, takes their tasks, each once, and gives each its place and its address. */
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  addressed,
  definitionOf,
  fingerprintOf,
  isLoadedByRunner,
  locationOf,
  type NameKind,
  type PlacedTask,
  type Problem,
  type Runnable,
  type SourceLocation,
  scriptPositionOf,
  type TaskDefinition,
  type TaskMeta,
  type TaskSource,
} from '@pexen/core';
import { compareCodePoints } from './code-point-order.ts';
import { nameAfterExport } from './export-name.ts';
import type { FileKind, Made } from './file-kind.ts';
import { loadModule, moduleProblems } from './load-module.ts';
import {
  type ExportedTask,
  type ExportedTasks,
  exportedTasks,
  type NameMatch,
  nameMatch,
} from './module-exports.ts';
import type { DefaultMeta, ExportOptions } from './options.ts';
import type { FoundFile } from './walk.ts';
import { defaultMetaOf, type Workshop } from './workshop.ts';

/** Files whose names say that they hold tasks: `ping.task.ts`, `net.tasks.js`, `tests.ts`, `tasks.mjs`. */
export const moduleFile: RegExp = /(?:^|\.)(?:task|tasks|tests)\.[cm]?[jt]s$/;

/** Any file that Node can import. */
export const anyModule: RegExp = /(?<!\.d)\.[cm]?[jt]s$/;

/** For `modules` and `tree`. */
export interface ModuleKindOptions extends ExportOptions {
  readonly meta?: DefaultMeta | undefined;
  /** Is the module itself no part of the call path? */
  readonly isFlat?: boolean;
}

interface Candidate {
  readonly file: FoundFile;
  readonly exported: ExportedTask;
  readonly definition: TaskDefinition;
}

/** Modules whose names `takes` likes, as tasks. */
export function moduleKind(
  options: ModuleKindOptions,
  workshop: Workshop,
  takes: FileKind['takes'],
): FileKind {
  return {
    name: 'modules',
    takes,
    make: (files) => makeTasks(files, options, workshop),
    hint: (all) =>
      all.some(({ path }) => moduleFile.test(basename(path)))
        ? 'Export tasks: export const ping = task({ … }, () => …).'
        : 'Modules with tasks are called like ping.task.ts or tests.ts, or named by include.',
  };
}

async function* makeTasks(
  files: readonly FoundFile[],
  options: ModuleKindOptions,
  workshop: Workshop,
): AsyncGenerator<Made, void> {
  const isMeant = nameMatch(options);
  const candidates: Candidate[] = [];
  const unbound = new Map<Runnable, string>();
  for (const file of files) {
    const exports = await exportsOf(file, isMeant, workshop);
    if (exports === undefined) continue;
    for (const { runnable, name } of exports.unbound) unbound.set(runnable, name);
    for (const each of exports.problems) workshop.problem({ location: { file: file.path }, ...each });
    const found = exports.tasks.map((exported) => ({
      file,
      exported,
      definition: definitionOf(exported.runnable),
    }));
    candidates.push(...found.sort(byPlace));
    if (found.length + exports.unbound.length + exports.problems.length > 0) continue;
    if (exports.functions.length > 0 && moduleFile.test(basename(file.path)))
      workshop.problem(functionsOnly(file, exports.functions));
    else workshop.warn(noTask(file));
  }
  warnOfUnbound(unbound, candidates, workshop);
  for (const each of bestOf(candidates)) yield { file: each.file, task: placeOf(each, options, workshop) };
}

/** Undefined, and problems, where the module cannot be loaded, or a maker or a generator that it exports throws. */
async function exportsOf(
  { path }: FoundFile,
  isMeant: NameMatch,
  { problem }: Workshop,
): Promise<ExportedTasks | undefined> {
  const { namespace, problems } = await loadModule(path);
  problems?.forEach(problem);
  if (namespace === undefined) return undefined;
  try {
    return await exportedTasks(namespace, isMeant);
  } catch (error) {
    for (const each of await moduleProblems(error, path, 'tasks')) problem(each);
    return undefined;
  }
}

/** In the order of the source where it is known, else by name. */
function byPlace(a: Candidate, b: Candidate): number {
  const [here, there] = [siteIn(a), siteIn(b)];
  if (here === undefined || there === undefined) {
    if (here !== there) return here === undefined ? 1 : -1;
    return compareCodePoints(a.exported.name ?? '', b.exported.name ?? '');
  }
  return (here.line ?? 0) - (there.line ?? 0) || (here.column ?? 0) - (there.column ?? 0);
}

/** Where in the module itself the task was made: in the file as it is, or else as it was compiled. */
function siteIn({ file, definition: { site } }: Candidate): SourceLocation | undefined {
  const isInFile = (location: SourceLocation | undefined): boolean =>
    location !== undefined && pathOf(location.file) === file.path;
  return [locationOf(site), scriptPositionOf(site)].find(isInFile);
}

function pathOf(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}

/** A task that several modules export, or one module under several names, is one task: of the module that made it, by the shortest way. */
function bestOf(candidates: readonly Candidate[]): readonly Candidate[] {
  const best = new Map<Runnable, Candidate>();
  for (const candidate of candidates) {
    const other = best.get(candidate.exported.runnable);
    if (other === undefined || rankOf(candidate) > rankOf(other))
      best.set(candidate.exported.runnable, candidate);
  }
  return candidates.filter((candidate) => best.get(candidate.exported.runnable) === candidate);
}

function rankOf(candidate: Candidate): number {
  const { isDefault, exportPath } = candidate.exported;
  const nearness = exportPath === undefined ? 0 : 1 / exportPath.length;
  return (siteIn(candidate) === undefined ? 0 : 4) + (isDefault ? 0 : 2) + nearness;
}

function placeOf(
  { file, exported, definition }: Candidate,
  options: ModuleKindOptions,
  workshop: Workshop,
): PlacedTask {
  const module = [...file.parts.slice(0, -1), stemOf(file)];
  const above = exported.isDefault ? module.slice(0, -1) : module;
  const under = [...workshop.under, ...(options.isFlat === true ? [] : above), ...exported.under];
  const name = exported.name ?? (exported.isDefault ? stemOf(file) : undefined);
  const defaults = defaultMetaOf(options.meta, file, workshop);
  const meta = { ...defaults, ...definition.meta, ...(name !== undefined && { name }) };
  if (name !== undefined) nameAfterExport(exported.runnable, [...exported.under, name].join('/'));
  const nameKind = definition.meta.name === undefined ? nameKindOf(exported) : definition.nameKind;
  const location = definition.location ?? (definition.site === undefined ? { file: file.path } : undefined);
  return { under, task: withAddress(exported, definition, file, meta, { location, nameKind }) };
}

/** What the name that the module gives to a task comes from; an item of a list is known by its place in it. */
function nameKindOf({ name, isDefault, isItem }: ExportedTask): NameKind | undefined {
  if (name === undefined) return isDefault ? 'file' : undefined;
  return isItem ? 'ordinal' : 'export';
}

/** A task that already has an address, as makers give it, keeps it; so does a program. */
function withAddress(
  exported: ExportedTask,
  definition: TaskDefinition,
  file: FoundFile,
  meta: TaskMeta,
  source: TaskSource,
): Runnable {
  const { runnable, exportPath } = exported;
  const { body, site } = definition;
  if (definition.address !== undefined || exportPath === undefined || typeof body !== 'function') {
    return addressed(runnable, definition.address, meta, source);
  }
  const fingerprint = isLoadedByRunner(site) ? '' : fingerprintOf(body);
  return addressed(
    runnable,
    { kind: 'export', url: pathToFileURL(file.path).href, exportPath, fingerprint },
    meta,
    source,
  );
}

/** `ping` of `ping.task.ts`, `tests` of `tests.ts`. */
function stemOf({ path }: FoundFile): string {
  const name = basename(path).replace(/\.[cm]?[jt]s$/, '');
  return name.replace(/(?<=.)\.tasks?$/, '');
}

function noTask({ path }: FoundFile): Problem {
  return {
    code: 'PEXEN_NO_TASK',
    location: { file: path },
    message: 'the module exports no task',
    hint: 'Export one: export const ping = task({ … }, () => …); or exclude the file.',
  };
}

/** By its name it has tasks, and whoever wrote it may think that these are some: none of them would run. */
function functionsOnly({ path }: FoundFile, functions: readonly string[]): Problem {
  const more = functions.length > 5 ? ` and ${functions.length - 5} more` : '';
  const first = functions.find((name) => name !== 'default') ?? 'ping';
  return {
    code: 'PEXEN_FUNCTIONS_ONLY',
    location: { file: path },
    message: `the module exports no task, only the functions ${functions.slice(0, 5).join(', ')}${more}`,
    hint: `Write export const ${first} = task({}, () => …), say by "match" which functions are meant, or exclude the file.`,
  };
}

function warnOfUnbound(
  unbound: ReadonlyMap<Runnable, string>,
  candidates: readonly Candidate[],
  { warn }: Workshop,
): void {
  const bound = new Set(candidates.map(({ definition }) => definition.madeFrom));
  for (const [each, exportName] of unbound) {
    if (bound.has(each)) continue;
    const location = locationOf(definitionOf(each).site);
    warn({
      code: 'PEXEN_UNBOUND',
      ...(location !== undefined && { location }),
      message: `the task "${each.name || exportName}" has no args; skipped`,
      hint: 'Export it with its args: export const one = template.with({ … });',
    });
  }
}
