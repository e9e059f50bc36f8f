/** The contract of pools. Everything that the author of a pool must comply with is stated here; the conformance kit checks it. */
import type { Address } from './address.ts';
import type { ReceivedKey } from './body-context.ts';
import type { CodeSource } from './digests.ts';
import { misuse, type PexenError, type Problem } from './errors.ts';
import type { PoolOutcome, ReadyFacts } from './outcome.ts';
import type { NodeView, PoolNode } from './pool-node.ts';
import type { SharedState } from './shared-state.ts';
import type { TaskDefinition } from './task.ts';
import type { TaskUpdate } from './task-update.ts';
import type { TraceContext } from './trace-context.ts';

/** A place where bodies run. After `close` it may be opened again. */
export interface Pool {
  /** What the pool can do. It never changes. */
  readonly manifest: PoolManifest;
  /**
   * Prepares the pool. Calls `context.slotsChanged(n)` before it resolves and whenever its capacity changes. May reject: the run
   * then ends with that error and does not call `close`, so the pool itself releases what it has created by then. Rejects with `poolInUse()`
   * while it is open, since a pool serves one run at a time, and with `poolAbandoned()` while a body that it could not end still runs.
   */
  open(context: PoolContext): Promise<void>;
  /**
   * Runs one attempt, or keeps it until a worker is free. Never throws and never rejects: everything that happens is an outcome. The
   * outcome may be returned at once or as a promise. Once `ticket.signal` is aborted it settles within the assignment's
   * grace period plus four seconds, and attempts that have not started end as `not-started`. A body that the pool cannot end by then (it runs in this
   * thread, or is stuck in native code) is `stopped`, `how: 'abandoned'`: its slot takes the next attempt.
   */
  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome>;
  /**
   * Returns attempts that have not started; those that have started continue, and further ones may be given to the pool. Called when a run
   * drains. Only pools in which attempts never wait may omit it: nothing else prevents waiting attempts from starting.
   */
  reclaim?(): void;
  /**
   * Takes over an attempt that `open` has reported as left: what it reports and its outcome go to this ticket, `started` first, and attachments and
   * findings also as far as an earlier session had them. It does not start once more. An attempt that is not there any more is `lost`, never `not-started`.
   * Present if the manifest says `adopts`, as `dismiss` and `settled`.
   */
  adopt?(left: LeftAttempt, assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome>;
  /** Ends and forgets these attempts of those that `open` has reported as left. Resolves when none of them runs. */
  dismiss?(left: readonly LeftAttempt[]): Promise<void>;
  /** The run has recorded the outcome of this attempt: nothing of it has to be kept for a later session. */
  settled?(assignment: Assignment): void;
  /**
   * `drain` – waits for started attempts to end; `kill` – ends them now, and immediately abandons those that cannot be ended: attempts
   * whose signal was not aborted before have `crashed`. In either case attempts that have not started end as `not-started`, every promise
   * of `run` is settled, and no worker, timer or handle is left when `close` resolves, except for abandoned bodies. May be called while
   * `open` is in progress: opening is then aborted, and `open` rejects or resolves soon.
   */
  close(how: 'drain' | 'kill'): Promise<void>;
}

/** What the pool promises its users; it also selects the cases of the conformance kit. */
export interface PoolManifest {
  /** The kind of pool: `inline`, `threads`, `processes`. */
  readonly name: string;
  /** Can it end a body that does not listen to its signal? */
  readonly kills: boolean;
  /**
   * How values are passed to bodies: by reference, by structured clone, or by a serialization that supports less, such as JSON. A value that
   * it cannot carry fails the task with an error that names the value; it never arrives as a different value.
   */
  readonly transport: 'reference' | 'clone' | 'serialize';
  /** Does it take bodies that have no address? */
  readonly closures: boolean;
  /** Does it take programs? A program's outcome is `returned`, with its `ExecutableFacts` as the value: the run interprets them. */
  readonly executables: boolean;
  /** Does it run functions? Default true; `false` where it only takes programs. */
  readonly functions?: boolean;
  /**
   * Does it run services? Each gets a worker of its own, beside the slots, and is never returned unstarted for want of a slot. Default: such tasks
   * are refused before the run.
   */
  readonly services?: boolean;
  /**
   * Does it report its nodes, and run each attempt on the node that its assignment names? `open`: nodes may join and leave at any time. A list: it is
   * closed, so that it has these nodes and never others; what none of them can run is refused before the run. Default: it has none, and counts as
   * a single place.
   */
  readonly nodes?: 'open' | readonly NodeView[];
  /**
   * Can attempts outlive the process of the run, so that a later session of the run takes them over? Such a pool keeps each attempt, and its outcome, until
   * `settled`, or until it is certain that no session can ask any more.
   */
  readonly adopts?: boolean;
  /** How long attempts may go on where the process of the run cannot reach them any more, or is over, ms. Default 0: they end with it. */
  readonly outlivesMs?: number;
}

/** An attempt that an earlier session of the run has left in a pool. */
export interface LeftAttempt {
  /** The number of the session that has started it. */
  readonly session: number;
  /** The call path of its task. */
  readonly path: string;
  readonly attempt: number;
  readonly part: 'body' | 'cleanup';
  /** `ended`: its outcome is kept. `unstarted`: it had not started, and never will; it is not adopted, only dismissed. */
  readonly state: 'running' | 'ended' | 'unstarted';
  /** For how long it has been running when `left` is called, ms: its timeout counts from its start. Absent where that is not known. */
  readonly runningMs?: number;
  /** The name of the node that has it, in a pool with nodes. */
  readonly node?: string;
}

/** What a pool may report to the run at any time while it is open. */
export interface PoolContext {
  /** How many attempts can run at the same time from now on. */
  slotsChanged(slots: number): void;
  /**
   * A node has joined, or something about it has changed: its slots, its properties, its boot. All nodes that are there when the pool opens are reported
   * before `open` resolves. `slotsChanged` reports the sum of the slots as for any pool. Absent on hosts that do not place tasks.
   */
  nodeChanged?(node: PoolNode): void;
  /**
   * The node is gone, and takes no further attempt. The outcomes of its attempts come through `run`. `reason` continues a sentence that starts with its
   * name: "has left".
   */
  nodeLeft?(name: string, reason: string): void;
  /** A worker ended without being asked to; `worker` is the name that was passed to `started`. The outcome of its attempt comes through `run`. */
  workerLost(worker: string, reason: string): void;
  /**
   * A worker has ended or is being ended, for any reason: whatever bodies left running in it is gone. May be called in addition to
   * `workerLost`, which implies it. It fails no task and is not reported; a task that fails later and depends on a task that ran there gets
   * the reason. `reason` continues a sentence after "it": "did not end in time". Absent on hosts that do not listen.
   */
  workerGone?(worker: string, reason: string): void;
  /**
   * An error surfaced in the worker after the body that it comes from had ended: out of a timer, a listener, or a promise that was not
   * awaited. `tasks` are the call paths that it may come from. It fails no attempt, but the run is not a success; the worker finishes what
   * it runs and is replaced. May be called until `close` has resolved.
   */
  lateError(worker: string, tasks: readonly string[], error: unknown): void;
  /** A warning for users that changes no outcome. Absent on hosts that do not listen. */
  warn?(warning: Problem): void;
  /**
   * The pool can no longer run anything: the run is cancelled and ends with that error. `close` is called as at the end of any run. `kill`: at
   * once, without teardowns, since another session of the run has what is left, or will. Absent on hosts that do not listen.
   */
  failed?(error: Error, how?: 'cancel' | 'kill'): void;
  /**
   * Calls `ring` after so many milliseconds by the clock of the run; the returned function cancels the call. Pools without a clock of their
   * own measure grace periods with it. Absent: use `startTimer` of `@pexen/core/timers`.
   */
  readonly after?: (delayMs: number, ring: () => void) => () => void;
  /** `true`: outcomes should carry `modules`, for digests of the code of tasks. A pool whose workers do not record them omits them. */
  readonly wantsModules?: boolean;
  /** The code of tasks, which a pool whose workers have files of their own may compare with theirs. Absent on hosts that do not know it. */
  readonly code?: CodeSource | undefined;
  /** The id of the run: the same in all its sessions. Pools that start processes mark them with it. Absent on hosts that have none. */
  readonly runId?: string;
  /** The number of this session of the run. Absent: 1, the first. What earlier sessions started elsewhere may still run. */
  readonly session?: number;
  /**
   * The places that earlier sessions reported by `joined` and not by `parted`: attempts may be left there. `unknown`: there may be others. Absent in the
   * first session.
   */
  readonly earlierPlaces?: readonly string[] | 'unknown' | undefined;
  /** Attempts of earlier sessions that are still there. Called before `open` resolves; each of them is adopted or dismissed. */
  left?(attempts: readonly LeftAttempt[]): void;
  /** Attempts may outlive the process of the run at this place. None may be sent there before `recorded` is called, which may be at once. */
  joined?(place: string, recorded: () => void): void;
  /** Nothing of the run is at this place any more. */
  parted?(place: string): void;
}

/** The error with which `open` rejects while another run uses the pool. */
export function poolInUse(): PexenError {
  return misuse(
    'PEXEN_POOL_IN_USE',
    'the pool is open already, for another run',
    'Give each run a pool of its own, as in pool: () => inline(), or wait until the other run ends.',
  );
}

/** The error with which `open` rejects while a body that the pool could not end still runs. */
export function poolAbandoned(): PexenError {
  return misuse(
    'PEXEN_POOL_ABANDONED',
    'a body that could not be ended still runs in the pool',
    'Make a new pool, or open this one after the body has settled.',
  );
}

/**
 * One attempt to run. Like the ticket, it is an object of the run whose entries may be getters, so that a copy by spread is empty. A pool
 * that wraps another passes both on as they are, or copies made entry by entry.
 */
export interface Assignment {
  /** The task object itself, for pools with the transport `reference`. */
  readonly task: object;
  readonly definition: TaskDefinition;
  /** Present unless the pool takes closures. */
  readonly address: Address | undefined;
  /** The call path, as text. */
  readonly path: string;
  /**
   * The name of the node that must run it; only in pools that report nodes. Present for every attempt if the run places tasks. If the node is gone, or gone
   * before it has started the attempt, the outcome is `not-started`: the run then decides on another node.
   */
  readonly node?: string | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How often this attempt was interrupted in earlier sessions of its run, for the information of the body. Default 0. */
  readonly interruptions?: number | undefined;
  /** How often the machine was rebooted for the task, for the information of the body. Default 0. */
  readonly rebootCount?: number | undefined;
  /** The span of the attempt, for spans of the body: in its context, or the variables `TRACEPARENT` and `TRACESTATE` of a program. Absent: it is not traced. */
  readonly trace?: TraceContext | undefined;
  /**
   * Present for a service: it gets a worker of its own at once, outside of slots, waiting attempts and the recycling of workers. It ends when its
   * signal is aborted, or by itself. `reclaim` does not concern it.
   */
  readonly service?: true | undefined;
  /** `cleanup` runs the `cleanup` of the metadata instead of the body. */
  readonly part: 'body' | 'cleanup';
  readonly args: unknown;
  /** The dictionary that the body starts with: passed as it is under the transport `reference`, else to be copied. */
  readonly shared: SharedState;
  /** The values of the keys that the task requires. */
  readonly received: readonly ReceivedKey[];
  /** Time between the signal and force, ms. */
  readonly graceMs: number;
  /** Neither the task nor the run states the grace period. On a timeout, the pool may then skip it for a body that has not read its signal. */
  readonly isDefaultGrace?: boolean;
  /** For the information of the body (`$PEXEN_TIMEOUT_MS`); the run enforces the timeout itself. */
  readonly timeoutMs: number | undefined;
}

/** How a pool reports to the run, for one attempt. */
export interface Ticket {
  /** Aborted when the attempt must stop; `reason` is an Error. It is created when it is first read; pools that cannot stop bodies need not read it. */
  readonly signal: AbortSignal;
  /**
   * To be called exactly once, when a worker actually starts the attempt: timeouts count from there. It precedes every update and every
   * outcome except `not-started`. An attempt whose body was not found, or whose args could not be passed, has started, too.
   */
  started(worker: string): void;
  /** Hands on an update of the body, between `started` and the outcome. */
  report(update: TaskUpdate): void;
  /**
   * For a service: it is ready. To be called at most once, between `started` and the outcome. An outcome without it, a good one too, means that the
   * service ended before it was ready. Under the transport `reference`, `shared` may be absent: the dictionary in the assignment counts as it is
   * now. Absent on hosts that run no services.
   */
  ready?(facts: ReadyFacts): void;
}
