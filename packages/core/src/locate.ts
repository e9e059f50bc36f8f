/** How a worker finds a body: the address of a task whose address is not written down, and makers, whose tasks do not exist until they are called. */
import { type Address, fingerprintOf } from './address.ts';
import {
  type CallSite,
  captureCallSite,
  isLoadedByRunner,
  loadingModuleOf,
  locationOf,
  scriptPositionOf,
} from './call-site.ts';
import { addressed, definitionOf, notATaskError } from './define-task.ts';
import { defined } from './defined.ts';
import { isIterable, kindOf } from './entry-check.ts';
import { type Problem, problem, refuse } from './errors.ts';
import { formatLocation } from './source-location.ts';
import { definitionKey, type Runnable, type Task, type TaskDefinition } from './task.ts';

/** The address of the task, or undefined for a closure: a body that workers cannot find. */
export function addressOf(definition: TaskDefinition): Address | undefined {
  if (definition.address !== undefined) return definition.address;
  const { body, site } = definition;
  if (typeof body !== 'function') {
    const { file, argv, cwd, env, workspace, user, service } = body;
    const { joinsOutput, evidence, stopSignal, background } = body;
    const others = { workspace, user, service, joinsOutput, evidence, stopSignal, background };
    return { kind: 'executable', file, argv, cwd, env, ...defined(others) };
  }
  const origin = originOf(definition);
  if (origin !== undefined) return addressOf(origin);
  const url = loadingModuleOf(site);
  if (url === undefined) return undefined;
  return {
    kind: 'made',
    url,
    id: idOf(definition),
    fingerprint: isLoadedByRunner(site) ? '' : fingerprintOf(body),
  };
}

/**
 * The name by which a worker finds a task: its own name, else that of its function, else the place where it was made. A task that was
 * made from another task of the same name has a prefix. `isByRunner`: was the module loaded by the runner of a test tool?
 */
export function idOf(definition: TaskDefinition, isByRunner?: boolean): string {
  const { meta, body, site, madeFrom } = definition;
  const prefix = madeFrom === undefined || isCopy(definition) ? '' : 'controlled ';
  if (meta.name !== undefined) return prefix + meta.name;
  if (site === undefined && typeof body === 'function' && body.name !== '') return prefix + body.name;
  return prefix + positionOf(site, isByRunner);
}

/**
 * `line:column` of a call, in the script that runs. A module runner runs a different text than the workers, which load the file
 * itself; the position is then that in the file.
 */
function positionOf(site: CallSite | undefined, isByRunner: boolean = isLoadedByRunner(site)): string {
  const position = isByRunner ? locationOf(site) : scriptPositionOf(site);
  return `${position?.line}:${position?.column}`;
}

/** Was it made from another task or function, and has the same body? Then workers find the original. */
export function isCopy({ madeFrom, body }: TaskDefinition): boolean {
  return (
    madeFrom !== undefined && (madeFrom === body || (madeFrom as Partial<Task>)[definitionKey]?.body === body)
  );
}

/** The task that `with` was called on. Workers find that one, since `with` only adds args, and maybe a new name. */
function originOf({ madeFrom, body }: TaskDefinition): TaskDefinition | undefined {
  const origin = (madeFrom as Partial<Task> | undefined)?.[definitionKey];
  return origin?.body === body ? origin : undefined;
}

/** The problem of a closure in a pool that cannot take closures. */
export function closureProblem(definition: TaskDefinition, task: string, poolName: string): Problem {
  return problem(
    'PEXEN_CLOSURE',
    `a worker of the pool "${poolName}" cannot find its body: it was not made while a module loaded`,
    'Make it with task() at the top level of a module, yield it from an exported maker, or run it inline.',
    task,
    locationOf(definition.site),
  );
}

const makerKey: unique symbol = Symbol.for('pexen.maker') as never;

/** Makes tasks from an input. Two calls with the same input must make the same tasks. */
export type Maker<Input, Value = unknown> = ((input: Input) => readonly Task<Value>[]) & {
  readonly [makerKey]: MakerDefinition;
};

interface MakerDefinition {
  readonly make: (input: never) => Iterable<Runnable>;
  /** The generator's name, else the place of the call of `maker()`. */
  readonly id: string;
}

/**
 * Makes a function that makes tasks. Any pool can run them: a worker loads the module, finds the maker among its exports,
 * calls it with the same input, and takes the task of the same name. The input must therefore be serializable, and each task
 * needs a name of its own.
 *
 * @example
 * export const checks = maker(function* (hosts: string[]) {
 *   for (const host of hosts) yield task({ name: `ping ${host}` }, () => ping(host));
 * });
 * run(checks(['a', 'b']), { pool: threads() });
 * @throws PexenError PEXEN_DUPLICATE_ID, by the function it returns, where two tasks of one call have the same name;
 * likewise PEXEN_NOT_A_TASK, where the generator yields something else.
 */
export function maker<Input, Value>(make: (input: Input) => Iterable<Runnable<Value>>): Maker<Input, Value> {
  const site = captureCallSite(maker);
  const definition: MakerDefinition = { make, id: make.name === '' ? positionOf(site) : make.name };
  const call = (input: Input): readonly Task<Value>[] => makeTasks(definition, site, input) as Task<Value>[];
  return Object.defineProperty(call, makerKey, { value: definition }) as Maker<Input, Value>;
}

/** True for what `maker` made, in this or any other copy of the package. */
export function isMaker(value: unknown): value is Maker<unknown> {
  return typeof value === 'function' && makerKey in value;
}

/** Does the maker take an input? A maker without one can be called wherever it is found. */
export function takesInput(maker: Maker<never>): boolean {
  return maker[makerKey].make.length > 0;
}

/** The maker of this id among a module's exports; undefined if it is not there. For workers. */
export function findMaker(namespace: object, id: string): Maker<unknown> | undefined {
  return Object.values(namespace).find(
    (value): value is Maker<unknown> =>
      typeof value === 'function' && (value as Partial<Maker<unknown>>)[makerKey]?.id === id,
  );
}

function makeTasks({ make, id }: MakerDefinition, site: CallSite, input: unknown): readonly Runnable[] {
  const made = madeItems(make(input as never), site) as Runnable[];
  const isByRunner = isLoadedByRunner(site);
  refuseDuplicates(made.map(definitionOf), isByRunner);
  const url = loadingModuleOf(site);
  if (url === undefined) return made;
  return made.map((runnable) => {
    const definition = definitionOf(runnable);
    if (typeof definition.body !== 'function') return runnable;
    const fingerprint = isByRunner ? '' : fingerprintOf(definition.body);
    const address: Address = {
      kind: 'maker',
      url,
      maker: id,
      input,
      id: idOf(definition, isByRunner),
      fingerprint,
    };
    return addressed(runnable, address);
  });
}

function refuseDuplicates(definitions: readonly TaskDefinition[], isByRunner: boolean): void {
  const seen = new Map<string, TaskDefinition>();
  const problems: Problem[] = [];
  for (const definition of definitions) {
    const id = idOf(definition, isByRunner);
    const first = seen.get(id);
    if (first === undefined) seen.set(id, definition);
    else if (first.body !== definition.body) problems.push(duplicateIdProblem(id, first, definition));
  }
  refuse(problems);
}

/** The problem of two tasks of one module, or of one call of a maker, that have the same id. */
export function duplicateIdProblem(id: string, first: TaskDefinition, second: TaskDefinition): Problem {
  const other = locationOf(first.site);
  const where = other === undefined ? '' : `, the other was made at ${formatLocation(other)}`;
  return problem(
    'PEXEN_DUPLICATE_ID',
    `a worker cannot distinguish two tasks that are both called "${id}"${where}`,
    'Give each its own name: task({ name: … }, …).',
    id,
    locationOf(second.site),
  );
}

/** The items that a maker returned. @throws PexenError PEXEN_NOT_A_TASK where it returned something else, or items that are not tasks. */
function madeItems(made: unknown, site: CallSite): unknown[] {
  const hint = 'Return a list that contains only tasks and functions, or yield them one by one.';
  if (!isIterable(made)) throw notATaskError(`a maker returned ${kindOf(made)} instead of tasks`, hint, site);
  const items = [...made];
  const wrong = items.findIndex((item) => typeof item !== 'function');
  if (wrong < 0) return items;
  throw notATaskError(`a maker returned tasks, but its item ${wrong} is ${kindOf(items[wrong])}`, hint, site);
}
