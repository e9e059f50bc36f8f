/**
 * What a factory is, how factories nest, and how their tasks are collected. Knows nothing about the input of a factory.
 */
import {
  type CallPath,
  type GivenFacts,
  isPexenError,
  isPlaced,
  kindOf,
  misuse,
  PexenError,
  type PlacedTask,
  type Problem,
  problem,
  type Resource,
} from '@pexen/core';
import { describe as errorText, placeOf } from './modules/load-module.ts';

/** Turns some input into tasks, each with its place in the tree. May be used any number of times. */
export interface Factory {
  /** The kind of input: `executables`, `modules`, `tree`. */
  readonly kind: string;
  /** A short description of the input, for messages: `executables of tests`. */
  readonly describe: string;
  /**
   * Reads the input and yields its tasks, always in the same order. Problems do not stop it: when everything has
   * been read, it throws one PexenError with all of them.
   */
  make(context: FactoryContext): AsyncIterable<PlacedTask>;
}

/** The context in which a factory works. */
export interface FactoryContext {
  /** Absolute directory that relative paths start from. */
  readonly root: string;
  /** A prefix of the call path of each task. Default: none. */
  readonly under?: CallPath;
  /** What is known about the environment. Default: nothing. */
  readonly facts?: GivenFacts;
  /** The environment in which programs named without a directory are looked for. Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How many tasks run at the same time in the default pool. Default: one for each processor. */
  readonly workers?: number;
  /** Called with warnings: conditions that may be mistakes, such as a broken link. Default: warnings are dropped. */
  readonly warn?: (warning: Problem) => void;
  /**
   * Called with the capacity of a resource that the tasks use by amount: `capacity('gpus', 2)`. The capacities of the configuration take
   * precedence; of several for one resource the smallest counts. Default: they are dropped.
   */
  readonly capacity?: (resource: Resource, count: number) => void;
}

/** The tasks of factories, with problems and warnings. */
export interface Collected {
  readonly tasks: readonly PlacedTask[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Of the resources for which factories have stated one. */
  readonly capacities: ReadonlyMap<Resource, number>;
}

/**
 * The factory with a prefix for the call paths of its tasks.
 *
 * @example under(['net', 'ipv4'], executables({ dir: 'tests/ipv4' }))
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function under(path: CallPath | string, factory: Factory): Factory {
  const isPath =
    typeof path === 'string' || (Array.isArray(path) && path.every((part) => typeof part === 'string'));
  const form = "under(['net', 'ipv4'], executables({ … }))";
  if (!isPath)
    throw badArgument(`under: its path must be a string or a list of strings, not ${kindOf(path)}`, form);
  if (!isFactory(factory)) throw badArgument(`under: expected a factory, got ${kindOf(factory)}`, form);
  const parts = typeof path === 'string' ? [path] : path;
  return {
    kind: factory.kind,
    describe: factory.describe,
    make: (context) => factory.make({ ...context, under: [...(context.under ?? []), ...parts] }),
  };
}

const togetherKind = 'together';

/** Its parts report their warnings themselves. */
function isTogether({ kind }: Factory): boolean {
  return kind === togetherKind;
}

/**
 * Combines several factories, which run one after the other. The problems of all of them are thrown in one error.
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function together(...factories: readonly Factory[]): Factory {
  const wrong = factories.find((each) => !isFactory(each));
  if (wrong !== undefined || factories.includes(undefined as never)) {
    const message = `together: expected a factory, got ${kindOf(wrong)}`;
    throw badArgument(message, 'together(executables({ … }), modules({ … }))');
  }
  return {
    kind: togetherKind,
    describe: factories.map(({ describe }) => describe).join(', '),
    make: (context) => makeTogether(factories, context),
  };
}

function isFactory(value: unknown): value is Factory {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<Factory>).make === 'function'
  );
}

function badArgument(message: string, form: string): PexenError {
  return misuse('PEXEN_BAD_OPTION', message, `Write ${form}.`);
}

/** Collects everything that a factory makes, with its problems and warnings as values. */
export async function collect(factory: Factory, context: FactoryContext): Promise<Collected> {
  const tasks: PlacedTask[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const capacities = new Map<Resource, number>();
  const capacity = (resource: Resource, count: number): void => {
    if (!(typeof count === 'number' && count > 0))
      throw badArgument(
        `capacity of "${String(resource)}": ${String(count)} is not a number above 0`,
        "capacity('gpus', 2)",
      );
    capacities.set(resource, Math.min(count, capacities.get(resource) ?? count));
    context.capacity?.(resource, count);
  };
  const warn = (warning: Problem): void => {
    warnings.push(warning);
    context.warn?.(warning);
  };
  try {
    for await (const placed of entriesOf(factory, { ...context, warn, capacity })) tasks.push(placed);
  } catch (error) {
    problems.push(...problemsOf(error, factory));
  }
  return { tasks, problems, warnings, capacities };
}

async function* makeTogether(
  factories: readonly Factory[],
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  for (const factory of factories) {
    try {
      yield* entriesOf(factory, context);
    } catch (error) {
      problems.push(...problemsOf(error, factory));
    }
  }
  const [first, ...rest] = problems;
  if (first !== undefined) throw new PexenError([first, ...rest]);
}

/** Yields the tasks of the factory one by one. Factories may be custom, so each yielded value is validated. */
async function* entriesOf(factory: Factory, context: FactoryContext): AsyncGenerator<PlacedTask, void> {
  const made: unknown = factory.make(context);
  if (!isIterable(made)) throw wrong(factory, `its make() returned ${kindOf(made)} instead of tasks`);
  let isEmpty = true;
  for await (const entry of made) {
    isEmpty = false;
    if (isEntry(entry)) yield entry;
    else throw wrong(factory, `its make() yielded ${kindOf(entry)} among its tasks`);
  }
  if (isEmpty && !isTogether(factory)) context.warn?.(madeNothing(factory));
}

function isIterable(made: unknown): made is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof made === 'object' && made !== null && (Symbol.asyncIterator in made || Symbol.iterator in made)
  );
}

function isEntry(entry: unknown): entry is PlacedTask {
  return typeof entry === 'function' || (isPlaced(entry) && Array.isArray(entry.under));
}

function madeNothing({ describe }: Factory): Problem {
  const hint = 'Remove it from the configuration, or check why its input is empty.';
  return problem('PEXEN_MADE_NOTHING', `the factory "${describe}" made no task`, hint);
}

function wrong({ describe }: Factory, what: string): PexenError {
  const hint = 'Write async *make({ under = [] }) { yield place([...under, …], task); }.';
  return misuse('PEXEN_BAD_FACTORY', `the factory "${describe}": ${what}`, hint);
}

/** The problems in the error; for any other error one problem, with the factory's name and the first known location. */
function problemsOf(error: unknown, { describe }: Factory): readonly Problem[] {
  if (isPexenError(error)) return error.problems;
  const message = `the factory "${describe}" threw ${errorText(error)}`;
  return [problem('PEXEN_FACTORY_FAILED', message, undefined, undefined, placeOf(error, ''))];
}
