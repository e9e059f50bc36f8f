/** The inputs of a plan, and the views that its parts have of each other. */
import type {
  Address,
  Capability,
  ExpectedDuration,
  GivenFacts,
  Guarding,
  NodePredicate,
  NodeProperties,
  PlacedTask,
  PoolManifest,
  Problem,
  Runnable,
  TaskDefinition,
  TaskMeta,
} from '@pexen/core';
import type { Capacities } from '@pexen/lock';
import type { Graph } from './graph.ts';
import type { TaskDefaults } from './metadata.ts';

/** What the plan knows about a pool. `pools[0]` is for tasks that name none. */
export interface PlanPool {
  /** The key in `pools`, or the name of the group. */
  readonly name: string;
  readonly manifest: PoolManifest;
  /** How many attempts may wait in the pool beyond its slots. */
  readonly spare: number;
  /** Set if it is that of programs that name no pool, which `pools[0]` does not take. No task can name it. */
  readonly isForPrograms?: true | undefined;
  /** Set if it is the pool of a group. */
  readonly group?: { readonly exclusive: boolean; readonly workers: number } | undefined;
}

/** How many units of a resource there are on each node: a number, or the name of a property of nodes that says it. */
export interface NodeResource {
  readonly capacity?: number | string | undefined;
}

/** Resources of which there is one on each node, by names and patterns: `*` stands for any characters of one part, `**` for any parts. */
export type NodeResources = Readonly<Record<string, NodeResource>>;

/** The order of an earlier run, as it constrains another one. */
export interface ScheduledOrder {
  /** Of tasks that could start, the one with the least number goes first, whatever their metadata state. */
  priorityOf(path: string): number;
  /** Begins a run. The returned function is called with the tasks that are added, and returns which of all so far wait for others. */
  follow(): (added: readonly { readonly id: number; readonly path: string }[]) => readonly Guarding[];
}

/** The options for compiling tasks. */
export interface CompileOptions {
  readonly pools: readonly PlanPool[];
  readonly capacities?: Capacities | undefined;
  /** Resources of which there is one on each node: see `PlanOptions`. */
  readonly nodeResources?: NodeResources | undefined;
  readonly facts?: GivenFacts | undefined;
  /** Expected durations of tasks without a `weight`, by path, ms. */
  readonly weights?: ((path: string) => number | ExpectedDuration | undefined) | undefined;
  /** By path: does the task, with what it waits for, come before all others of its priority? */
  readonly first?: ((path: string) => boolean) | undefined;
  /** The order of an earlier run, which is to be repeated. */
  readonly schedule?: ScheduledOrder | undefined;
  readonly defaults?: TaskDefaults | undefined;
  readonly overrides?: TaskDefaults | undefined;
  /** A waiting task is starved after so many bypasses. Default 64. */
  readonly bypasses?: number | undefined;
  /** The task that waits longest is starved after so many better tasks that were added later. Default 512. */
  readonly latecomers?: number | undefined;
  /** Capabilities that no task may provide, and why: see `PlanOptions`. */
  readonly unavailable?: ReadonlyMap<Capability, string> | undefined;
  /** The tasks are a part of a set that was checked: their orders may name what others provide. */
  readonly partial?: boolean | undefined;
  /** Reads the expressions in the `on` of tasks: see `PlanOptions`. */
  readonly readOn?: ((expression: string) => NodePredicate) | undefined;
  /** The properties of the place where the run is: see `PlanOptions`. */
  readonly here?: NodeProperties | undefined;
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What can be passed to a plan. */
export type Entry<Value = unknown> = Runnable<Value> | PlacedTask<Value>;

/** The progress of a run, as needed for adding tasks to it. */
export interface LiveRun {
  isOver(task: number): boolean;
  isGroupOpen(pool: number): boolean;
  /** True if some capability was torn down. */
  readonly hasWithdrawn: boolean;
  /** True if all that the task provided for the requirement was torn down. */
  isVoid(task: number, condition: number): boolean;
  /**
   * True if the requirement was met before all its present feeders were added, or by something that was torn down since. Tasks that are
   * added now need a new condition.
   */
  isOutdated(condition: number): boolean;
}

/** The plan, as its parts see it. */
export interface Planned {
  readonly options: CompileOptions;
  readonly graph: Graph;
  readonly count: number;
  /** Undefined for a task that is over and that has no other reference. */
  runnableOf(task: number): Runnable | undefined;
  /** True if some body is a program. */
  readonly hasPrograms: boolean;
  /** True if some task is a service. */
  readonly hasServices: boolean;
  /** True if some task sets up nodes. */
  readonly hasSetups: boolean;
  /** Tasks that set up nodes, or tear that down. */
  readonly setups: ReadonlySet<number>;
  /** The executions of these on single nodes. */
  readonly instances: ReadonlyMap<number, { readonly of: number }>;
  /** Sets the address at which a worker finds the body of the task. */
  putAddress(task: number, address: Address): void;
  /** The first task that workers find by this module and id; maybe this very task. */
  madeAt(place: string, task: number): number;
  pathOf(task: number): string;
  metaOf(task: number): TaskMeta;
  /** Why tasks do not apply. */
  readonly whyNot: ReadonlyMap<number, string>;
  /** The task does not apply. */
  putWhyNot(task: number, reason: string): void;
  definition(task: number): TaskDefinition;
  /** True if the metadata of the task has entries of this kind. */
  states(task: number, kind: number): boolean;
}
