/** The contract between a run and the locks that it shares with other runs. Knows neither how these are kept nor where. */
import type { Problem } from './errors.ts';
import type { TaskMeta } from './task.ts';

/** What a task waits for while other runs hold it. */
export interface LockWait {
  /** As people write it: `/dev/gpu`. */
  readonly resource: string;
  /** Who shares it: `machine`, or another scope. */
  readonly scope: string;
  /** Those in the way, with their runs: `gpu/train of the run 0196f3… (process 4711)`. */
  readonly holders: readonly string[];
}

/** One task that needs locks of several runs. */
export interface LockRequestOfRun {
  /** From 1; never used again by the same run. */
  readonly id: number;
  /** The call path of the task, for others that wait. */
  readonly path: string;
  readonly meta: TaskMeta;
  /** Smaller goes first among the requests of this run; then larger `rank`, then smaller `id`. */
  readonly priority: number;
  readonly rank: number;
}

/** Receives the answers. They may come at any time, but never within the call that asked. */
export interface RunLocksListener {
  readonly runId: string;
  /** How long attempts may go on after this run is over, or cannot reach them any more, ms. */
  readonly outlivesMs: number;
  /** The task has all that it needs, until the request is released. */
  granted(id: number): void;
  /** Others hold some of it, so that the task has to wait. Called again when those that hold it have changed. */
  awaited(id: number, wait: LockWait): void;
  /**
   * Locks of several machines: what was granted is not certain any more, because this run cannot be reached. The task is ended by force. Resolves once
   * nothing of it runs: until then it must not be given to others. `reason` continues a sentence about the task: "lost …".
   */
  lost(id: number, reason: string): Promise<void>;
  warn(problem: Problem): void;
  /** The locks cannot be kept any more: the run must not go on. */
  fail(error: Error): void;
}

/** Locks that several runs share. A run asks for those of a task before it starts the task, all of them at once. */
export interface RunLocks {
  /** Does the task need any of what runs share? */
  concerns(meta: TaskMeta): boolean;
  /** Called once, before the first request of a run that has tasks of that kind. */
  open(listener: RunLocksListener): void;
  /**
   * Asks for everything that the task needs of what runs share. It holds nothing until `granted`. The first answer comes soon, also if the others
   * do not: the task has a place of its pool until then.
   */
  acquire(request: LockRequestOfRun): void;
  /** Gives up the request, or releases what was granted. Harmless if there is neither. */
  release(id: number): void;
  /** Releases everything, and resolves once other runs know. */
  close(): Promise<void>;
}
