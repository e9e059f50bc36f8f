/** What a pool is. Everything that a contributor of a further one must keep to is said here; the conformance kit proves it. */
import type { Address } from './address.ts';
import type { ReceivedKey } from './body-context.ts';
import { misuse, type PexenError, type Problem } from './errors.ts';
import type { PoolOutcome } from './outcome.ts';
import type { SharedState } from './shared-state.ts';
import type { TaskDefinition } from './task.ts';
import type { TaskUpdate } from './task-update.ts';

/** A place where bodies run. After `close` it may be opened again. */
export interface Pool {
  /** What it can do. It never changes. */
  readonly manifest: PoolManifest;
  /**
   * Makes ready. Calls `context.slotsChanged(n)` before it resolves and whenever its capacity changes. May reject: then
   * the run ends with that error, and `close` is not called: the pool releases itself what it has made by then. Rejects with `poolInUse()`
   * while it is open, since one run at a time has a pool, and with `poolAbandoned()` while a body that it could not end still runs.
   */
  open(context: PoolContext): Promise<void>;
  /**
   * Runs one attempt, or keeps it until a worker is free. Never throws, never rejects: whatever happened is an outcome. An
   * outcome may be returned at once or promised. Once `ticket.signal` is aborted it settles within the assignment's
   * grace and four seconds, and what was not begun comes back as `not-started`. A body that the pool cannot end by then (it runs in this
   * thread, or is stuck in native code) is `stopped`, `how: 'abandoned'`: its slot takes the next attempt.
   */
  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome>;
  /**
   * Gives back what has not begun; what has goes on, and more may be given to it. Called when a run drains. Left out only by pools in which
   * no attempt ever waits: nothing else keeps what waits from being begun.
   */
  reclaim?(): void;
  /**
   * `drain` – lets what has begun end; `kill` – ends it now, and abandons at once what cannot be ended: what the ticket's signal had not
   * stopped before has `crashed`. In either case what has not begun is given back, every promise of `run` is settled, and no worker, timer
   * or handle is left when it resolves, but for abandoned bodies. May be called while `open` is under way: that is given up, and `open`
   * rejects or resolves soon.
   */
  close(how: 'drain' | 'kill'): Promise<void>;
}

/** A promise to users, and what picks the cases of the conformance kit. */
export interface PoolManifest {
  /** The kind of pool: `inline`, `threads`, `processes`. */
  readonly name: string;
  /** Can it end a body that does not listen to its signal? */
  readonly kills: boolean;
  /**
   * How values cross: not at all, by structured clone, or by a serialization that carries less, as JSON. What it cannot carry is an error
   * of the task that names it, never another value.
   */
  readonly transport: 'reference' | 'clone' | 'serialize';
  /** Does it take bodies that have no address? */
  readonly closures: boolean;
  /** Does it take programs? What comes of one is `returned`, with its `ExecutableFacts` as the value: the run interprets them. */
  readonly executables: boolean;
  /** Does it run functions? Left out: it does. `false` where programs are all it takes. */
  readonly functions?: boolean;
}

/** What a pool may tell the run at any time while it is open. */
export interface PoolContext {
  /** How many attempts can run at the same time from now on. */
  slotsChanged(slots: number): void;
  /** A worker ended without being asked to: the name is the one that `started` was told. Its attempt's outcome comes through `run`. */
  workerLost(worker: string, reason: string): void;
  /**
   * A worker has ended or is being ended, whoever wanted that: what bodies left running in it is gone. May be called besides `workerLost`, which
   * counts as the same. Nothing fails by it, and no one is told: a task that fails later and builds on a task that ran there is given the
   * reason. `reason` goes on after "it": "did not end in time". A host that does not listen has none.
   */
  workerGone?(worker: string, reason: string): void;
  /**
   * An error surfaced in the worker after the body that it comes from had ended: out of a timer, a listener, or a promise that was not
   * awaited. `tasks` are the call paths that it may come from. It fails no attempt, but the run is not a good one; the worker finishes what
   * it runs and is replaced. May come until `close` has resolved.
   */
  lateError(worker: string, tasks: readonly string[], error: unknown): void;
  /** Something that users should know, and that changes no outcome. A host that does not listen has none. */
  warn?(warning: Problem): void;
  /**
   * The pool can run nothing any more, whatever is given to it: the run is cancelled and ends with that error. `close` is called as at
   * the end of any run. A host that does not listen has none.
   */
  failed?(error: Error): void;
  /**
   * Calls `ring` after so many milliseconds by the clock of the run; the returned function cancels that. Pools without a clock of their own
   * measure the grace of bodies with it. Absent: take `startTimer` of `@pexen/core/timers`.
   */
  readonly after?: (delayMs: number, ring: () => void) => () => void;
  /** `true`: outcomes are to carry `modules`, for digests of the code of tasks. A pool whose workers do not record them leaves them out. */
  readonly wantsModules?: boolean;
}

/** The error with which `open` rejects while another run has the pool. */
export function poolInUse(): PexenError {
  return misuse(
    'PEXEN_POOL_IN_USE',
    'the pool is open already, for another run',
    'Give each run a pool of its own, as in pool: () => inline(), or wait for the end of the other run.',
  );
}

/** The error with which `open` rejects while a body that the pool could not end still runs. */
export function poolAbandoned(): PexenError {
  return misuse(
    'PEXEN_POOL_ABANDONED',
    'a body that could not be ended still runs in the pool',
    'Make a new pool, or open this one when the body has settled.',
  );
}

/**
 * One attempt to be made. Like the ticket an object of the run: its entries may be getters, and a copy by spread is empty. A pool
 * around another hands both on as they are, or others made entry by entry.
 */
export interface Assignment {
  /** The task object itself, for pools with the transport `reference`. */
  readonly task: object;
  readonly definition: TaskDefinition;
  /** Present unless the pool takes closures. */
  readonly address: Address | undefined;
  /** The call path, as text. */
  readonly path: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** `cleanup` runs the `cleanup` of the metadata instead of the body. */
  readonly part: 'body' | 'cleanup';
  readonly args: unknown;
  /** The dictionary the body starts from: its own object under the transport `reference`, else to be copied. */
  readonly shared: SharedState;
  /** The values of the keys that the task requires. */
  readonly received: readonly ReceivedKey[];
  /** Time between the signal and force, ms. */
  readonly graceMs: number;
  /** Neither the task nor the run states that grace: on a timeout, a body that has not read its signal need not be given it. */
  readonly isDefaultGrace?: boolean;
  /** For the body to know (`$PEXEN_TIMEOUT_MS`); the run keeps the deadline itself. */
  readonly timeoutMs: number | undefined;
}

/** The way back from a pool to the run, for one attempt. */
export interface Ticket {
  /** Aborted when the attempt must stop; `reason` is an Error. Touching it costs a little: pools that never stop need not. */
  readonly signal: AbortSignal;
  /**
   * To be called exactly once, when a worker really begins: deadlines count from there. It comes before every news and before
   * every outcome but `not-started`; a body that could not be found, or whose args could not cross, has started, too.
   */
  started(worker: string): void;
  /** Hands on an update of the body, between `started` and the outcome. */
  report(update: TaskUpdate): void;
}
