/** What a plan is made of, and what its parts may see of each other. */
import type {
  Address,
  Facts,
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

/** What the plan has to know of a pool. `pools[0]` is that of tasks which name none. */
export interface PlanPool {
  /** The key in `pools`, or the name of the group. */
  readonly name: string;
  readonly manifest: PoolManifest;
  /** So many attempts may wait in it beyond its slots. */
  readonly spare: number;
  /** It is the pool of a group. */
  readonly group?: { readonly exclusive: boolean; readonly workers: number } | undefined;
}

/** What tasks are compiled with. */
export interface CompileOptions {
  readonly pools: readonly PlanPool[];
  readonly capacities?: Capacities | undefined;
  readonly facts?: Facts | undefined;
  /** Expected durations of tasks that state none, by path, ms. */
  readonly weights?: ((path: string) => number | undefined) | undefined;
  readonly defaults?: TaskDefaults | undefined;
  /** After so many bypasses a waiting task is starved. Default 64. */
  readonly bypasses?: number | undefined;
  /** After so many better tasks that were added later, the one that waits longest is starved. Default 512. */
  readonly latecomers?: number | undefined;
  /** The tasks are some of a whole that was checked: orders may name what others provide. */
  readonly partial?: boolean | undefined;
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What can be handed to a plan. */
export type Entry<Value = unknown> = Runnable<Value> | PlacedTask<Value>;

/** What adding tasks has to know of the run that goes on with them, at that moment. */
export interface LiveRun {
  isOver(task: number): boolean;
  isGroupOpen(pool: number): boolean;
  /** Is any capability torn down? */
  readonly hasWithdrawn: boolean;
  /** Was all that the task gave to the requirement torn down? */
  isVoid(task: number, condition: number): boolean;
  /** Was the requirement met before all came who feed it now, or by what was torn down since? Tasks that are added ask again. */
  isOutdated(condition: number): boolean;
}

/** The plan, as its parts see it. */
export interface Planned {
  readonly options: CompileOptions;
  readonly graph: Graph;
  readonly count: number;
  /** Undefined for a task that is over and that nobody else knows any more. */
  runnableOf(task: number): Runnable | undefined;
  /** Some body is a program. */
  readonly hasPrograms: boolean;
  /** A worker finds the body of the task there. */
  putAddress(task: number, address: Address): void;
  /** The first task that workers find by this module and id: maybe this very task. */
  madeAt(place: string, task: number): number;
  pathOf(task: number): string;
  metaOf(task: number): TaskMeta;
  definition(task: number): TaskDefinition;
  /** Does the metadata of the task have entries of this kind? */
  states(task: number, kind: number): boolean;
}
