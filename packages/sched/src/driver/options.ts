/** What `run` may be told besides the tasks. */
import type {
  Clock,
  Digester,
  Facts,
  Judgement,
  Pool,
  PoolOutcome,
  Problem,
  Result,
  Runnable,
} from '@pexen/core';
import type { Capacities } from '@pexen/lock';
import type { TaskDefaults } from '../plan/rules.ts';
import type { Recorder } from './recording.ts';
import type { Random } from './run-identity.ts';

/** A pool, or what makes one when the run begins. */
export type PoolSource = Pool | (() => Pool);

/** A group of exclusivity: its tasks run together, in a pool of their own. */
export interface GroupOptions {
  readonly pool: PoolSource;
  /** Use at most so many of the pool's slots. */
  readonly workers?: number | undefined;
  /** See `RunOptions.spare`. */
  readonly spare?: number | undefined;
  /** Nothing outside the group runs while it is open. Default true. */
  readonly exclusive?: boolean | undefined;
}

/** Where tasks run. Everything may be left out. */
export interface PoolOptions {
  /** Where tasks run that name no pool. Default `inline()`. */
  readonly pool?: PoolSource | undefined;
  /** For tasks with `pool` in their metadata. */
  readonly pools?: Readonly<Record<string, PoolSource>> | undefined;
  /** For tasks with `group` in their metadata. */
  readonly groups?: Readonly<Record<string, GroupOptions>> | undefined;
}

/** What `plan` may be told besides the tasks. Everything may be left out; times are milliseconds. */
export interface PlanOptions extends PoolOptions {
  /** How many units there are of resources that are taken by amount. */
  readonly capacities?: Capacities | undefined;
  /** So many attempts may wait in a pool beyond its workers. Default 0 for pools in this thread, else 1. */
  readonly spare?: number | undefined;
  /** For the `when` of tasks. */
  readonly facts?: Facts | undefined;
  /** Expected durations of tasks that state no `weight`, by call path, ms: what was measured before. */
  readonly weights?: ((path: string) => number | undefined) | undefined;
  /** For tasks whose metadata does not say. */
  readonly defaults?: TaskDefaults | undefined;
  /** Told of what looks wrong and harms nothing: a capability that nobody requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What `run` may be told of a plan. Pools replace those of the plan that have the same names. */
export interface PlannedRunOptions extends PoolOptions {
  /** The dictionary that every task begins with. */
  readonly shared?: Readonly<Record<string, unknown>> | undefined;
  /** Aborting it is `run.abort(signal.reason)`. */
  readonly signal?: AbortSignal | undefined;
  /** Cancels the run after so many milliseconds. */
  readonly deadline?: number | undefined;
  /** What time it is. Default `systemClock`. */
  readonly clock?: Clock | undefined;
  /** The run's id: letters, digits, `-`, `_` and `.`, 64 at the most. Default: a UUID of version 7, made of the time and chance. */
  readonly id?: string | undefined;
  /** Fills the bytes by chance, for the id. Default `crypto.getRandomValues`. */
  readonly random?: Random | undefined;
  /** The directory that events name files from, an absolute path. Default: that of the nearest package.json above the working directory. */
  readonly root?: string | undefined;
  /**
   * Reads a pool's outcome as another one before the machine sees it, for users with rules of their own: a test suite takes
   * what a body throws for a failed check. Applied after an executable's own `interpret`.
   */
  readonly reinterpret?: ((outcome: PoolOutcome, task: Runnable) => PoolOutcome) | undefined;
  /** Records what the run decides from, and what it decides. See `@pexen/sched/replay`. */
  readonly record?: Recorder | undefined;
  /** What to make of a result; asked once for each, before anybody sees it. */
  readonly judge?: ((result: Result) => Judgement | undefined) | undefined;
  /**
   * Works out digests, for events that say whether a task is the same as in another run: `new TaskDigester(…)` of `@pexen/store`. Asked only while
   * somebody listens to events. Default: events carry none, and workers record nothing.
   */
  readonly digester?: Digester | undefined;
  /** Told of what looks wrong and harms nothing: a capability that nobody requires, a listener that throws. */
  readonly onWarning?: ((problem: Problem) => void) | undefined;
}

/** What `run` may be told of tasks. Everything may be left out; times are milliseconds. */
export interface RunOptions extends PlanOptions, PlannedRunOptions {}
