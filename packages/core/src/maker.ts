/** Tasks made from input by an exported generator: how a worker finds again what did not exist when its module was loaded. */
import { type Address, fingerprintOf } from './address.ts';
import {
  type CallSite,
  captureCallSite,
  isLoadedByRunner,
  loadingModuleOf,
  locationOf,
} from './call-site.ts';
import { addressed, definitionOf } from './define-task.ts';
import { formatLocation, type Problem, problem, refuse } from './errors.ts';
import { idOf, positionOf } from './locate.ts';
import { madeItems } from './not-a-task.ts';
import type { Runnable, Task, TaskDefinition } from './task.ts';

const makerKey: unique symbol = Symbol.for('pexen.maker') as never;

/** Makes tasks of an input. Calling it twice with the same input must give the same tasks. */
export type Maker<Input, Value = unknown> = ((input: Input) => readonly Task<Value>[]) & {
  readonly [makerKey]: MakerDefinition;
};

interface MakerDefinition {
  readonly make: (input: never) => Iterable<Runnable>;
  /** The generator's name, or else the place of the call of `maker()`. */
  readonly id: string;
}

/**
 * Makes a function that makes tasks. Any pool can run them: a worker loads the module, finds the maker among its exports,
 * hands it the same input, and takes the task of the same name. So the input must be able to cross a border, and the tasks
 * need names of their own.
 *
 * @example
 * export const checks = maker(function* (hosts: string[]) {
 *   for (const host of hosts) yield task({ name: `ping ${host}` }, () => ping(host));
 * });
 * run(checks(['a', 'b']), { pool: threads() });
 * @throws PexenError PEXEN_DUPLICATE_ID, by the function it returns, where two tasks of one call have the same name;
 * PEXEN_NOT_A_TASK, likewise, where it gives something else.
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

/** Does the maker take an input? One that takes none can be called by whoever finds it. */
export function takesInput(maker: Maker<never>): boolean {
  return maker[makerKey].make.length > 0;
}

/** The maker of this id among a module's exports; undefined if there is none. For workers. */
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

/** Two tasks of one module, or of one call of a maker, that a worker could not tell apart. */
export function duplicateIdProblem(id: string, first: TaskDefinition, second: TaskDefinition): Problem {
  const other = locationOf(first.site);
  const where = other === undefined ? '' : `, the other was made at ${formatLocation(other)}`;
  return problem(
    'PEXEN_DUPLICATE_ID',
    `a worker cannot tell two tasks apart that both go by "${id}"${where}`,
    'Give each its own name: task({ name: … }, …).',
    id,
    locationOf(second.site),
  );
}
