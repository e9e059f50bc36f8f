/** Modules as tasks: loads them, takes the tasks that they export, each once, and gives each its place and its address. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  addressed,
  definitionOf,
  fingerprintOf,
  isLoadedByRunner,
  locationOf,
  type NameKind,
  PexenError,
  type PlacedTask,
  type Problem,
  type Runnable,
  refuse,
  type SourceLocation,
  scriptPositionOf,
  type TaskDefinition,
  type TaskMeta,
  type TaskSource,
} from '@pexen/core';
import {
  createLoadContext,
  defaultMetaOf,
  directoryFactory,
  type FileKind,
  type LoadContext,
  type Made,
  originOfDefaults,
} from '../directory-factory.ts';
import type { Factory, FactoryContext } from '../factory.ts';
import { realFiles } from '../files.ts';
import { compareCodePoints } from '../names.ts';
import {
  checkOptions,
  type DefaultMeta,
  type ExportOptions,
  type ModuleOptions,
  type ModuleTreeOptions,
  type OptionName,
} from '../options.ts';
import type { FoundFile } from '../walk.ts';
import { loadModule, moduleProblems } from './load-module.ts';
import {
  type ExportedTask,
  type ExportedTasks,
  exportedTasks,
  type NameMatch,
  nameAfterExport,
  nameMatch,
} from './module-exports.ts';

const known: readonly OptionName[] = ['dir', 'file', 'include', 'exclude', 'followLinks', 'meta', 'match'];

/**
 * The exported tasks of one module (`file`), or of all modules of a directory that match `include` (default: names
 * like `ping.task.ts` or `tests.ts`). Exported functions are tasks if they have metadata or their name matches `match`.
 *
 * @example
 * modules({ dir: 'src', include: ['**\/*.task.ts'] })
 * modules({ file: 'checks.ts', match: 'check*' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function modules(options: ModuleOptions | ModuleTreeOptions): Factory {
  checkOptions('modules', options, known, options?.file === undefined ? ['dir'] : []);
  if (options.file === undefined) return moduleTree(options);
  const others = known.filter((name) => !['file', 'meta', 'match'].includes(name));
  const wrong = others.filter((name) =>
    Object.entries(options).some(([other, value]) => other === name && value !== undefined),
  );
  if (wrong.length > 0) throw fileWith(wrong);
  return {
    kind: 'modules',
    describe: `module ${options.file}`,
    make: (context) => makeFromFile(options, context),
  };
}

function moduleTree(options: ModuleTreeOptions): Factory {
  const form = options.include === undefined ? moduleFile : anyModule;
  return directoryFactory('modules', options, (loadContext) => [
    moduleKind(options, loadContext, ({ path }) => form.test(basename(path)) && anyModule.test(path)),
  ]);
}

async function* makeFromFile(
  options: ModuleOptions,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const path = resolve(context.root, options.file);
  const loadContext = createLoadContext(
    `modules of ${options.file}`,
    context.root,
    context,
    realFiles,
    problems,
  );
  if (!existsSync(path)) throw noSuchFile(path);
  const file: FoundFile = { path, parts: [basename(path)], mode: 0, uid: 0 };
  const kind = moduleKind({ ...options, isFlat: true }, loadContext, () => true);
  let count = 0;
  for await (const { task } of kind.make([file], { sideFiles: new Map() })) {
    count++;
    yield task;
  }
  if (count === 0 && problems.length === 0) problems.push(nothingIn(path));
  refuse(problems);
}

function fileWith(wrong: readonly string[]): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_BAD_OPTION',
      message: `modules: "file" does not go with "${wrong.join('", "')}"`,
      hint: 'Write either file, or dir and its options.',
    },
  ]);
}

function noSuchFile(path: string): PexenError {
  return new PexenError([
    {
      code: 'PEXEN_MODULE_FAILED',
      location: { file: path },
      message: 'no such file',
      hint: 'Check the spelling.',
    },
  ]);
}

function nothingIn(path: string): Problem {
  return {
    code: 'PEXEN_NOTHING_FOUND',
    location: { file: path },
    message: 'the module exports no task',
    hint: 'Export tasks, or select functions with "match".',
  };
}

/** Names of files that contain tasks: `ping.task.ts`, `net.tasks.js`, `tests.ts`, `tasks.mjs`. */
export const moduleFile: RegExp = /(?:^|\.)(?:task|tasks|tests)\.[cm]?[jt]s$/;

/** Any file that Node can import. */
const anyModule: RegExp = /(?<!\.d)\.[cm]?[jt]s$/;

/** For `modules` and `tree`. */
export interface ModuleKindOptions extends ExportOptions {
  readonly meta?: DefaultMeta | undefined;
  /** Is the name of the module left out of the call path? */
  readonly isFlat?: boolean;
}

interface Candidate {
  readonly file: FoundFile;
  readonly exported: ExportedTask;
  readonly definition: TaskDefinition;
}

/** Modules as tasks; `takes` selects them. */
export function moduleKind(
  options: ModuleKindOptions,
  loadContext: LoadContext,
  takes: FileKind['takes'],
): FileKind {
  return {
    name: 'modules',
    takes,
    make: (files) => makeTasks(files, options, loadContext),
    hint: (all) =>
      all.some(({ path }) => moduleFile.test(basename(path)))
        ? 'Export tasks: export const ping = task({ … }, () => …).'
        : 'Modules with tasks are named like ping.task.ts or tests.ts, or match include.',
  };
}

async function* makeTasks(
  files: readonly FoundFile[],
  options: ModuleKindOptions,
  loadContext: LoadContext,
): AsyncGenerator<Made, void> {
  const isMeant = nameMatch(options);
  const candidates: Candidate[] = [];
  const unbound = new Map<Runnable, string>();
  for (const file of files) {
    const exports = await exportsOf(file, isMeant, loadContext);
    if (exports === undefined) continue;
    for (const { runnable, name } of exports.unbound) unbound.set(runnable, name);
    for (const each of exports.problems) loadContext.problem({ location: { file: file.path }, ...each });
    const found = exports.tasks.map((exported) => ({
      file,
      exported,
      definition: definitionOf(exported.runnable),
    }));
    candidates.push(...found.sort(byPlace));
    if (found.length + exports.unbound.length + exports.problems.length > 0) continue;
    if (exports.functions.length > 0 && moduleFile.test(basename(file.path)))
      loadContext.problem(functionsOnly(file, exports.functions));
    else loadContext.warn(noTask(file));
  }
  warnOfUnbound(unbound, candidates, loadContext);
  for (const each of bestOf(candidates)) yield { file: each.file, task: placeOf(each, options, loadContext) };
}

/** Returns undefined and reports problems where the module cannot be loaded, or where an exported maker or generator throws. */
async function exportsOf(
  { path }: FoundFile,
  isMeant: NameMatch,
  { problem }: LoadContext,
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

/** Sorts by the place in the source if it is known, else by name. */
function byPlace(a: Candidate, b: Candidate): number {
  const [here, there] = [siteIn(a), siteIn(b)];
  if (here === undefined || there === undefined) {
    if (here !== there) return here === undefined ? 1 : -1;
    return compareCodePoints(a.exported.name ?? '', b.exported.name ?? '');
  }
  return (here.line ?? 0) - (there.line ?? 0) || (here.column ?? 0) - (there.column ?? 0);
}

/** The place in the module where the task was made, in the original file or in its compiled form. */
function siteIn({ file, definition: { site } }: Candidate): SourceLocation | undefined {
  const isInFile = (location: SourceLocation | undefined): boolean =>
    location !== undefined && pathOf(location.file) === file.path;
  return [locationOf(site), scriptPositionOf(site)].find(isInFile);
}

function pathOf(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}

/** A task that is exported several times counts once: in the module that made it, by the shortest export path. */
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
  loadContext: LoadContext,
): PlacedTask {
  const module = [...file.parts.slice(0, -1), stemOf(file)];
  const above = exported.isDefault ? module.slice(0, -1) : module;
  const under = [...loadContext.under, ...(options.isFlat === true ? [] : above), ...exported.under];
  const name = exported.name ?? (exported.isDefault ? stemOf(file) : undefined);
  const defaults = defaultMetaOf(options.meta, file, loadContext);
  const meta = { ...defaults, ...definition.meta, ...(name !== undefined && { name }) };
  if (name !== undefined) nameAfterExport(exported.runnable, [...exported.under, name].join('/'));
  const nameKind = definition.meta.name === undefined ? nameKindOf(exported) : definition.nameKind;
  const location = definition.location ?? (definition.site === undefined ? { file: file.path } : undefined);
  const byDefault = originOfDefaults(defaults, definition.meta, loadContext);
  const originOf: TaskSource['originOf'] = (entry) => byDefault(entry) ?? definition.originOf?.(entry);
  return { under, task: withAddress(exported, definition, file, meta, { location, nameKind, originOf }) };
}

/** The origin of the name that the module gives to a task; an item of a list is named by its index. */
function nameKindOf({ name, isDefault, isItem }: ExportedTask): NameKind | undefined {
  if (name === undefined) return isDefault ? 'file' : undefined;
  return isItem ? 'ordinal' : 'export';
}

/** A task that already has an address, for example from a maker, keeps it; so does a program. */
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

/** The problem of a module that is named like one with tasks but only exports functions, none of which would run. */
function functionsOnly({ path }: FoundFile, functions: readonly string[]): Problem {
  const more = functions.length > 5 ? ` and ${functions.length - 5} more` : '';
  const first = functions.find((name) => name !== 'default') ?? 'ping';
  return {
    code: 'PEXEN_FUNCTIONS_ONLY',
    location: { file: path },
    message: `the module exports no task, only the functions ${functions.slice(0, 5).join(', ')}${more}`,
    hint: `Write export const ${first} = task({}, () => …), select the functions with "match", or exclude the file.`,
  };
}

function warnOfUnbound(
  unbound: ReadonlyMap<Runnable, string>,
  candidates: readonly Candidate[],
  { warn }: LoadContext,
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
