/**
 * The language of the machine: inputs go in, commands come out. Tasks and pools are small integers, times are milliseconds since the run
 * started and come with the inputs. Knows no names, no promises and no clock.
 */
import type { LockWait, PoolNode, PoolOutcome, Recall, ServiceStopCause, TaskOrigin } from '@pexen/core';
import type { NodeAnswer } from '../plan/placement.ts';

/** The index of a task in the order of declaration, from 0. */
export type TaskId = number;
/** The index of a pool in the plan's `options.pools`, from 0. */
export type PoolId = number;
/** The part of a task that runs: `cleanup` is the `cleanup` of its metadata. */
export type Part = 'body' | 'cleanup';

/** A fact for the machine. Facts about unknown attempts (late, repeated) change nothing. */
export type Input =
  /**
   * Tasks `from` up to, not including, `to` were added to the plan. The default origin is `start`. `recall`: what earlier sessions say of them.
   * `expectsMore`: nothing starts before a pull finds no result, and `recall-rest` no further ones. `acrossRuns`: those that need locks which
   * other runs may hold.
   */
  | {
      readonly type: 'tasks-added';
      readonly atMs: number;
      readonly from: TaskId;
      readonly to: TaskId;
      readonly origin?: TaskOrigin;
      readonly recall?: Recall;
      readonly expectsMore?: boolean;
      readonly acrossRuns?: readonly TaskId[];
    }
  /** The answer to `recall-rest`. Without tasks, everything is recalled. */
  | { readonly type: 'rest-recalled'; readonly atMs: number; readonly recall: Recall }
  /** The consumer pulls: slots may be filled, then one result is to be given. */
  | { readonly type: 'result-wanted'; readonly atMs: number }
  /** The pool accepts attempts. */
  | { readonly type: 'pool-opened'; readonly atMs: number; readonly pool: PoolId }
  /** The pool could not be opened: the run ends, with `reason`. */
  | { readonly type: 'pool-failed'; readonly atMs: number; readonly pool: PoolId; readonly reason: string }
  /** The pool is closed: all its attempts are settled. */
  | { readonly type: 'pool-closed'; readonly atMs: number; readonly pool: PoolId }
  /**
   * The node has joined, or something about it has changed. `answers`: whether it fulfils each constraint of the plan, by number, or what it lacks.
   * `units`: how many there are of each resource of nodes.
   */
  | {
      readonly type: 'node-changed';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly node: PoolNode;
      readonly answers: readonly NodeAnswer[];
      readonly units?: readonly number[];
    }
  /** The node is gone, and takes no further attempt. */
  | {
      readonly type: 'node-left';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly node: string;
      readonly reason: string;
    }
  /** From now on so many attempts can run in the pool at the same time. Without effect for a pool that reports nodes. */
  | { readonly type: 'slots-changed'; readonly atMs: number; readonly pool: PoolId; readonly slots: number }
  /** A worker ended without a stop request. */
  | {
      readonly type: 'worker-lost';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly reason: string;
    }
  /** An error of a body that had already ended surfaced in a worker. */
  | {
      readonly type: 'late-error';
      readonly atMs: number;
      readonly pool: PoolId;
      readonly worker: string;
      readonly tasks: readonly string[];
      readonly error: unknown;
    }
  /** The task has all locks that it needs of other runs, until `release-locks`. */
  | {
      readonly type: 'locks-granted';
      readonly atMs: number;
      readonly task: TaskId;
      readonly request: number;
    }
  /** Other runs hold some of them: `locks-granted` follows once they are free. Also when those that hold them have changed. */
  | {
      readonly type: 'locks-awaited';
      readonly atMs: number;
      readonly task: TaskId;
      readonly request: number;
      readonly wait: LockWait;
    }
  /** The task does not have its locks of other runs any more. If it runs, its attempt ends as `lost`; else it asks again before it starts. */
  | {
      readonly type: 'locks-lost';
      readonly atMs: number;
      readonly task: TaskId;
      readonly request: number;
    }
  /** A worker has started the attempt: deadlines count from now, and from its start if it was adopted. */
  | {
      readonly type: 'attempt-started';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly worker: string;
      /** It was taken over: the session that started it. */
      readonly adoptedFrom?: number;
      /** For how long it had run by then, ms. */
      readonly ranMs?: number;
    }
  /** The attempt of a service is ready. */
  | {
      readonly type: 'attempt-ready';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: 'body';
    }
  /** How the attempt ended, as reported by the pool. A `lost` attempt is reported once it is fenced: it certainly does not run any more. */
  | {
      readonly type: 'attempt-ended';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly outcome: PoolOutcome;
    }
  /** The body of an abandoned attempt has ended: it certainly does not run any more. */
  | {
      readonly type: 'abandoned-settled';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
    }
  /** The last sign of life of the attempt was at `sinceMs`. Sent before `alarm-rang`, for attempts with an idle timeout. */
  | {
      readonly type: 'quiet-since';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly sinceMs: number;
    }
  /** The time of the last `set-alarm` has come. An alarm that comes too early is harmless. */
  | { readonly type: 'alarm-rang'; readonly atMs: number }
  /** No further starts; what runs may end. */
  | { readonly type: 'drain-requested'; readonly atMs: number; readonly reason: string }
  /**
   * `cancel`: no further starts except teardowns and cleanups; what runs is stopped with its grace period. `kill`: pools are closed by
   * force, nothing starts any more.
   */
  | {
      readonly type: 'cancel-requested';
      readonly atMs: number;
      readonly reason: string;
      readonly how: 'cancel' | 'kill';
    };

/** A command. Commands must be obeyed in their order. */
export type Command =
  /** Pass the attempt to the pool. */
  | {
      readonly type: 'start-attempt';
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly pool: PoolId;
      /** In a pool that reports nodes: where. */
      readonly node?: string;
    }
  /**
   * Ask the other runs for the locks of the task, which has a place: answered by `locks-granted` or `locks-awaited` soon. If the attempt is stopped
   * or reclaimed before that, it is answered by `attempt-ended`, not started.
   */
  | {
      readonly type: 'acquire-locks';
      /** From 1; the answers have the same number. */
      readonly request: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly pool: PoolId;
      /** In a pool with nodes: the one on which it will start. */
      readonly node?: string;
    }
  /** Give up the request: the task neither holds nor awaits its locks any more. */
  | { readonly type: 'release-locks'; readonly request: number }
  /** Abort the attempt's signal. The machine waits for its outcome in any case. */
  | {
      readonly type: 'stop-attempt';
      readonly task: TaskId;
      readonly attempt: number;
      readonly part: Part;
      readonly why: StopCause;
      readonly reason: string;
    }
  /** Attempts that the pool has not started must be returned as `not-started`; started ones go on. */
  | { readonly type: 'reclaim'; readonly pool: PoolId }
  /** Answered by `slots-changed` and `pool-opened`, or by `pool-failed`; if the pool is closed before that, by `pool-closed` only. */
  | { readonly type: 'open-pool'; readonly pool: PoolId }
  /** Answered by `pool-closed`. May come before the pool has opened. */
  | { readonly type: 'close-pool'; readonly pool: PoolId; readonly how: 'drain' | 'kill' }
  /** Everything that was recalled is handled: is there more? Answered by `rest-recalled`. */
  | { readonly type: 'recall-rest' }
  /** Add an execution of the task on this node, whose number comes with `tasks-added`. */
  | {
      readonly type: 'execute-on-node';
      readonly task: TaskId;
      readonly pool: PoolId;
      readonly node: { readonly name: string; readonly bootMark: string };
    }
  /** Report to users that the task, and those that ask for the same, have waited for a node for a minute. */
  | { readonly type: 'report-wait'; readonly task: TaskId }
  /** Replaces the alarm set before; `undefined` cancels it. */
  | { readonly type: 'set-alarm'; readonly atMs: number | undefined }
  /** An event for listeners, and its number in the run, from 1. Sent only while `State.isPublishing`; numbered in any case. */
  | { readonly type: 'publish'; readonly seq: number; readonly event: MachineEvent }
  /** Answers one `result-wanted`. The result of each task is given exactly once. */
  | { readonly type: 'give-result'; readonly task: TaskId }
  /** Answers the `result-wanted` that found no tasks left. It is the last command. */
  | { readonly type: 'end-run' };

/** Why the machine stopped an attempt. It also names the outcome. `unneeded`: only of a service, whose orderly end is a good one then. */
export type StopCause = 'timed-out' | 'cancelled' | 'unneeded';

/** What happened, for listeners. The driver converts it to run events. */
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
      readonly adoptedFrom?: number;
    }
  /** The last record of the task is that of the attempt. */
  | {
      readonly type: 'attempt-ended';
      readonly atMs: number;
      readonly task: TaskId;
      readonly retryInMs?: number | undefined;
      /** A service that was not asked to stop ended after it was ready. */
      readonly died?: boolean;
      /** A service that is down starts again when tasks need it. */
      readonly startsAgain?: boolean;
    }
  | {
      readonly type: 'service-ready';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly afterMs: number;
    }
  | {
      readonly type: 'service-stopping';
      readonly atMs: number;
      readonly task: TaskId;
      readonly attempt: number;
      readonly why: ServiceStopCause;
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

/** The state of a task between being added and its result. */
export type TaskState = 'waiting' | 'ready' | 'parked' | 'dispatched' | 'running' | 'backing-off' | 'done';
