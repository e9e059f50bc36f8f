/**
 * Resolves an address to a body: loads the module once and finds the task in it. A body with another fingerprint than the host's
 * is an error and is never run.
 */
import { findSourceMap } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import {
  type Body,
  collectTasks,
  definitionOf,
  duplicateIdProblem,
  findMaker,
  fingerprintOf,
  idOf,
  importsForOthers,
  isCopy,
  isPexenError,
  loadingModuleOf,
  type Maker,
  markLoading,
  PexenError,
  type Problem,
  type Runnable,
  type TaskDefinition,
  useSourceMaps,
} from '@pexen/core';
import type { BodyAddress } from '../envelope.ts';

useSourceMaps(findSourceMap);
importsForOthers(import.meta.url);

const loaded = new Map<string, object>();
const loading = new Map<string, Promise<object>>();

/** Tasks that were made while modules loaded: first as a list, then by module and id. */
const unsorted: TaskDefinition[] = [];
const made = new Map<string, Map<string, TaskDefinition[]>>();

/**
 * The definition of the task at the address; at once if its module is loaded already.
 * @throws PexenError PEXEN_CANNOT_LOAD, PEXEN_NO_SUCH_TASK, PEXEN_DUPLICATE_ID, PEXEN_FINGERPRINT
 */
export function resolveBody(address: BodyAddress): TaskDefinition | Promise<TaskDefinition> {
  const namespace = loaded.get(address.url);
  if (namespace !== undefined) return findIn(namespace, address);
  return findLoaded(address);
}

async function findLoaded(address: BodyAddress): Promise<TaskDefinition> {
  return findIn(await load(address.url), address);
}

/** Loads the module at the URL and collects the tasks made meanwhile. Concurrent calls for one module share one loading. */
function load(url: string): Promise<object> {
  const underWay = loading.get(url);
  if (underWay !== undefined) return underWay;
  const stopCollecting = loading.size === 0 ? collect() : undefined;
  if (stopCollecting !== undefined) stop = stopCollecting;
  const promise = loadNow(url);
  loading.set(url, promise);
  return promise;
}

async function loadNow(url: string): Promise<object> {
  try {
    const namespace = await loadModule(url);
    loaded.set(url, namespace);
    return namespace;
  } finally {
    loading.delete(url);
    if (loading.size === 0) stop();
  }
}

let stop: () => void = () => {};

function collect(): () => void {
  return collectTasks((_task, definition) => {
    if (!isCopy(definition)) unsorted.push(definition);
  });
}

function findIn(namespace: object, address: BodyAddress): TaskDefinition {
  const definition = pick(namespace, address);
  checkFingerprint(definition, address);
  return definition;
}

function pick(namespace: object, address: BodyAddress): TaskDefinition {
  switch (address.kind) {
    case 'export':
      return pickExport(namespace, address);
    case 'made':
      return pickMade(address);
    case 'maker':
      return pickFromMaker(namespace, address);
    default:
      return address satisfies never;
  }
}

function pickExport(
  namespace: object,
  address: Extract<BodyAddress, { readonly kind: 'export' }>,
): TaskDefinition {
  let at: unknown = namespace;
  for (const name of address.exportPath) {
    const isThere = (typeof at === 'object' || typeof at === 'function') && at !== null && name in at;
    at = isThere ? (at as Record<string, unknown>)[name] : undefined;
  }
  if (typeof at === 'function') return definitionOf(at as Runnable);
  throw missing(address, `exports no task "${address.exportPath.join('.')}"`);
}

function pickMade(address: Extract<BodyAddress, { readonly kind: 'made' }>): TaskDefinition {
  if (unsorted.length > 0) for (const definition of unsorted.splice(0)) sortIn(definition);
  const candidates = made.get(address.url)?.get(address.id) ?? [];
  const [first, second] = candidates;
  if (first === undefined) {
    throw missing(
      address,
      `made no task "${address.id}" while it loaded`,
      'Make the same tasks each time the module is loaded.',
    );
  }
  if (second !== undefined) throw new PexenError([duplicateIdProblem(address.id, first, second)]);
  return first;
}

/** Tasks with the same body count as one: `with` and the factories copy them. */
function sortIn(definition: TaskDefinition): void {
  const url = loadingModuleOf(definition.site);
  if (url === undefined) return;
  const ids = made.get(url) ?? new Map<string, TaskDefinition[]>();
  made.set(url, ids);
  const id = idOf(definition);
  const before = ids.get(id) ?? [];
  if (!before.some(({ body }) => body === definition.body)) ids.set(id, [...before, definition]);
}

function pickFromMaker(
  namespace: object,
  address: Extract<BodyAddress, { readonly kind: 'maker' }>,
): TaskDefinition {
  const make = findMaker(namespace, address.maker);
  if (make === undefined) {
    const hint = 'Export the result of maker(…) from the module that calls it.';
    throw missing(address, `exports no maker "${address.maker}"`, hint);
  }
  const task = tasksOf(make, address.input).get(address.id);
  if (task !== undefined) return task;
  throw missing(
    address,
    `has the maker "${address.maker}", but it made no task "${address.id}" of the same input`,
    'A maker must give the same tasks each time it gets the same input.',
  );
}

/** The last tasks of each maker, by id: the tasks of one call are resolved one after the other. */
const lastMade = new Map<
  object,
  { readonly input: unknown; readonly tasks: ReadonlyMap<string, TaskDefinition> }
>();

function tasksOf(make: Maker<unknown>, input: unknown): ReadonlyMap<string, TaskDefinition> {
  const last = lastMade.get(make);
  if (last !== undefined && isDeepStrictEqual(last.input, input)) return last.tasks;
  const definitions = make(input).map(definitionOf);
  const tasks = new Map(definitions.map((definition) => [idOf(definition), definition]));
  lastMade.set(make, { input, tasks });
  return tasks;
}

function missing({ url }: BodyAddress, message: string, hint?: string): PexenError {
  const problem: Problem = {
    code: 'PEXEN_NO_SUCH_TASK',
    location: { file: url },
    message: `the module that the worker loaded ${message}`,
    ...(hint !== undefined && { hint }),
  };
  return new PexenError([problem]);
}

function checkFingerprint({ body }: TaskDefinition, { fingerprint, url }: BodyAddress): void {
  if (typeof body !== 'function' || fingerprint === '' || fingerprintIn(body) === fingerprint) return;
  throw new PexenError([
    {
      code: 'PEXEN_FINGERPRINT',
      location: { file: url },
      message: 'the worker found a different body than the run',
      hint: 'Did the file change since the run started? Does the worker load it with the same `loader`?',
    },
  ]);
}

const fingerprints = new WeakMap<Body, string>();

function fingerprintIn(body: Body): string {
  const known = fingerprints.get(body);
  if (known !== undefined) return known;
  const fingerprint = fingerprintOf(body);
  fingerprints.set(body, fingerprint);
  return fingerprint;
}

// Importing a module of the user's, and what to do where Node cannot.

/**
 * The namespace of the module.
 * @throws PexenError PEXEN_CANNOT_LOAD with the error as its cause; PEXEN_RUN_WHILE_LOADING where the module starts a run.
 */
async function loadModule(url: string): Promise<object> {
  const unmark = markLoading(url);
  try {
    return (await import(/* @vite-ignore */ url)) as object;
  } catch (error) {
    if (isPexenError(error)) throw error;
    const hint = hintFor(error, url);
    const message = `the worker cannot load the module: ${describe(error)}`;
    const problem = { code: 'PEXEN_CANNOT_LOAD', location: { file: url }, message } as const;
    throw new PexenError([hint === undefined ? problem : { ...problem, hint }], { cause: error });
  } finally {
    unmark();
  }
}

const useLoader = "Set loader: 'tsx' on the pool (npm i -D tsx).";

/** Hints about the limits of type stripping, by Node's error codes. */
const hints: Readonly<Record<string, string>> = {
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX: `Enums, namespaces and parameter properties need more than Node's type stripping. ${useLoader}`,
  ERR_INVALID_TYPESCRIPT_SYNTAX: `Node's type stripping does not understand this file. ${useLoader}`,
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING: `Node strips no types under node_modules. ${useLoader}`,
  ERR_MODULE_NOT_FOUND: `Node wants imports with their extension (./x.ts). Write it, or: ${useLoader}`,
  ERR_UNKNOWN_FILE_EXTENSION: useLoader,
};

function hintFor(error: unknown, url: string): string | undefined {
  const { code } = (typeof error === 'object' && error !== null ? error : {}) as { readonly code?: unknown };
  const isTypeScript = /\.[cm]?tsx?$/.test(new URL(url).pathname);
  if (!isTypeScript) return undefined;
  if (typeof code === 'string' && Object.hasOwn(hints, code)) return hints[code];
  return error instanceof SyntaxError
    ? `Decorators, for one, need more than type stripping. ${useLoader}`
    : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
