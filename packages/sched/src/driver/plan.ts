/** Tasks that are checked and compiled once, to be inspected, selected from and run any number of times. */

import {
  addressed,
  type DigestedTask,
  type Problem,
  problem,
  type Runnable,
  refuse,
  relativeTo,
  type TaskInfo,
  type TaskMeta,
} from '@pexen/core';
import { type SimulatedNode, simulate } from '../machine/simulate.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { Descriptions } from '../plan/describe.ts';
import { digestedTask } from '../plan/digested-task.ts';
import type { Entry } from '../plan/planned.ts';
import { type PulledIn, select } from '../plan/select.ts';
import { checkOptions, type PlanOptions, type PoolOptions, type RunOptions } from './options.ts';
import { makePools, type Pools, Prepared, poolsInUse, type Setup, setUp } from './set-up.ts';

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
  /**
   * The nodes of pools with nodes, there all the time: `{ name: 'n1', properties: { arch: 'arm64' }, slots: 4 }`, with as many slots as `workers` says
   * if it has none of its own. Tasks run where their `on` and the resources of nodes admit. Default: one node that fulfils everything.
   */
  readonly nodes?: readonly SimulatedNode[];
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
export class Plan extends Prepared {
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
    super();
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
   * with each, or of all tasks together that claim one of its resources, whichever is longer. A run also counts how many nodes can run each. A task whose duration was never measured counts as 1 ms.
   */
  get ranks(): readonly number[] {
    return this.#entries.map((_, task) => this.#compiled.rankOf(task));
  }

  /**
   * How long a run would take, ms, if every body returned after that time, and nothing were lost between bodies: played by the scheduler itself, on
   * a clock of its own. Each pool has so many workers, but for groups that state theirs, and for nodes. The result of a service is ready after its time.
   * Infinite if no node can run some task.
   *
   * @example
   * const took = new Map(results.map(({ path, attempts }) => [path, attempts.at(-1)?.durationMs ?? 0]));
   * for (const workers of [1, 2, 4]) console.log(workers, all.wallTimeMs({ workers, durationMs: (path) => took.get(path) ?? 0 }));
   */
  wallTimeMs({ workers, durationMs, nodes }: WallTimeOptions): number {
    const fork = this.#compiled.fork();
    const { pools } = fork.options;
    return simulate(fork, {
      workers: (pool) => {
        const own = pools[pool]?.group?.workers ?? Number.POSITIVE_INFINITY;
        return Number.isFinite(own) ? own : workers;
      },
      durationMs: (task) => durationMs(fork.pathOf(task)),
      ...(nodes !== undefined && { nodes }),
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
   * A plan of the same tasks with other metadata, to find out what a change would do. `change` returns the entries that are other ones, `undefined` for
   * those that are left out; nothing for a task that stays as it is. Call paths, expected durations and the results of `when` stay.
   * @throws PexenError with all problems of the changed tasks
   *
   * @example
   * const freely = all.revised(({ claims }) => claims && { claims: undefined });
   * console.log(all.wallTimeMs(assumed) - freely.wallTimeMs(assumed));
   */
  revised(change: (meta: TaskMeta, task: PlannedTask) => Partial<TaskMeta> | undefined): Plan {
    const { tasks } = this;
    const runnableFor = (task: number): Runnable => {
      const runnable = this.#compiled.runnableOf(task) as Runnable;
      const changed = change(this.#compiled.metaOf(task), tasks[task] as PlannedTask);
      return changed === undefined
        ? runnable
        : addressed(runnable, this.#compiled.definition(task).address, changed);
    };
    const compiled = this.#compiled.subset([...tasks.keys()], undefined, runnableFor);
    return new Plan(this.#entries, compiled, this.#pools, this.#pulledIn);
  }

  /**
   * The pools for a run of the plan, which no other run of it gets, and the tasks, which it may extend.
   * @internal
   * @throws PexenError PEXEN_BAD_OPTION, PEXEN_POOL_IN_USE, and the problems of tasks that other pools cannot run.
   */
  override prepare(options: RunOptions): Setup {
    refuse([...checkOptions('run', options), ...optionsOfPlan(options)]);
    const { pools, areAsPlanned } = this.#pools.take(options);
    return { pools, tasks: this.#compiled.fork(areAsPlanned ? undefined : pools.planned) };
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
  'nodeResources',
  'spare',
  'facts',
  'weights',
  'first',
  'schedule',
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
