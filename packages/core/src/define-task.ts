/** Makes tasks of metadata and a body, reads the metadata of anything that can run, and refuses everything else. */
import type { Address } from './address.ts';
import { checkArgs, isSchema, type StandardSchema } from './args.ts';
import { lonelyContext } from './body-context.ts';
import { type CallSite, captureCallSite, locationOf } from './call-site.ts';
import { defined } from './defined.ts';
import { isIterable, kindOf } from './entry-check.ts';
import { misuse, type PexenError } from './errors.ts';
import type { ExecutableBody } from './outcome.ts';
import {
  type ArgsOf,
  type Body,
  type BodyContext,
  definitionKey,
  type GivenContext,
  type PlacedTask,
  type PlainFunction,
  type Retries,
  type Runnable,
  type Task,
  type TaskDefinition,
  type TaskMeta,
  type UnboundTask,
} from './task.ts';

const metaKey: unique symbol = Symbol.for('pexen.meta') as never;

/** What `task()` gives for metadata M: bound, unless the args have a schema. */
export type TaskOf<M extends TaskMeta, Value> = M extends { readonly args: StandardSchema<infer Input> }
  ? UnboundTask<Input, Value>
  : /** `~args` is never there; it keeps the type of the args. */
    Task<Value> & { readonly '~args'?: ArgsOf<M> };

/** Makes entries that are no metadata a compile error. */
type OnlyKnown<M> = { readonly [K in Exclude<keyof M, keyof TaskMeta>]: never } & {
  readonly retries?: M extends { readonly retries: infer R extends Retries }
    ? { readonly [K in Exclude<keyof R, keyof Retries>]: never }
    : unknown;
};

/** Called with every task made while a worker loads a module; see `collectTasks`. */
type Collector = (task: object, definition: TaskDefinition) => void;
const collectorKey: unique symbol = Symbol.for('pexen.collector') as never;

/**
 * Makes a task. The result stays callable: `await lint()` runs the body without a scheduler.
 *
 * @example
 * const lint = task({ name: 'lint', uses: ['src'] }, ({ signal }) => runLinter(signal));
 * @throws PexenError PEXEN_NOT_A_TASK without metadata or without a body; PEXEN_METADATA_TWICE for a body that has metadata.
 */
export function task<const M extends TaskMeta, Value>(
  meta: M & OnlyKnown<M>,
  body: (context: BodyContext<M>) => Value,
): TaskOf<M, Awaited<Value>> {
  const site = captureCallSite(task);
  checkParts('task', meta, body, site);
  if (isTask(body) || hasMeta(body)) throw metadataTwice('body', site);
  return makeTask({ ...unboundArgs(meta), meta, body, site }) as TaskOf<M, Awaited<Value>>;
}

/** What a factory knows of the source of a task. */
export type TaskSource = Pick<TaskDefinition, 'location' | 'nameKind'>;

/** Makes a task whose body is a program. Only pools that take executables can run it. */
export function executableTask(meta: TaskMeta, body: ExecutableBody, source: TaskSource = {}): Task {
  return makeTask({ ...unboundArgs(meta), meta, body, ...source }) as Task;
}

/**
 * Puts metadata on a plain function, in place, and returns it.
 * @throws PexenError PEXEN_NOT_A_TASK without metadata or without a function; PEXEN_METADATA_TWICE for a task.
 */
export function withMeta<F extends PlainFunction>(body: F, meta: TaskMeta): F {
  if (typeof body !== 'function' || typeof meta !== 'object' || meta === null || Array.isArray(meta))
    checkParts('withMeta', meta, body, captureCallSite(withMeta));
  if (isTask(body)) throw metadataTwice('task', captureCallSite(withMeta));
  Object.defineProperty(body, metaKey, { value: meta, configurable: true, writable: true });
  return body;
}

/** The args of a task that has none. */
const noArgs = Object.freeze({});

/**
 * The metadata of a task or of a function; an empty object for a function without any.
 * @throws PexenError PEXEN_NOT_A_TASK for anything else.
 */
export function metaOf(runnable: object): TaskMeta {
  if (isTask(runnable)) return runnable[definitionKey].meta;
  if (typeof runnable !== 'function') throw notATask(runnable);
  return (runnable as { [metaKey]?: TaskMeta })[metaKey] ?? {};
}

/** True for what `task()` made, in this or any other copy of the package. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'function' && definitionKey in value;
}

/** True for a function that `withMeta` was called on. */
export function hasMeta(value: unknown): boolean {
  return typeof value === 'function' && metaKey in value;
}

/**
 * What is known of a task, in one shape for tasks and plain functions.
 * @throws PexenError PEXEN_NOT_A_TASK for anything else.
 */
export function definitionOf(runnable: Runnable): TaskDefinition {
  if (isTask(runnable)) return runnable[definitionKey];
  const meta = metaOf(runnable);
  if (meta.args === undefined) return plainDefinition(runnable, meta);
  return { ...unboundArgs(meta), meta, body: runnable as Body };
}

/** What is known of a function that is no task and has no args, if its metadata is known already. */
export function plainDefinition(body: Runnable, meta: TaskMeta): TaskDefinition {
  return { meta, body: body as Body, args: noArgs, isUnbound: false };
}

/**
 * A copy of the runnable that knows where a worker finds its body, and has further metadata. Without an address it is found
 * where the runnable itself is found. For factories.
 */
export function addressed(
  runnable: Runnable,
  address: Address | undefined,
  meta: TaskMeta = {},
  source: TaskSource = {},
): Task {
  const definition = definitionOf(runnable);
  return makeTask({
    ...definition,
    ...source,
    meta: { ...definition.meta, ...meta },
    address,
    madeFrom: runnable,
  }) as Task;
}

/** The task with another body, made from it, at that place. */
export function rewrapped(from: Task, body: Body, site: CallSite): Task {
  return makeTask({ ...definitionOf(from), body, site, address: undefined, madeFrom: from }) as Task;
}

/**
 * Gives a runnable a place in a tree: `place(['net', 'ipv4'], ping)`.
 * @throws PexenError PEXEN_NOT_A_TASK where the path is no list of strings, or there is no task.
 */
export function place<Value>(under: readonly string[], runnable: Runnable<Value>): PlacedTask<Value> {
  checkPlace(under, runnable, () => captureCallSite(place));
  return { under, task: runnable };
}

/** True for what `place` made. */
export function isPlaced(value: unknown): value is PlacedTask {
  return typeof value === 'object' && value !== null && 'under' in value && 'task' in value;
}

/** Calls `collector` with every task made from now on, until the returned function is called. For workers. */
export function collectTasks(collector: Collector): () => void {
  const world = globalThis as { [collectorKey]?: Collector | undefined };
  world[collectorKey] = collector;
  return () => {
    world[collectorKey] = undefined;
  };
}

function unboundArgs(meta: TaskMeta): Pick<TaskDefinition, 'args' | 'isUnbound'> {
  const isUnbound = isSchema(meta.args);
  return { args: isUnbound ? undefined : (meta.args ?? {}), isUnbound };
}

function makeTask(definition: TaskDefinition): object {
  const { isUnbound, meta, body } = definition;
  const call = isUnbound
    ? (args: unknown, given?: GivenContext) => callBody({ ...definition, args }, given)
    : (given?: GivenContext) => callBody(definition, given);
  const name = meta.name ?? (typeof body === 'function' ? body.name : '');
  Object.defineProperty(call, 'name', { value: name });
  Object.defineProperty(call, definitionKey, { value: definition });
  if (isUnbound) Object.defineProperty(call, 'with', { value: bindArgs.bind(undefined, call, definition) });
  (globalThis as { [collectorKey]?: Collector })[collectorKey]?.(call, definition);
  return call;
}

function bindArgs(from: object, definition: TaskDefinition, args: unknown, meta: TaskMeta = {}): object {
  const schema = definition.meta.args as StandardSchema;
  const checked = checkArgs(schema, args, definition.meta.name ?? 'a task');
  const bound: TaskDefinition = {
    ...definition,
    meta: { ...definition.meta, ...defined(meta) },
    args: checked,
    isUnbound: false,
    madeFrom: from,
    nameKind: meta.name === undefined ? definition.nameKind : undefined,
  };
  return makeTask(bound);
}

function callBody(definition: TaskDefinition, given: GivenContext = {}): Promise<unknown> {
  const { body, meta } = definition;
  if (typeof body !== 'function') {
    const message = `"${meta.name ?? body.file}" is a program`;
    return Promise.reject(misuse('PEXEN_NOT_CALLABLE', message, 'Run it in a pool that takes executables.'));
  }
  return new Promise((resolve) => resolve(body(lonelyContext(definition, given) as never)));
}

/** Something was to be run that cannot be. */
export function notATask(value: unknown): PexenError {
  return notATaskError(
    `there is ${kindOf(value)} where a task should be`,
    'Hand over what task() gave, or a function.',
  );
}

/** What was handed over as tasks, as a list. @throws PexenError PEXEN_NOT_A_TASK where it is none: a task by itself, mostly. */
export function listOfTasks<T>(value: Iterable<T>): readonly T[] {
  if (!isIterable(value))
    throw notATaskError(`there is ${kindOf(value)} where a list of tasks should be`, 'Write run([task]).');
  return Array.isArray(value) ? value : [...value];
}

/** Refuses to make a task without metadata or without a body. @throws PexenError PEXEN_NOT_A_TASK. */
export function checkParts(of: 'task' | 'withMeta', meta: unknown, body: unknown, site: CallSite): void {
  const isMeta = typeof meta === 'object' && meta !== null && !Array.isArray(meta);
  if (isMeta && typeof body === 'function') return;
  const given =
    typeof body === 'function' || (of === 'task' && !isMeta)
      ? `${kindOf(meta)} for its metadata`
      : `${kindOf(body)} for its body`;
  const form = of === 'task' ? 'task({ … }, () => …)' : 'withMeta(() => …, { … })';
  throw notATaskError(`${of}() was given ${given}`, `Write ${form}.`, site);
}

/** Refuses a place that is none. @throws PexenError PEXEN_NOT_A_TASK. */
export function checkPlace(under: unknown, task: unknown, site: () => CallSite): void {
  const odd = Array.isArray(under) ? under.findIndex((part) => typeof part !== 'string') : undefined;
  if (odd === -1 && typeof task === 'function') return;
  const path =
    odd === undefined
      ? `${kindOf(under)} for its path`
      : `a path with ${kindOf((under as unknown[])[odd])} in it`;
  const given = odd === -1 ? `${kindOf(task)} for its task` : path;
  throw notATaskError(`place() was given ${given}`, "Write place(['net', 'ipv4'], task).", site());
}

/** Two places with metadata, one of which would not count. */
export function metadataTwice(where: 'body' | 'task', site: CallSite): PexenError {
  const message =
    where === 'body'
      ? 'the body of task() has metadata of its own, which would not count'
      : 'withMeta() was given a task, which has metadata already';
  const hint = 'Write all metadata in one place: task({ … }, () => …).';
  return misuse('PEXEN_METADATA_TWICE', message, hint, undefined, locationOf(site));
}

/** The error for what cannot be a task, at the place of the call that was given it. */
export function notATaskError(message: string, hint: string, site?: CallSite): PexenError {
  return misuse('PEXEN_NOT_A_TASK', message, hint, undefined, locationOf(site));
}
