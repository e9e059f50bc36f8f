/**
 * The engine's end of one connection. It is one state machine of a worker's life (not ready, ready, away, being ended, gone, with the reasons) and of
 * what that means for the attempts that the worker has: how each ends when its body ends, when it is stopped or reclaimed, or when the worker is lost.
 * The attempts themselves are counted in held-attempts.ts. Knows nothing of slots or of the queue.
 */
import { type Clock, mergeShared, type PoolOutcome, type ReadyFacts, type TaskUpdate } from '@pexen/core';
import { decodeOutcome, type OutcomeEnvelope, refusedByTransport } from '../envelope.ts';
import { decodeThrown } from '../error-codec.ts';
import type { LateError } from '../worker/late-errors.ts';
import type { Connection, ConnectionEvents, Step, Timeouts, WorkKind } from './connector.ts';
import { escalate, stepsFor, usualStepNames } from './escalation.ts';
import type { Execution } from './execution.ts';
import { HeldAttempts } from './held-attempts.ts';
import { PrefetchWindow } from './prefetch-window.ts';

/** What a link reports to its slot. */
export interface WorkerLinkOwner {
  readonly clock: Clock;
  /** Measures the grace periods of bodies. */
  readonly graceClock: Pick<Clock, 'after'>;
  readonly timeouts: Timeouts;
  readonly wantsModules: boolean;
  /** The worker is ready. */
  ready(): void;
  /** The worker is within reach again, or has room for more. */
  roomChanged(link: WorkerLink): void;
  /** Attempts were sent. `isWatched`: they may wait behind others, or the worker may be too busy to report that it has started them. */
  sent(isWatched: boolean): void;
  /** These attempts have not started, and must run elsewhere. `death`: how their worker ended. */
  returned(attempts: readonly Execution[], death?: string): void;
  /** The worker went out of reach, or came back. */
  awayChanged(): void;
  /** A worker ended without being asked to. */
  workerLost(name: string, reason: string): void;
  /** A worker has ended or is being ended, expectedly or not. */
  workerGone(name: string, reason: string): void;
  /** See `PoolContext`. */
  lateError(name: string, tasks: readonly string[], error: unknown): void;
  /** An attempt of this kind has run here. */
  succeeded(kind: WorkKind): void;
  /** An attempt of this kind could not be run here, and runs elsewhere or later. */
  slotFailed(kind: WorkKind, error: unknown): void;
  /** A worker cannot be ended; the promise resolves when it has ended after all. */
  abandoned(settled: Promise<void>): void;
  /** The worker is gone. `failure`: how it ended, where it never became ready and was not asked to end. */
  over(link: WorkerLink, failure: string | undefined): void;
}

/** Attempts that wait behind one that has run for so long, ms, are reclaimed when another slot is free. */
const slowMs = 10;

export class WorkerLink implements ConnectionEvents {
  /** The kind of attempts for which it was connected. */
  readonly kind: WorkKind;
  readonly #owner: WorkerLinkOwner;
  readonly #connection: Connection;
  /** `true`: an attempt may be chosen for this worker before it is ready. */
  readonly #takesEarly: boolean;
  readonly #attempts: HeldAttempts = new HeldAttempts(this);
  readonly #window = new PrefetchWindow();
  readonly #over = Promise.withResolvers<void>();
  /** Resolves when the worker has ended, also one that was abandoned. */
  readonly #ended = Promise.withResolvers<void>();
  /** Called once the worker is gone. */
  #afterGone: (() => void)[] = [];
  #cancelWatch: () => void;
  #isReady = false;
  #isAway = false;
  #isLost = false;
  /** No attempt is sent to it any more. */
  #isRetired = false;
  /** It was asked to end. */
  #isExpected = false;
  #isTerminated = false;
  #isKilled = false;
  /** It has ended; its processes may still run. */
  #isEnding = false;
  #isAbandoned = false;
  #isDistrusted = false;
  #isGone = false;
  #isReportedGone = false;

  /** @throws what `connect` throws */
  constructor(
    owner: WorkerLinkOwner,
    kind: WorkKind,
    takesEarly: boolean,
    connect: (events: ConnectionEvents) => Connection,
  ) {
    this.#owner = owner;
    this.kind = kind;
    this.#takesEarly = takesEarly;
    this.#connection = connect(this);
    this.#isAway = this.#connection.startsAway === true;
    const { connectMs } = owner.timeouts;
    this.#cancelWatch = owner.clock.after(connectMs, () => this.#killUnasked('did not become ready in time'));
  }

  get wantsModules(): boolean {
    return this.#owner.wantsModules;
  }

  get name(): string {
    return this.#connection.name;
  }

  /** The node that it is on. */
  get node(): string | undefined {
    return this.#connection.node;
  }

  get runsBoth(): boolean {
    return this.#connection.runsBoth === true;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** How many attempts it has, started or not. */
  get load(): number {
    return this.#attempts.count;
  }

  /** It has an attempt, or may have one: its slot is occupied. */
  get isBusy(): boolean {
    return this.load > 0 || this.#afterGone.length > 0 || this.#isLost;
  }

  /** Another worker is needed. */
  get isSpent(): boolean {
    return this.#isRetired || this.#isGone;
  }

  /** It is out of reach. */
  get isAway(): boolean {
    return this.#isAway || this.#isLost;
  }

  /** How many more attempts it takes now. */
  get room(): number {
    if (this.isSpent || this.isAway) return 0;
    const { mostAttempts = Number.POSITIVE_INFINITY, prefetches } = this.#connection;
    const atOnce = this.#isReady ? (prefetches ? this.#window.size : 1) : this.#takesEarly ? 1 : 0;
    return Math.min(atOnce - this.load, mostAttempts - this.#attempts.chosenCount);
  }

  /** Resolves when the worker is gone. */
  get whenOver(): Promise<void> {
    return this.#over.promise;
  }

  /** Chooses the attempt for this worker; `flush` sends it. Returns how many are to be sent. */
  add(attempt: Execution): number {
    return this.#attempts.choose(attempt);
  }

  /** Sends the chosen attempts together; if the worker is not ready, as soon as it is. */
  flush(): void {
    const attempts = this.#isReady ? this.#attempts.takeOutbox() : [];
    if (attempts.length === 0) return;
    const nowMs = this.#owner.clock.now();
    for (const attempt of attempts) this.#attempts.send(attempt, nowMs);
    const { mostAttempts = Number.POSITIVE_INFINITY, prefetches, startedUpTo } = this.#connection;
    this.#owner.sent(prefetches === true || startedUpTo !== undefined);
    if (this.#attempts.sentCount >= mostAttempts) this.#isRetired = true;
    try {
      this.#connection.send(attempts);
    } catch (error) {
      if (attempts.length === 1) this.#refuse(attempts[0] as Execution, error);
      else this.#sendSingly(attempts);
    }
  }

  /** One of several attempts has a value that cannot be sent, which only sending finds: the others must be sent nevertheless. */
  #sendSingly(attempts: readonly Execution[]): void {
    for (const attempt of attempts) {
      try {
        this.#connection.send([attempt]);
      } catch (error) {
        this.#refuse(attempt, error);
      }
    }
  }

  #refuse(attempt: Execution, error: unknown): void {
    this.#attempts.release(attempt);
    attempt.start(this.name, this.#owner.clock.now());
    attempt.settle(refusedByTransport(attempt.assignment.path, error));
    this.#owner.roomChanged(this);
  }

  /** Stops the attempt. */
  stop(attempt: Execution): void {
    if (this.#attempts.unchoose(attempt)) {
      attempt.return('stopped before it was sent');
      return;
    }
    this.#readStartMarker();
    if (attempt.isOver || !this.#attempts.wasSent(attempt)) return;
    if (attempt.hasStarted || this.#connection.reclaim === undefined) this.#escalate(attempt);
    else this.#withdraw(attempt);
  }

  /** Reclaims the attempts that have not started; `returned` of the owner follows. */
  reclaim(): void {
    const attempts = this.#attempts.takeOutbox();
    if (attempts.length > 0) this.#owner.returned(attempts);
    this.#readStartMarker();
    if (this.#attempts.hasUnstarted) this.#reclaimSent(this.#attempts.unstarted());
  }

  /**
   * Finds attempts that have started in a worker that is too busy to report it. True as long as another poll is useful. `canRunElsewhere`: there is a free
   * slot for such an attempt.
   */
  poll(nowMs: number, canRunElsewhere: (attempt: Execution) => boolean): boolean {
    this.#readStartMarker();
    const { first } = this.#attempts;
    if (first === undefined || this.#isGone || this.#isAway) return false;
    const waitedMs = nowMs - first.sinceMs;
    if (!first.hasStarted) {
      if (this.#isReady && waitedMs > this.#owner.timeouts.takeUpMs)
        this.#killUnasked('hung: it did not start what it was sent');
    } else if (waitedMs > slowMs && this.#attempts.unstarted().some(canRunElsewhere)) this.reclaim();
    return this.#attempts.hasUnstarted;
  }

  /** Ends it by force: the pool is being closed. */
  kill(cause: string): void {
    this.#isExpected = true;
    this.#end(cause);
  }

  /** Asks the idle worker to end, and ends it by force where it does not. */
  leave(): Promise<void> {
    this.#isRetired = true;
    this.#isExpected = true;
    if (this.#isGone || this.#isKilled) return this.whenOver;
    if (this.#connection.leave === undefined || this.isAway) this.#end('was no longer needed');
    else {
      this.#watch(this.#owner.timeouts.answerMs, () => this.#end('did not leave'));
      this.#connection.leave();
    }
    return this.whenOver;
  }

  // What the connection reports.

  ready(): void {
    if (this.#isReady || this.#isGone) return;
    this.#isReady = true;
    if (!this.#isKilled) this.#cancelWatch();
    this.flush();
    this.#owner.ready();
    this.#owner.roomChanged(this);
  }

  started(number: number, worker?: string): void {
    const attempt = this.#isDistrusted ? undefined : this.#attempts.get(number);
    if (attempt !== undefined && !attempt.hasStarted) this.#start(attempt, worker);
    else if (this.#attempts.isPresumedReturned(number))
      this.violated('started an attempt that it had to return');
  }

  serviceReady(number: number, { shared, provided }: ReadyFacts): void {
    this.started(number);
    const attempt = this.#isDistrusted ? undefined : this.#attempts.get(number);
    attempt?.ready({
      ...(shared !== undefined && { shared: mergeShared(shared) }),
      ...(provided !== undefined && { provided }),
    });
  }

  updated(number: number, updates: readonly TaskUpdate[]): void {
    this.started(number);
    const attempt = this.#isDistrusted ? undefined : this.#attempts.get(number);
    for (const each of updates) {
      if (this.#connection.lastOutput === undefined) attempt?.keep(each);
      attempt?.report(each);
    }
  }

  ended(number: number, outcome: OutcomeEnvelope): void {
    this.started(number);
    const attempt = this.#isDistrusted ? undefined : this.#attempts.get(number);
    if (attempt === undefined) return;
    this.#attempts.release(attempt);
    const nowMs = this.#owner.clock.now();
    this.#window.note(outcome.ranMs ?? nowMs - attempt.sinceMs);
    const next = this.#attempts.first;
    if (next !== undefined && !next.hasStarted) next.sinceMs = nowMs;
    const decoded = decode(outcome, attempt.worker);
    this.#settle(attempt, attempt.step === '' ? decoded : { ...stepOf(attempt), ...decoded });
    this.#owner.succeeded(attempt.kind);
    this.#owner.roomChanged(this);
  }

  returned(number: number): void {
    if (this.#attempts.confirmReturned(number)) return;
    const attempt = this.#attempts.get(number);
    if (attempt === undefined || attempt.hasStarted) return;
    this.#attempts.release(attempt);
    this.#owner.returned([attempt]);
    this.#owner.roomChanged(this);
  }

  lateError({ tasks, error }: LateError, worker: string = this.name): void {
    this.#owner.lateError(worker, tasks, decodeThrown(error, worker));
    if (worker === this.name) this.spoiled();
  }

  workerLost(worker: string, reason: string): void {
    this.#owner.workerLost(worker, reason);
  }

  workerGone(worker: string, reason: string): void {
    this.#owner.workerGone(worker, reason);
  }

  slotFailed(number: number, error: unknown): void {
    const attempt = this.#attempts.get(number);
    if (attempt === undefined || attempt.hasStarted) return;
    this.#attempts.release(attempt);
    this.#owner.slotFailed(attempt.kind, error);
    this.#owner.returned([attempt]);
  }

  spoiled(): void {
    this.#isRetired = true;
    this.reclaim();
    this.#owner.roomChanged(this);
  }

  mustEnd(cause: string): void {
    this.#killUnasked(cause);
  }

  violated(what: string): void {
    this.#readStartMarker(); // Attempts that have started by now count as started.
    this.#isDistrusted = true;
    this.#killUnasked(what);
  }

  disconnected(): void {
    if (this.#isAway || this.#isGone) return;
    this.#isAway = true;
    this.#owner.awayChanged();
  }

  reconnected(identity: 'same' | 'other'): void {
    if (!this.#isAway || this.#isGone) return;
    this.#isAway = false;
    if (identity === 'other') {
      const how = 'was replaced by another worker while it was out of reach';
      this.#owner.workerLost(this.name, how);
      this.#owner.workerGone(this.name, how);
      this.#loseAfterAbsence(how);
    }
    this.#owner.awayChanged();
    this.#owner.roomChanged(this);
  }

  lost(reason: string, fenced: PromiseLike<unknown>): void {
    if (this.#isLost || this.#isGone) return;
    this.#isLost = true;
    this.#isRetired = true;
    this.#owner.workerLost(this.name, reason);
    this.#reportGone(reason);
    // Until the worker is fenced, everything that was sent may start at any time: it must not run elsewhere.
    this.#presumeStarted();
    this.#loseAll(reason, () => ({ kind: 'lost', reason: `${this.name} ${reason}`, fenced }));
    const isFenced = (): void => this.gone(reason);
    fenced.then(isFenced, isFenced);
    this.#owner.awayChanged();
  }

  ending(number?: number): void {
    this.#cancelWatch();
    if (number === undefined) this.#isEnding = true;
    else this.#attempts.get(number)?.replaceEscalation(undefined);
  }

  gone(how: string): void {
    this.#ended.resolve();
    this.#conclude(how);
  }

  /** Settles everything that the worker had. */
  #conclude(how: string): void {
    if (this.#isGone) return;
    this.#readStartMarker();
    this.#isGone = true;
    this.#cancelWatch();
    if (!this.#isExpected && !this.#isLost) this.#owner.workerLost(this.name, how);
    this.#reportGone(this.#isExpected && !this.#isKilled ? 'was replaced' : how);
    if (this.#isAway && !this.#isLost) this.#loseAfterAbsence(how);
    else this.#loseAll(how, (attempt) => this.#outcomeAfterEnd(attempt, how));
    for (const settle of this.#afterGone.splice(0)) settle();
    this.#over.resolve();
    this.#owner.over(this, this.#isReady || this.#isExpected ? undefined : how);
  }

  // How attempts start and end.

  #start(attempt: Execution, worker: string = this.name): void {
    this.#attempts.start(attempt, worker, this.#owner.clock.now());
    // It started before it could be reclaimed: now it must be stopped.
    if (attempt.isStopping) this.#escalate(attempt);
  }

  /** A worker that got SIGTERM may be damaged: it is not used again, and the outcome waits until the worker is gone. */
  #settle(attempt: Execution, outcome: PoolOutcome): void {
    if (!this.#isTerminated || this.#isGone) {
      attempt.settle(outcome);
      return;
    }
    attempt.replaceEscalation(undefined);
    this.#afterGone.push(() => attempt.settle(outcome));
    void this.leave();
  }

  #loseAll(how: string, outcomeOf: (attempt: Execution) => PoolOutcome): void {
    const attempts = this.#attempts.releaseAll();
    const waiting = attempts.filter((each) => !each.hasStarted);
    for (const attempt of attempts) if (attempt.hasStarted) attempt.settle(outcomeOf(attempt));
    if (waiting.length > 0)
      this.#owner.returned(waiting, this.#isExpected || !this.#isReady ? undefined : how);
  }

  /** The worker was out of reach and is gone: attempts that it did not report as started may have run. */
  #loseAfterAbsence(how: string): void {
    const unknown = this.#presumeStarted();
    this.#loseAll(how, (attempt) =>
      unknown.has(attempt) && !attempt.isAborted
        ? { kind: 'lost', reason: `${this.name} ${how}`, ...attempt.output }
        : this.#outcomeAfterEnd(attempt, how),
    );
  }

  #presumeStarted(): ReadonlySet<Execution> {
    return this.#attempts.startAll(this.name, this.#owner.clock.now());
  }

  #outcomeAfterEnd(attempt: Execution, how: string): PoolOutcome {
    const output = this.#connection.lastOutput?.(attempt.number) ?? attempt.output;
    if (attempt.isAborted && this.#isAbandoned)
      return { kind: 'stopped', how: 'abandoned', settled: this.#ended.promise, ...output };
    return attempt.isAborted && this.#isExpected
      ? { kind: 'stopped', how: 'killed', ...output, ...stepOf(attempt) }
      : { kind: 'crashed', reason: `${this.name} ${how}`, ...output };
  }

  #escalate(attempt: Execution): void {
    const { graceClock, timeouts } = this.#owner;
    const steps = stepsFor(attempt, this.#connection, timeouts.stuckMs);
    attempt.replaceEscalation(escalate(graceClock, steps, (action) => this.#take(action, attempt)));
  }

  #take(action: Step['action'], attempt: Execution): void {
    if (this.#isGone || this.#isEnding) return;
    attempt.step = this.#connection.stepNames?.[action] ?? usualStepNames[action];
    switch (action) {
      case 'abort':
        this.#connection.abort(attempt.number, attempt.abortReason);
        break;
      case 'terminate':
        this.#isTerminated = true;
        this.#isRetired = true;
        this.#reportGone(`was ended, since ${attempt.assignment.path} did not stop when it was asked to`);
        this.#connection.terminate?.();
        break;
      case 'kill':
        this.#reportGone(`was ended by force, since ${attempt.assignment.path} did not end in time`);
        this.kill('did not end in time');
        break;
      case 'abandon':
        this.#abandon();
        break;
      default:
        action satisfies never;
    }
  }

  /**
   * Stops an attempt that has not started. A worker that does not answer is busy, and reads the request before it starts another one; over a network, the
   * request may not have arrived.
   */
  #withdraw(attempt: Execution): void {
    attempt.isStopping = true;
    this.#reclaimSent([attempt]);
    if (attempt.isOver) return;
    const afterMs = Math.min(attempt.assignment.graceMs, this.#owner.timeouts.answerMs);
    const giveUp = (): void => {
      this.#readStartMarker();
      if (attempt.hasStarted || !this.#attempts.wasSent(attempt)) return;
      if (this.isAway) {
        this.#start(attempt); // It may have started without being able to report it: it is stopped as if it had.
        return;
      }
      if (this.#connection.mayFallSilent) {
        attempt.replaceEscalation(this.#owner.clock.after(afterMs, giveUp));
        return;
      }
      this.#attempts.presumeReturned(attempt);
      attempt.return('stopped before it was started');
      this.#owner.roomChanged(this);
    };
    attempt.replaceEscalation(this.#owner.clock.after(afterMs, giveUp));
  }

  #reclaimSent(attempts: readonly Execution[]): void {
    const returned = this.#connection.reclaim?.(attempts.map(({ number }) => number));
    if (returned === undefined || returned.length === 0) return;
    const back = returned
      .flatMap((number) => this.#attempts.get(number) ?? [])
      .filter((each) => !each.hasStarted);
    for (const attempt of back) this.#attempts.release(attempt);
    this.#owner.returned(back);
    this.#owner.roomChanged(this);
  }

  /** Notes the attempts that the worker has started without being able to report it. */
  #readStartMarker(): void {
    if (!this.#attempts.hasUnstarted || this.#isGone || this.#isDistrusted) return;
    const upTo = this.#connection.startedUpTo?.() ?? -1;
    for (const attempt of this.#attempts.unstartedUpTo(upTo))
      if (this.#attempts.wasSent(attempt)) this.#start(attempt); // Stopping one of them may end the worker and release the others.
  }

  // How the worker ends.

  #killUnasked(cause: string): void {
    if (this.#isGone) return;
    this.#reportGone(`was ended by force: it ${cause}`);
    this.#end(cause);
  }

  /** Reports the end as early as it is known, so that the reason comes before the failures that the end causes. */
  #reportGone(how: string): void {
    if (this.#isReportedGone) return;
    this.#isReportedGone = true;
    this.#owner.workerGone(this.name, how);
  }

  #end(cause: string): void {
    this.#isRetired = true;
    if (this.#isKilled || this.#isGone) return;
    this.#isKilled = true;
    this.#watch(this.#owner.timeouts.stuckMs, () => this.#abandon());
    this.#connection.kill(cause);
  }

  /** The worker resists force. */
  #abandon(): void {
    if (this.#isGone || this.#isEnding) return;
    const how = 'cannot be ended; it was replaced, and may still do something';
    this.#owner.workerLost(this.name, how);
    this.#isExpected = true;
    this.#isAbandoned = true;
    this.#owner.abandoned(this.#ended.promise);
    this.#connection.abandon?.();
    this.#conclude(how);
  }

  #watch(afterMs: number, call: () => void): void {
    this.#cancelWatch();
    this.#cancelWatch = this.#owner.clock.after(afterMs, call);
  }
}

/** The step that ended it after its signal. */
function stepOf({ step }: Execution): { readonly step?: string } {
  return step === '' ? {} : { step };
}

/** The check of a worker's message cannot foresee everything, so decoding may still throw. */
function decode(outcome: OutcomeEnvelope, worker: string): PoolOutcome {
  try {
    return decodeOutcome(outcome, worker);
  } catch (error) {
    return { kind: 'threw', error };
  }
}
