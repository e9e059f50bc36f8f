/**
 * What the slot engine and a connector say to each other. A connector knows how to reach workers of one kind: how to start one, how to send it
 * attempts, how to hear from it, how to end it. The engine knows everything else: which attempt goes where and when, what has started, how an
 * attempt is stopped, when a worker is replaced, and what becomes of the attempts of a worker that is gone.
 */
import type { Assignment, PoolManifest, PoolOutcome, Problem, TaskUpdate } from '@pexen/core';
import type { OutcomeEnvelope } from '../envelope.ts';
import type { LateError } from '../worker/late-errors.ts';

/** What an attempt runs: a function in a worker, or a program. */
export type WorkKind = 'function' | 'program';

/** How a pool reaches its workers. Hand it to `new SlotEngine(connector)`. */
export interface Connector {
  /** The promise to users, as of every pool. */
  readonly manifest: PoolManifest;
  /** How many attempts run at the same time when the pool opens: slots are numbered from 0. */
  readonly slots: number;
  /**
   * `true`: every slot is connected while the pool opens, and `open` resolves with the first worker that is ready, or rejects when none can be
   * started. Default `false`: a worker is started for the first attempt that needs it.
   */
  readonly connectsAtOpen?: boolean;
  /** What a user should look at when no worker can be started, as a sentence. */
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
  /** Every worker is about to be ended, and nothing is connected any more until the pool is opened again. May be called twice. */
  closing?(): void;
  /** Releases what all connections share. Every connection is gone by then. */
  close?(): void | Promise<void>;
}

/** What a connector may report at any time while it is open. */
export interface ConnectorContext {
  /**
   * So many slots are usable from now on, 0 to any number. What runs in a slot that is no longer counted goes on to its end, and nothing more is sent
   * there.
   */
  slotsChanged(slots: number): void;
  /** Something that users should know, and that changes no outcome. */
  warn(warning: Problem): void;
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
   * `abort` asks the body; `terminate` tells the worker's processes to end; `kill` ends the worker by force; `abandon` gives up a worker that
   * cannot be ended and replaces it.
   */
  readonly action: 'abort' | 'terminate' | 'kill' | 'abandon';
}

/** One worker, as the engine uses it. No method is called after `gone` was reported. */
export interface Connection {
  /** The name of the worker for people, the same in `started` and `workerLost`. */
  readonly name: string;
  /**
   * Sends attempts, which the worker runs one after the other. Called only once the worker is ready.
   * @throws what the transport throws for a value that cannot cross. Then none of them was sent, and the engine sends them one by one.
   */
  send(attempts: readonly SentAttempt[]): void;
  /** Asks the body of this attempt to stop. `reason` is an Error. */
  abort(number: number, reason: unknown): void;
  /** Ends the worker by force, with all that came of it; `gone` follows. `cause` says why, for the sentence that `gone` is given. */
  kill(cause: string): void;
  /** Lets an idle worker end in an orderly way; `gone` follows. Left out: it is killed. */
  leave?(): void;
  /** Tells the worker's processes to end, as SIGTERM does. It is not used again afterwards. */
  terminate?(): void;
  /**
   * Takes these attempts back, unless they have started. Either returns the numbers of those that are certain not to start (it may return more
   * than was asked for), or returns nothing and reports `returned` for each one later. Left out: what was sent cannot be taken back.
   */
  reclaim?(numbers: readonly number[]): readonly number[] | undefined;
  /** The number of the attempt that started last, for a worker that may be too busy to tell. */
  startedUpTo?(): number;
  /** Has the body of this attempt read its signal? A body that has not cannot listen to it, and is not given an unstated grace on a timeout. */
  hasReadSignal?(number: number): boolean;
  /** What the attempt printed, when the worker is gone and cannot report its outcome. Left out: what was reported as news. */
  lastOutput?(number: number): Pick<PoolOutcome, 'stdout' | 'stderr'>;
  /**
   * The steps that stop this attempt. Left out: `abort`, `terminate` after at most 2 s if there is such a method, `kill` after the grace, `abandon`; and
   * for a body that cannot listen to its signal, everything within 250 ms.
   */
  escalation?(attempt: SentAttempt): readonly Step[];
  /**
   * Gives up a worker that cannot be ended: reports what it has sent until now, and releases what this side has of it. Report `gone` once it has
   * ended after all, if that is ever known.
   */
  abandon?(): void;
  /** What each step is called in an outcome: `ended by SIGKILL`. */
  readonly stepNames?: Partial<Record<Step['action'], string>>;
  /** `true`: short attempts are sent ahead of the one that runs. Wants `reclaim`. */
  readonly prefetches?: boolean;
  /** The worker is replaced after so many attempts. Default: never. */
  readonly mostAttempts?: number;
  /** `true`: it runs functions and programs alike. Default: only the kind for which it was connected. */
  readonly runsBoth?: boolean;
}

/** What a connection reports to the engine. Attempts go by their numbers. */
export interface ConnectionEvents {
  /**
   * `true`: the worker is to call `recordModules` before it loads what it runs, so that outcomes carry `modules`. `MessageConnection` tells it so.
   */
  readonly wantsModules: boolean;
  /** The worker can run attempts. */
  ready(): void;
  /**
   * The worker has started this attempt. May be left out where news or the outcome follows at once. `worker` names one that is reached through this
   * connection.
   */
  started(number: number, worker?: string): void;
  /** News of the body, in order. They have been handed on when this returns. */
  updated(number: number, updates: readonly TaskUpdate[]): void;
  /** How the attempt ended. */
  ended(number: number, outcome: OutcomeEnvelope): void;
  /** The attempt was taken back and will not start. */
  returned(number: number): void;
  /**
   * An error surfaced in the worker after the body that it comes from had ended. The worker is not used again, as after `spoiled`; unless `worker`
   * names one that is reached through this connection.
   */
  lateError(late: LateError, worker?: string): void;
  /** A worker that is reached through this connection ended without being asked to; the connection goes on. */
  workerLost(worker: string, reason: string): void;
  /** A worker that is reached through this connection has ended, whoever wanted that. */
  workerGone(worker: string, reason: string): void;
  /** This slot cannot be set up for the attempt, which has not started: it runs elsewhere or later, and the slot rests. */
  slotFailed(number: number, error: unknown): void;
  /** The worker takes no further attempt: it finishes what it runs, is given nothing more, and is replaced. */
  spoiled(): void;
  /** The worker has to be ended, for this reason: it uses too much memory, say. */
  mustEnd(cause: string): void;
  /** The worker broke the protocol: it is killed, and nothing it says counts any more. */
  violated(what: string): void;
  /**
   * The worker is out of reach for now: no further attempt is sent to it, and its slot is not counted. Tell `lost`, rather than `gone`, of one that
   * may still run.
   */
  disconnected(): void;
  /**
   * It is back. `same`: with everything it had, and nothing that it or the host has said meanwhile is missing. Otherwise another worker answers in
   * its place, and the attempts of the former one are gone: those that had started have crashed, the others are lost, since they may have started.
   */
  reconnected(identity: 'same' | 'other'): void;
  /**
   * The worker cannot be reached any more, and may still run what it has started. `fenced` resolves when it certainly does not; until then its slot
   * stays taken.
   */
  lost(reason: string, fenced: PromiseLike<unknown>): void;
  /**
   * The worker itself has ended, and what came of it is being ended: `gone` follows, and it is not abandoned. With a number: only what runs this
   * attempt has ended, and its outcome follows. May be left out.
   */
  ending(number?: number): void;
  /**
   * The worker has ended, everything that it sent was reported, and nothing is left of it. `how` goes on after its name: `exited with code 7`.
   * Report it exactly once.
   */
  gone(how: string): void;
}
