/** The tasks, checked and compiled to integers; grows when tasks are added to a run. Knows nothing of what has happened. */
import type { Facts, PlacedTask, PoolManifest, Problem, Resource, Retries, Runnable } from '@pexen/core';

/** What the plan has to know of a pool. `pools[0]` is that of tasks which name none. */
export interface PlanPool {
  /** The key in `pools`, or the name of the group. */
  readonly name: string;
  readonly manifest: PoolManifest;
  /** Beyond its slots. */
  readonly spare: number;
  /** The pool of a group. */
  readonly group?: { readonly exclusive: boolean; readonly workers: number };
}

/** What a plan is made with. */
export interface PlanOptions {
  readonly pools: readonly PlanPool[];
  readonly capacities?: Iterable<readonly [Resource, number]>;
  readonly facts?: Facts;
  readonly weights?: (path: string) => number | undefined;
  readonly defaults?: {
    readonly timeout?: number;
    readonly idleTimeout?: number;
    readonly grace?: number;
    readonly slowAfter?: number;
    readonly retries?: number | Retries;
    readonly rerunnable?: boolean;
  };
  /** After so many overtakings a waiting task is starved. Default 64. */
  readonly overtakings?: number;
  readonly onWarning?: (problem: Problem) => void;
}

/** What can be handed to a plan. */
export type Entry<Value = unknown> = Runnable<Value> | PlacedTask<Value>;

/**
 * A growing set of compiled tasks. Made of names once; everything after works with integers.
 *
 * @example
 * const plan = new Plan({ pools: [{ name: 'default', manifest: inline().manifest, spare: 0 }] });
 * const { from, to } = plan.add(tasks);
 * machine.handle([{ type: 'tasks-added', atMs: 0, from, to }, { type: 'result-wanted', atMs: 0 }], commands);
 */
export class Plan {
  constructor(_options: PlanOptions) {}

  /**
   * Adds tasks, whole or not at all.
   * @throws PexenError with everything that is wrong with them.
   */
  add(_entries: Iterable<Entry>): { readonly from: number; readonly to: number } {
    throw new Error('not yet');
  }
}
