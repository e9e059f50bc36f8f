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
  type ServiceContext,
  type ServiceMeta,
  type ServiceRules,
  type Task,
  type TaskDefinition,
  type TaskMeta,
  type UnboundTask,
} from './task.ts';

const metaKey: unique symbol = Symbol.for('pexen.meta') as never;

/** What `task()` returns for metadata M: a bound task, unless the args have a schema. */
export type TaskOf<M extends TaskMeta, Value> = M extends { readonly args: StandardSchema<infer Input> }
  ? UnboundTask<Input, Value>
  : /** `~args` does not exist at run time; it carries the type of the args. */
    Task<Value> & { readonly '~args'?: ArgsOf<M> };

/** Makes unknown metadata entries a compile error. */
type OnlyKnown<M, Known = TaskMeta> = { readonly [K in Exclude<keyof M, keyof Known>]: never } & {
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

/**
 * Makes a service: a task that goes on while others need what it provides. It starts when a task that requires it could start otherwise, it is
 * ready when its body calls `ready`, and its signal is aborted once no task needs it any more. Called directly, without a scheduler, it runs its
 * body; `ready` has no effect then.
 *
 * @example
 * const web = service({ provides: [url] }, async ({ set, ready, signal }) => {
 *   const server = await listen(0, { signal });
 *   set(url, server.url);
 *   ready();
 *   await server.closed;
 * });
 * @throws PexenError PEXEN_NOT_A_TASK without metadata or without a body; PEXEN_METADATA_TWICE for a body that has metadata.
 */
export function service<const M extends ServiceMeta, Value>(
  meta: M & OnlyKnown<M, ServiceMeta>,
  body: (context: ServiceContext<M>) => Value,
): TaskOf<M, Awaited<Value>> {
  const site = captureCallSite(service);
  checkParts('service', meta, body, site);
  if (isTask(body) || hasMeta(body)) throw metadataTwice('body', site);
  const rules = serviceRules(meta);
  return makeTask({ ...unboundArgs(meta), meta, body, site, service: rules }) as TaskOf<M, Awaited<Value>>;
}

/** The rules of a service with this metadata, for `executableTask`. */
export function serviceRules({ restarts = 0, stop }: ServiceMeta): ServiceRules {
  return { restarts, killsOnStop: stop === 'kill' };
}

/** What a factory knows about a task besides its metadata and its body. */
export type TaskSource = Pick<TaskDefinition, 'location' | 'nameKind' | 'originOf' | 'service'>;

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

/** The args of a task without args. */
const noArgs = Object.freeze({});

/**
 * The metadata of a task or function; an empty object for a function without metadata.
 * @throws PexenError PEXEN_NOT_A_TASK for anything else.
 */
export function metaOf(runnable: object): TaskMeta {
  if (isTask(runnable)) return runnable[definitionKey].meta;
  if (typeof runnable !== 'function') throw notATask(runnable);
  return (runnable as { [metaKey]?: TaskMeta })[metaKey] ?? {};
}

/** True for tasks that `task()` made, in this or any other copy of the package. */
export function isTask(value: unknown): value is Task {
  return typeof value === 'function' && definitionKey in value;
}

/** True for a function that `withMeta` was called on. */
export function hasMeta(value: unknown): boolean {
  return typeof value === 'function' && metaKey in value;
}

/**
 * The definition of a task or plain function, in one shape for both.
 * @throws PexenError PEXEN_NOT_A_TASK for anything else.
 */
export function definitionOf(runnable: Runnable): TaskDefinition {
  if (isTask(runnable)) return runnable[definitionKey];
  const meta = metaOf(runnable);
  if (meta.args === undefined) return plainDefinition(runnable, meta);
  return { ...unboundArgs(meta), meta, body: runnable as Body };
}

/** The definition of a plain function without args whose metadata is already known. */
export function plainDefinition(body: Runnable, meta: TaskMeta): TaskDefinition {
  return { meta, body: body as Body, args: noArgs, isUnbound: false };
}

/**
 * A copy of the runnable with an address and further metadata. Without an address, workers find the copy
 * where they find the runnable itself. For factories.
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

/** A copy of the task with another body, made at that call site. */
export function rewrapped(from: Task, body: Body, site: CallSite): Task {
  return makeTask({ ...definitionOf(from), body, site, address: undefined, madeFrom: from }) as Task;
}

/**
 * Gives a runnable a place in a tree: `place(['net', 'ipv4'], ping)`.
 * @throws PexenError PEXEN_NOT_A_TASK where the path is not a list of strings, or the task is missing.
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

/** The error for a value that should run and is not a task. */
function notATask(value: unknown): PexenError {
  return notATaskError(
    `there is ${kindOf(value)} where a task should be`,
    'Pass a task made by task(), or a function.',
  );
}

/** The tasks that were passed, as a list. @throws PexenError PEXEN_NOT_A_TASK where the argument is not iterable, mostly a single task. */
export function listOfTasks<T>(value: Iterable<T>): readonly T[] {
  if (!isIterable(value))
    throw notATaskError(`there is ${kindOf(value)} where a list of tasks should be`, 'Write run([task]).');
  return Array.isArray(value) ? value : [...value];
}

/** The objects that identify the task as a capability: the task itself, and what it was made from, nearest first. */
export function identitiesOf(runnable: Runnable | undefined): ReadonlySet<object> {
  if (runnable === undefined) return new Set();
  const found = new Set<object>([runnable]);
  for (const each of found) if (isTask(each)) found.add(each[definitionKey].madeFrom ?? each);
  return found;
}

/** Refuses to make a task without metadata or without a body. @throws PexenError PEXEN_NOT_A_TASK. */
function checkParts(of: 'task' | 'service' | 'withMeta', meta: unknown, body: unknown, site: CallSite): void {
  const isMeta = typeof meta === 'object' && meta !== null && !Array.isArray(meta);
  if (isMeta && typeof body === 'function') return;
  const given =
    typeof body === 'function' || (of !== 'withMeta' && !isMeta)
      ? `${kindOf(meta)} for its metadata`
      : `${kindOf(body)} for its body`;
  const form = of === 'withMeta' ? 'withMeta(() => …, { … })' : `${of}({ … }, () => …)`;
  throw notATaskError(`${of}() was given ${given}`, `Write ${form}.`, site);
}

/** Validates the arguments of `place`. @throws PexenError PEXEN_NOT_A_TASK. */
function checkPlace(under: unknown, task: unknown, site: () => CallSite): void {
  const odd = Array.isArray(under) ? under.findIndex((part) => typeof part !== 'string') : undefined;
  if (odd === -1 && typeof task === 'function') return;
  const path =
    odd === undefined
      ? `${kindOf(under)} for its path`
      : `a path with ${kindOf((under as unknown[])[odd])} in it`;
  const given = odd === -1 ? `${kindOf(task)} for its task` : path;
  throw notATaskError(`place() was given ${given}`, "Write place(['net', 'ipv4'], task).", site());
}

/** The error for metadata in two places, one of which would be ignored. */
function metadataTwice(where: 'body' | 'task', site: CallSite): PexenError {
  const message =
    where === 'body'
      ? 'the body of task() has metadata of its own, which would be ignored'
      : 'withMeta() was given a task, which has metadata already';
  const hint = 'Write all the metadata in one place: task({ … }, () => …).';
  return misuse('PEXEN_METADATA_TWICE', message, hint, undefined, locationOf(site));
}

/** The error for a value that cannot be a task, with the location of the call that received it. */
export function notATaskError(message: string, hint: string, site?: CallSite): PexenError {
  return misuse('PEXEN_NOT_A_TASK', message, hint, undefined, locationOf(site));
}
