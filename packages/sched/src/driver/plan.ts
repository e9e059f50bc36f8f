/** Tasks that are checked and compiled once, to be inspected, selected from and run any number of times. */

import {
  type DigestedTask,
  isPexenError,
  listOfTasks,
  type Pool,
  type PoolManifest,
  type Problem,
  poolInUse,
  problem,
  refuse,
  relativeTo,
  type TaskInfo,
} from '@pexen/core';
import { simulate } from '../machine/simulate.ts';
import { CompiledTasks } from '../plan/compiled-tasks.ts';
import { Descriptions } from '../plan/describe.ts';
import { digestedTask } from '../plan/digested-task.ts';
import type { CompileOptions, Entry, PlanPool } from '../plan/planned.ts';
import { type PulledIn, select } from '../plan/select.ts';
import { inline } from './inline-pool.ts';
import {
  checkOptions,
  checkPool,
  type GroupOptions,
  isGiven,
  type PlanOptions,
  type PoolOptions,
  type PoolSource,
  type RunOptions,
} from './options.ts';

/** A task of a plan. */
export interface PlannedTask {
  /** The task or the placed task that was passed to `plan`. */
  readonly entry: Entry;
  /** The call path, as text. */
  readonly path: string;
  readonly tags: readonly string[];
  /** Why it does not apply, according to its `when`. */
  readonly whyNot?: string;
  /** Why it is part of a selection that did not choose it. */
  readonly pulledIn?: PulledIn;
}

/** What `Plan.wallTimeMs` assumes. */
export interface WallTimeOptions {
  /** How many workers each pool has, but for groups that state theirs. */
  readonly workers: number;
  /** How long the task takes; a service, until it is ready. Milliseconds. */
  readonly durationMs: (path: string) => number;
}

/** The pools of a plan and of its selections: made once to check the tasks, used by the first run, and made again for each further run. */
class PlanPools {
  readonly #options: PlanOptions;
  #made: Pools | undefined;

  constructor(options: PlanOptions, made: Pools) {
    this.#options = options;
    this.#made = made;
  }

  /** The pools for a run that replaces some of them, and whether they are those for which the tasks were compiled. */
  take(instead: PoolOptions): { readonly pools: Pools; readonly areAsPlanned: boolean } {
    const options = this.#with(instead);
    const inUse = poolsInUse(options);
    const made = options === this.#options ? this.#made : undefined;
    if (made === undefined) return { pools: makePools(options, inUse), areAsPlanned: false };
    refuse(inUse);
    this.#made = undefined;
    return { pools: made, areAsPlanned: true };
  }

  #with({ pool, pools, groups }: PoolOptions): PlanOptions {
    if ((pool ?? pools ?? groups) === undefined) return this.#options;
    const own = this.#options;
    refuse([...unknownNames('pools', pools, own.pools), ...unknownNames('groups', groups, own.groups)]);
    return {
      ...own,
      pool: pool ?? own.pool,
      pools: { ...own.pools, ...pools },
      groups: { ...own.groups, ...groups },
    };
  }
}

/**
 * Checked and compiled tasks, as returned by `plan`. A plan never changes. Tasks that a run adds belong to that run alone, and any number of
 * runs may be in progress at the same time.
 */
export class Plan {
  readonly #entries: readonly Entry[];
  readonly #compiled: CompiledTasks;
  readonly #pools: PlanPools;
  readonly #pulledIn: ReadonlyMap<number, PulledIn | undefined>;
  #tasks: readonly PlannedTask[] | undefined;
  #order: readonly string[] | undefined;

  /** @internal See `plan`. */
  constructor(
    entries: readonly Entry[],
    compiled: CompiledTasks,
    pools: PlanPools,
    pulledIn: ReadonlyMap<number, PulledIn | undefined> = new Map(),
  ) {
    this.#entries = entries;
    this.#compiled = compiled;
    this.#pools = pools;
    this.#pulledIn = pulledIn;
    Object.freeze(this);
  }

  /** The tasks, in the order of declaration. */
  get tasks(): readonly PlannedTask[] {
    this.#tasks ??= Object.freeze(this.#entries.map((entry, task) => this.#describe(entry, task)));
    return this.#tasks;
  }

  /**
   * The call paths of the tasks in the order in which they would start if all went well and each pool had one worker. Tasks that do not
   * apply are left out.
   */
  get order(): readonly string[] {
    this.#order ??= Object.freeze(
      simulate(this.#compiled.fork()).order.map((task) => this.#compiled.pathOf(task)),
    );
    return this.#order;
  }

  /**
   * What the order of tasks of equal priority depends on, in the order of `tasks`: the expected duration, ms, of the longest chain of tasks that begins
   * with each, or of all tasks together that claim one of its resources, whichever is longer. A task whose duration was never measured counts as 1 ms.
   */
  get ranks(): readonly number[] {
    return this.#entries.map((_, task) => this.#compiled.rankOf(task));
  }

  /**
   * How long a run would take, ms, if every body returned after that time, and nothing were lost between bodies: played by the scheduler itself, on
   * a clock of its own. Each pool has so many workers, but for groups that state theirs. The result of a service is ready after its time.
   *
   * @example
   * const took = new Map(results.map(({ path, attempts }) => [path, attempts.at(-1)?.durationMs ?? 0]));
   * for (const workers of [1, 2, 4]) console.log(workers, all.wallTimeMs({ workers, durationMs: (path) => took.get(path) ?? 0 }));
   */
  wallTimeMs({ workers, durationMs }: WallTimeOptions): number {
    const fork = this.#compiled.fork();
    const { pools } = fork.options;
    return simulate(fork, {
      workers: (pool) => {
        const own = pools[pool]?.group?.workers ?? Number.POSITIVE_INFINITY;
        return Number.isFinite(own) ? own : workers;
      },
      durationMs: (task) => durationMs(fork.pathOf(task)),
    }).wallMs;
  }

  /** The tasks as plain data, as in the events of a run. File names are relative to `root`, an absolute path. */
  describe(root: string): readonly TaskInfo[] {
    const descriptions = new Descriptions(this.#compiled, relativeTo(root));
    return this.#entries.map((_, task) => descriptions.of(task));
  }

  /** What a digester needs to know of each task, in the order of `tasks`. */
  digested(): readonly DigestedTask[] {
    return this.#entries.map((_, task) => digestedTask(this.#compiled, task));
  }

  /**
   * A plan of the tasks for which `isWanted` returns true, all providers of what they require, the teardowns of what these provide, and so
   * on. It keeps the order of declaration and the call paths. Ranks depend on the selection alone.
   *
   * @example
   * const quick = plan(tasks).select(({ tags }) => tags.includes('quick'));
   * for await (const result of run(quick)) …
   */
  select(isWanted: (task: PlannedTask) => boolean): Plan {
    const { tasks } = this;
    const chosen = select(this.#compiled, (task) => isWanted(tasks[task] as PlannedTask));
    const numbers = [...chosen.keys()].sort((a, b) => a - b);
    const pulledIn = new Map(numbers.map((task, at) => [at, chosen.get(task) ?? this.#pulledIn.get(task)]));
    const isWhole = numbers.length === tasks.length;
    return new Plan(
      numbers.map((task) => this.#entries[task] as Entry),
      isWhole ? this.#compiled : this.#compiled.subset(numbers),
      this.#pools,
      pulledIn,
    );
  }

  /**
   * The pools for a run of the plan, which no other run of it gets, and the tasks, which it may extend.
   * @internal
   * @throws PexenError PEXEN_BAD_OPTION, PEXEN_POOL_IN_USE, and the problems of tasks that other pools cannot run.
   */
  prepare(options: RunOptions): { readonly pools: readonly Pool[]; readonly tasks: CompiledTasks } {
    refuse([...checkOptions('run', options), ...optionsOfPlan(options)]);
    const { pools, areAsPlanned } = this.#pools.take(options);
    return { pools: pools.made, tasks: this.#compiled.fork(areAsPlanned ? undefined : pools.planned) };
  }

  #describe(entry: Entry, task: number): PlannedTask {
    const { tags = [] } = this.#compiled.metaOf(task);
    const whyNot = this.#compiled.whyNot.get(task);
    const pulledIn = this.#pulledIn.get(task);
    return Object.freeze({
      ...{ entry, path: this.#compiled.pathOf(task), tags },
      ...(whyNot !== undefined && { whyNot }),
      ...(pulledIn !== undefined && { pulledIn }),
    });
  }
}

/**
 * Checks and compiles the tasks, once: each pool factory and each `when` is called once. Nothing runs. Pass the plan, or a selection of it,
 * to `run` any number of times.
 * @throws PexenError with all problems of the tasks and the options.
 *
 * @example
 * const all = plan([build, test], { pool: () => inline({ concurrency: 8 }) });
 * console.log(all.order);
 * for await (const result of run(all)) console.log(result.path, result.status);
 */
export function plan(tasks: Iterable<Entry>, options: PlanOptions = {}): Plan {
  const { entries, pools, tasks: compiled } = setUp(tasks, options, 'plan');
  return new Plan([...entries], compiled, new PlanPools(options, pools));
}

function unknownNames(
  option: 'pools' | 'groups',
  given: Readonly<Record<string, unknown>> = {},
  known: Readonly<Record<string, unknown>> = {},
): Problem[] {
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(known, name))
    .map((name) =>
      problem(
        'PEXEN_BAD_OPTION',
        `run: the plan has no entry "${name}" in "${option}"`,
        `A run can only replace ${option} of its plan. Name it in the options of plan().`,
      ),
    );
}

const onlyOfPlans = [
  'capacities',
  'spare',
  'facts',
  'weights',
  'first',
  'unavailable',
  'readOn',
  'here',
  'defaults',
  'overrides',
  'programPool',
] as const;

function optionsOfPlan(options: RunOptions): Problem[] {
  return onlyOfPlans
    .filter((name) => options[name] !== undefined)
    .map((name) =>
      problem('PEXEN_BAD_OPTION', `run: "${name}" belongs to the plan`, 'Give it to plan() instead.'),
    );
}

// Setting up: makes the pools of a run and compiles its tasks for them.

/** Pools in the order of their numbers. */
interface Pools {
  readonly made: readonly Pool[];
  /** What the compiled tasks know about them. */
  readonly planned: readonly PlanPool[];
}

/** Tasks, and the pools for which they are compiled. */
export interface Setup {
  readonly entries: readonly Entry[];
  readonly pools: Pools;
  readonly tasks: CompiledTasks;
}

/** Pools that are used by a run which has not closed them for good. */
const inUse = new WeakSet<Pool>();

/** Until the returned function is called, `run` refuses the pools. A pool that another run uses reports that when it is opened. */
export function occupy(pools: readonly Pool[]): () => void {
  const free = pools.filter((pool) => !inUse.has(pool));
  for (const pool of free) inUse.add(pool);
  return () => {
    for (const pool of free) inUse.delete(pool);
  };
}

/** A problem for each pool that was given as an object and is used by another run. */
function poolsInUse(options: PlanOptions): readonly Problem[] {
  return sourcesOf(options).flatMap(({ key, source }) =>
    isGiven(source) && inUse.has(source)
      ? poolInUse().problems.map((each) => ({ ...each, message: `${key}: ${each.message}` }))
      : [],
  );
}

/**
 * Calls the pool factories; opens nothing. `known` are the problems of the pools found before.
 * @throws PexenError PEXEN_BAD_OPTION; PEXEN_POOL_IN_USE if one object is given as two pools.
 */
function makePools(options: PlanOptions, known: readonly Problem[] = []): Pools {
  const made: Pool[] = [];
  const planned: PlanPool[] = [];
  const problems: Problem[] = [...known];
  for (const { key, name, source, spare, group, isForPrograms } of sourcesOf(options)) {
    if (isForPrograms && planned[0]?.manifest.executables !== false) continue;
    const pool = isGiven(source) ? source : source();
    const found = isGiven(source)
      ? checkGiven(key, pool, made)
      : checkPool(`what ${key}() makes`, pool ?? null);
    problems.push(...found);
    if (found.length > 0) continue;
    const { manifest } = pool;
    made.push(pool);
    planned.push({
      ...{ name, manifest, spare: spare ?? (manifest.transport === 'reference' ? 0 : 1), isForPrograms },
      group: group && { exclusive: group.exclusive ?? true, workers: group.workers ?? Infinity },
    });
  }
  refuse(problems);
  return { made, planned };
}

/**
 * Makes the pools and compiles the tasks, for a plan or directly for a run, whose pools must not be in use.
 * @throws PexenError with all problems of the options and of the tasks.
 */
export function setUp(entries: Iterable<Entry>, options: PlanOptions, of: 'plan' | 'run'): Setup {
  let pools: Pools;
  let tasks: CompiledTasks;
  try {
    refuse(checkOptions(of, options));
    pools = makePools(options, of === 'run' ? poolsInUse(options) : []);
    const { capacities, facts, defaults, overrides, onWarning, weights, first, unavailable } = options;
    const { readOn, here } = options;
    tasks = new CompiledTasks({
      ...{
        pools: pools.planned,
        capacities,
        facts,
        weights,
        first,
        unavailable,
        readOn,
        here,
        defaults,
        overrides,
        onWarning,
      },
    });
  } catch (error) {
    if (isPexenError(error)) refuse([...error.problems, ...problemsOfTasks(entries, options)]);
    throw error;
  }
  const list = listOfTasks(entries);
  tasks.add(list);
  return { entries: list, pools, tasks };
}

interface NamedSource {
  /** The option, as the user writes it. */
  readonly key: string;
  readonly name: string;
  readonly source: PoolSource;
  readonly spare: number | undefined;
  readonly isForPrograms?: true;
  readonly group?: GroupOptions;
}

function sourcesOf(options: PlanOptions): readonly NamedSource[] {
  const { pool = inline, programPool, pools = {}, groups = {}, spare } = options;
  return [
    { key: 'pool', name: 'default', source: pool, spare },
    ...(programPool === undefined
      ? []
      : [{ key: 'programPool', name: 'programs', source: programPool, spare, isForPrograms: true as const }]),
    ...Object.entries(pools).map(([name, source]) => ({ key: `pools.${name}`, name, source, spare })),
    ...Object.entries(groups).map(([name, group]) => ({
      ...{ key: `groups.${name}.pool`, name, source: group.pool },
      ...{ spare: group.spare ?? spare, group },
    })),
  ];
}

/** One object cannot be two pools of a run. */
function checkGiven(key: string, pool: Pool, others: readonly Pool[]): readonly Problem[] {
  if (!others.includes(pool)) return [];
  const message = `${key} is the same object as another pool of the run`;
  return [problem('PEXEN_POOL_IN_USE', message, 'Make one for each, as in pool: () => inline().')];
}

/** Accepts everything: with wrong options it is unknown what a pool accepts. */
const standIn: PoolManifest = {
  name: '',
  kills: false,
  transport: 'reference',
  closures: true,
  executables: true,
  nodes: 'open',
};

/** Problems that are only consequences of wrong capacities and facts. */
const consequences: ReadonlySet<string> = new Set([
  'PEXEN_AMOUNT_UNKNOWN',
  'PEXEN_AMOUNT_TOO_LARGE',
  'PEXEN_WHEN_THREW',
]);

function problemsOfTasks(entries: Iterable<Entry>, options: PlanOptions): readonly Problem[] {
  const { pools, groups, capacities, facts, readOn, here } = options ?? {};
  const planned = ['default', ...namesOf(pools)].map(
    (name): PlanPool => ({ name, manifest: standIn, spare: 0 }),
  );
  const group = { exclusive: true, workers: Infinity };
  for (const name of namesOf(groups)) planned.push({ name, manifest: standIn, spare: 0, group });
  const compiled = compileUnlessRefused({ pools: planned, capacities, facts, readOn, here });
  try {
    (compiled ?? new CompiledTasks({ pools: planned })).add(entries);
  } catch (error) {
    // Other errors are consequences of the wrong options.
    if (isPexenError(error))
      return error.problems.filter(({ code }) => compiled !== undefined || !consequences.has(code));
  }
  return [];
}

/** Undefined if capacities or facts are wrong. */
function compileUnlessRefused(options: CompileOptions): CompiledTasks | undefined {
  if (!['object', 'undefined'].includes(typeof options.facts) || options.facts === null) return undefined;
  try {
    return new CompiledTasks(options);
  } catch {
    return undefined;
  }
}

function namesOf(record: unknown): string[] {
  return typeof record === 'object' && record !== null ? Object.keys(record) : [];
}
