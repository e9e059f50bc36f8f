/**
 * The interface between the slot engine and a connector. A connector knows how to reach workers of one kind: how to start one, how to exchange
 * messages with it, how to end it. The engine decides everything else: which attempt goes where and when, which have started, how an
 * attempt is stopped, when a worker is replaced, and what happens to the attempts of a worker that is gone.
 */
import type {
  Assignment,
  CodeSource,
  LeftAttempt,
  PexenError,
  PoolManifest,
  PoolNode,
  PoolOutcome,
  Problem,
  ReadyFacts,
  TaskUpdate,
} from '@pexen/core';
import type { OutcomeEnvelope } from '../envelope.ts';
import type { LateError } from '../worker/late-errors.ts';

/** What an attempt runs: a function in a worker, or a program. */
export type WorkKind = 'function' | 'program';

/** How a pool reaches its workers. Hand it to `new SlotEngine(connector)`. */
export interface Connector {
  /** What the pool promises to users. */
  readonly manifest: PoolManifest;
  /** How many attempts run at the same time when the pool opens: slots are numbered from 0. */
  readonly slots: number;
  /**
   * `true`: every slot is connected while the pool opens, and `open` resolves with the first worker that is ready, or rejects when none can be
   * started. Default `false`: a worker is started for the first attempt that needs it.
   */
  readonly connectsAtOpen?: boolean;
  /** A hint for users when no worker can be started, as a sentence. */
  readonly startHint?: string;
  /** How often in a row a slot may fail to start a worker before it is closed. Default 3. */
  readonly mostFailures?: number;
  readonly timeouts?: Partial<Timeouts>;
  /** Prepares what all connections share. May reject: then the pool cannot be opened, and `close` is called. */
  open?(context: ConnectorContext): void | Promise<void>;
  /**
   * Starts a worker for this slot and returns at once. The events report what happens to it, never before this call has returned. Throws when there
   * can be no worker: the slot is tried again later, and closed after `mostFailures` in a row.
   */
  connect(slot: number, events: ConnectionEvents, kind: WorkKind): Connection;
  /**
   * The same for one service: its worker runs nothing else, and is ended when the service is over. `service` is its number, 0 for the first since the
   * pool was opened: it names no slot. `node`: its worker must be on this node. Present if the manifest says `services`.
   */
  connectService?(service: number, events: ConnectionEvents, kind: WorkKind, node?: string): Connection;
  /**
   * Reaches the worker that has this attempt of an earlier session. It counts as sent: what `send` gets is the attempt to be adopted, and what is reported
   * of it comes after that. Present if the manifest says `adopts`, as the next two.
   */
  connectLeft?(left: LeftAttempt, events: ConnectionEvents): Connection;
  /** See `Pool.dismiss`. */
  dismissLeft?(left: readonly LeftAttempt[]): Promise<void>;
  /** See `Pool.settled`. */
  settled?(assignment: Assignment): void;
  /** Every worker is about to be ended, and nothing is connected any more until the pool is opened again. May be called twice. */
  closing?(): void;
  /** Releases what all connections share. Every connection is gone by then. */
  close?(): void | Promise<void>;
}

/** What a connector may report at any time while it is open. */
export interface ConnectorContext {
  /**
   * So many slots are usable from now on, 0 or more. An attempt that runs in a slot that is no longer counted runs to its end, and no other is sent
   * there.
   */
  slotsChanged(slots: number): void;
  /** A node has joined, or is not as it was: see the contract of pools. Attempts that wait for a node without slots are returned. */
  nodeChanged(node: PoolNode): void;
  /** A node is gone. Attempts that wait for it are returned. `reason` continues a sentence that starts with its name. */
  nodeLeft(name: string, reason: string): void;
  /** The pool can no longer run anything: the run ends with this error. See `PoolContext`. */
  failed(error: PexenError, how?: 'cancel' | 'kill'): void;
  /** Warns users of something that changes no outcome. */
  warn(warning: Problem): void;
  /** The code of tasks here, where the run knows it. */
  readonly code?: CodeSource | undefined;
  /** The id of the run, where the run reports one. */
  readonly runId?: string | undefined;
  /** The number of this session of the run: 1 for the first. What earlier sessions started elsewhere may still run. */
  readonly session: number;
  /** See `PoolContext`. */
  readonly earlierPlaces?: readonly string[] | 'unknown' | undefined;
  left(attempts: readonly LeftAttempt[]): void;
  joined(place: string, recorded: () => void): void;
  parted(place: string): void;
}

/** How long the engine waits, ms. */
export interface Timeouts {
  /** For a worker that was started to become ready. Default 30,000. */
  readonly connectMs: number;
  /** For an idle worker to start what it was sent. Default 10,000. */
  readonly takeUpMs: number;
  /** For a worker to return what has not started, and to leave; more than a message takes there and back. Default 1,000. */
  readonly answerMs: number;
  /** For a worker to be gone after it was killed. What takes longer cannot be ended, and is abandoned. Default 2,000. */
  readonly stuckMs: number;
}

/** An attempt as it is sent over a connection. */
export interface SentAttempt {
  /** Its number in this connection: 0 for the first, one more for each that follows. */
  readonly number: number;
  readonly assignment: Assignment;
}

/** One step by which an attempt is made to stop. */
export interface Step {
  /** How long after the step before, or after the request to stop, ms. */
  readonly afterMs: number;
  /**
   * `abort` asks the body; `terminate` asks the worker's processes to end; `kill` ends the worker by force; `abandon` gives up a worker that
   * cannot be ended and replaces it.
   */
  readonly action: 'abort' | 'terminate' | 'kill' | 'abandon';
}

/** One worker, as the engine uses it. No method is called after `gone` was reported. */
export interface Connection {
  /** The name of the worker for people, the same in `started` and `workerLost`. */
  readonly name: string;
  /** `true`: there is no worker within reach yet, and its slot is not counted; `reconnected('same')` and `ready` follow. Read once. */
  readonly startsAway?: boolean;
  /** The node that the worker is on, in a pool that reports nodes; undefined as long as there is none. Read whenever an attempt is sent. */
  readonly node?: string | undefined;
  /**
   * Sends attempts, which the worker runs one after the other. Called only once the worker is ready.
   * @throws what the transport throws for a value that it cannot carry. Then none of them was sent, and the engine sends them one by one.
   */
  send(attempts: readonly SentAttempt[]): void;
  /** Asks the body of this attempt to stop. `reason` is an Error. */
  abort(number: number, reason: unknown): void;
  /** Ends the worker by force, with all its processes; `gone` follows. `cause` says why, for the text that `gone` reports. */
  kill(cause: string): void;
  /** Lets an idle worker end in an orderly way; `gone` follows. Left out: it is killed. */
  leave?(): void;
  /** Asks the worker's processes to end, as SIGTERM does. The worker is not used again. */
  terminate?(): void;
  /**
   * Reclaims these attempts, unless they have started. Either returns the numbers of those that are certain not to start (also numbers that were
   * not requested), or returns nothing and reports `returned` for each one later. Left out: attempts that were sent cannot be reclaimed.
   */
  reclaim?(numbers: readonly number[]): readonly number[] | undefined;
  /** The number of the attempt that started last, for a worker that may be too busy to report it. */
  startedUpTo?(): number;
  /** Has the body of this attempt read its signal? A body that has not cannot react to it, and gets no default grace period on a timeout. */
  hasReadSignal?(number: number): boolean;
  /** What the attempt printed, when the worker is gone and cannot report its outcome. Left out: the output that was reported as updates. */
  lastOutput?(number: number): Pick<PoolOutcome, 'stdout' | 'stderr'>;
  /**
   * The steps that stop this attempt. Left out: `abort`, `terminate` after at most 2 s if there is such a method, `kill` after the grace period, `abandon`;
   * for a body that has not read its signal, everything within 250 ms.
   */
  escalation?(attempt: SentAttempt): readonly Step[];
  /**
   * Gives up a worker that cannot be ended: reports what it has sent until now, and releases this side's resources. Report `gone` if it ends
   * later and that becomes known.
   */
  abandon?(): void;
  /** What each step is called in an outcome: `ended by SIGKILL`. */
  readonly stepNames?: Partial<Record<Step['action'], string>>;
  /** `true`: short attempts are sent while another one runs. Requires `reclaim`. */
  readonly prefetches?: boolean;
  /**
   * `true`: a message may take longer than `answerMs`, since the worker is reached over a network. What it does not return may then still start, and counts as
   * started once the worker is out of reach. Default: a worker that does not answer is busy, and returns the attempt before it starts another one.
   */
  readonly mayFallSilent?: boolean;
  /** The worker is replaced after so many attempts. Default: never. */
  readonly mostAttempts?: number;
  /** `true`: it runs functions and programs alike. Default: only the kind for which it was connected. */
  readonly runsBoth?: boolean;
}

/** What a connection reports to the engine. Attempts go by their numbers. */
export interface ConnectionEvents {
  /**
   * `true`: the worker must call `recordModules` before it loads the modules of bodies, so that outcomes carry `modules`. `MessageConnection` asks it to.
   */
  readonly wantsModules: boolean;
  /** The worker can run attempts. */
  ready(): void;
  /**
   * The worker has started this attempt. May be left out where an update or the outcome follows at once. `worker` names one that is reached through this
   * connection.
   */
  started(number: number, worker?: string): void;
  /** The service of this attempt is ready, with these values; the first report counts. */
  serviceReady(number: number, facts: ReadyFacts): void;
  /** Updates of the body, in order. They have been delivered when this returns. */
  updated(number: number, updates: readonly TaskUpdate[]): void;
  /** How the attempt ended. */
  ended(number: number, outcome: OutcomeEnvelope): void;
  /** The attempt was reclaimed and will not start. */
  returned(number: number): void;
  /**
   * An error surfaced in the worker after its body had ended. The worker is not used again, as after `spoiled`; unless `worker`
   * names one that is reached through this connection.
   */
  lateError(late: LateError, worker?: string): void;
  /** A worker that is reached through this connection ended without being asked to; the connection goes on. */
  workerLost(worker: string, reason: string): void;
  /** A worker that is reached through this connection has ended, expectedly or not. */
  workerGone(worker: string, reason: string): void;
  /** This slot cannot be set up for the attempt, which has not started: it runs elsewhere or later, and the slot pauses. */
  slotFailed(number: number, error: unknown): void;
  /** The worker takes no further attempt: it finishes the current one and is replaced. */
  spoiled(): void;
  /** The worker has to be ended, for this reason: it uses too much memory, say. */
  mustEnd(cause: string): void;
  /** The worker violated the protocol: it is killed, and its messages are ignored from now on. */
  violated(what: string): void;
  /**
   * The worker is out of reach for now: no further attempt is sent to it, and its slot is not counted. Report `lost` instead of `gone` for a worker
   * that may still run.
   */
  disconnected(): void;
  /**
   * The worker is back. `same`: with its state, and no message of either side is missing. `other`: another worker answers in its place, and the
   * attempts of the former one are gone: those that had started have crashed, the others are lost, since they may have started.
   */
  reconnected(identity: 'same' | 'other'): void;
  /**
   * The worker cannot be reached any more, and may still run attempts. `fenced` resolves when it certainly does not; until then its slot
   * stays occupied.
   */
  lost(reason: string, fenced: PromiseLike<unknown>): void;
  /**
   * The worker itself has ended, and its processes are being ended: `gone` follows, and the worker is not abandoned. With a number: only the program of
   * this attempt has ended, and its outcome follows. May be left out.
   */
  ending(number?: number): void;
  /**
   * The worker and its processes have ended, and everything that it sent was reported. `how` continues a sentence that starts with its name: `exited with code 7`.
   * Report it exactly once.
   */
  gone(how: string): void;
}
