/**
 * The language of the machine: facts go in, orders come out. Tasks and pools are small integers here, times are milliseconds
 * since the run began and come in with the facts. Knows no names, no promises, no clock.
 */
import type { PoolOutcome, TaskOrigin } from '@pexen/core';

/** A task's place in the order of declaration, from 0. */
export type TaskId = number;
/** A pool's place in the plan's `options.pools`, from 0. */
export type PoolId = number;
/** What of a task is run: `cleanup` is the `cleanup` of its metadata. */
export type Part = 'body' | 'cleanup';

/** A fact, told to the machine. Facts about attempts that it does not know (late, double) change nothing. */
export type Input =
  /** Tasks `from` up to, not including, `to` were added to the plan. Absent, the origin is `start`. */
  | {
      readonly type: 'tasks-added';
      readonly atMs: number;
      readonly from: TaskId;
      readonly to: TaskId;
      readonly origin?: TaskOrigin;
    }
  /** The consumer pulls: slots may be filled, then one result is to be given. */
  | { readonly type: 'result-wanted'; readonly atMs: number }
  /** The pool can take attempts. */
  | { readonly type: 'pool-opened'; readonly atMs: number; readonly pool: PoolId }
  /** The pool could not be opened: the run ends, with `reason`. */
  | { readonly type: 'pool-failed'; readonly atMs: number; readonly pool: PoolId; readonly reason: string }
  /** All its attempts are settled, nothing of it is left. */
  | { readonly type: 'pool-closed'; readonly atMs: number; readonly pool: PoolId }
  /** So many attempts can run in the pool at the same time from now on. */
  | { readonly type: 'slots-changed'; readonly atMs: number; readonly pool: PoolId; readonly slots: number }
  /** A worker ended without being asked to. */
  | {
      readonly type: 'worker-lost';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly reason: string;
    }
  /** An error of a body that had ended surfaced in a worker. */
  | {
      readonly type: 'late-error';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly tasks: readonly string[];
      readonly error: unknown;
    }
  /** A worker really began: deadlines count from here. */
  | {
      readonly type: 'attempt-started';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly worker: string;
    }
  /** What the pool says of the attempt's end. A `lost` attempt is told when it is fenced: certainly not running any more. */
  | {
      readonly type: 'attempt-ended';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly outcome: PoolOutcome;
    }
  /** The body of an abandoned attempt has ended at last: certainly not running any more. */
  | {
      readonly type: 'abandoned-settled';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
    }
  /** The attempt's last sign of life was at `sinceMs`. Told before `alarm-rang`, of attempts with an idle timeout. */
  | {
      readonly type: 'quiet-since';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly sinceMs: number;
    }
  /** The time of the last `set-alarm` has come. One that comes too early is harmless. */
  | { readonly type: 'alarm-rang'; readonly atMs: number }
  /** No further starts; what runs may end. */
  | { readonly type: 'drain-requested'; readonly atMs: number; readonly reason: string }
  /**
   * `cancel`: no further starts but teardowns and cleanups, what runs is stopped with its grace. `kill`: pools are closed by
   * force, nothing starts any more.
   */
  | {
      readonly type: 'cancel-requested';
      readonly atMs: number;
      readonly reason: string;
      readonly how: 'cancel' | 'kill';
    };

/** An order, to be obeyed in the order given. */
export type Command =
  /** Hand the attempt to the pool. */
  | {
      readonly type: 'start-attempt';
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly pool: PoolId;
    }
  /** Abort the attempt's signal. The machine waits for its outcome in any case. */
  | {
      readonly type: 'stop-attempt';
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly why: StopCause;
      readonly reason: string;
    }
  /** What the pool has not begun is to come back as `not-started`; what has begun goes on, and is not told. */
  | { readonly type: 'reclaim'; readonly pool: PoolId }
  /** To be answered by `slots-changed` and `pool-opened`, or by `pool-failed`; if it is closed before that, by `pool-closed` only. */
  | { readonly type: 'open-pool'; readonly pool: PoolId }
  /** To be answered by `pool-closed`. May come before the pool has opened. */
  | { readonly type: 'close-pool'; readonly pool: PoolId; readonly how: 'drain' | 'kill' }
  /** Replaces the alarm set before; `undefined` takes it back. */
  | { readonly type: 'set-alarm'; readonly atMs: number | undefined }
  /** An event for listeners, and its number in the run, from 1. Given only while `State.isPublishing`; numbered in any case. */
  | { readonly type: 'publish'; readonly seq: number; readonly event: MachineEvent }
  /** Answers one `result-wanted`. Every task is given exactly once. */
  | { readonly type: 'give-result'; readonly task: TaskId }
  /** Answers the `result-wanted` that met nothing left. Nothing comes after it. */
  | { readonly type: 'end-run' };

/** Why the machine stopped an attempt: it names the outcome, too. */
export type StopCause = 'timed-out' | 'cancelled';

/** What happened, for listeners: the driver makes run events of it. */
export type MachineEvent =
  | { readonly type: 'run-started'; readonly atMs: number }
  | {
      readonly type: 'tasks-added';
      readonly atMs: number;
      readonly from: TaskId;
      readonly to: TaskId;
      readonly origin: TaskOrigin;
    }
  | {
      readonly type: 'task-started';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly worker: string;
    }
  /** The attempt's record is the task's last one. */
  | {
      readonly type: 'attempt-ended';
      readonly atMs: number;
      readonly task: TaskId;
      readonly retryInMs: number | undefined;
    }
  | { readonly type: 'task-finished'; readonly atMs: number; readonly task: TaskId }
  | { readonly type: 'task-skipped'; readonly atMs: number; readonly task: TaskId }
  | {
      readonly type: 'worker-lost';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly reason: string;
    }
  | {
      readonly type: 'late-error';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly tasks: readonly string[];
      readonly error: unknown;
    }
  | { readonly type: 'run-ended'; readonly atMs: number };

/** Where a task is between being added and its result. */
export type TaskState = 'waiting' | 'ready' | 'parked' | 'dispatched' | 'running' | 'backing-off' | 'done';
