/**
 * The end of an attempt, or of a task that gets none: names the outcome, applies it to the locks and the dependents, and decides on another
 * attempt.
 */
import {
  type AttemptRecord,
  defined,
  type Outcome,
  type PoolOutcome,
  type RecalledResult,
  type RecalledSkip,
  type RecalledStart,
  type ResultStatus,
  tornDownBy,
} from '@pexen/core';
import { CLEANS, EXEMPT, type Rules } from '../plan/metadata.ts';
import { BACKOFF } from './alarms.ts';
import type { MachineEvent } from './protocol.ts';
import type { PendingResults } from './results.ts';
import { GOING, KILLING, RECALLED, REQUIREMENT, STOPPED, type State } from './state.ts';
import {
  BACKING_OFF,
  BAD,
  CLEANING_UP,
  DISPATCHED,
  DONE,
  ENROLLED,
  PARKED,
  PROVIDED,
  RETAINS_LOCKS,
  SLOW,
  STARTED,
  TIMED_OUT,
  UNNEEDED,
} from './task-table.ts';

type AttemptEndedEvent = Extract<MachineEvent, { readonly type: 'attempt-ended' }>;

/** The statuses, by the numbers in the task table. */
export const STATUSES: readonly ResultStatus[] = [
  'skipped',
  'returned',
  'failed',
  'threw',
  'skipped-itself',
  'timed-out',
  'cancelled',
  'crashed',
  'lost',
];

/** An attempt that was lost is repeated until the task has had so many. */
const mostRepeats = 3;

const cannotReboot = 'the task asks for a reboot of the machine, and this run cannot go on after one';

const returned: Outcome = Object.freeze({ kind: 'returned', locksOk: true });

/**
 * Names the outcome. `stop` is why the machine stopped the attempt, if it did: an outcome after a stop request is never named returned.
 * `not-started` has no name, because there was no attempt.
 */
export function nameOutcome(outcome: PoolOutcome, stop: number, reason: string): Outcome {
  if (stop !== 0 && outcome.kind !== 'lost') return nameStopped(outcome, stop, reason);
  switch (outcome.kind) {
    case 'returned':
      return returned;
    case 'failed': {
      const { error, depsOk, locksOk } = outcome;
      return { kind: 'failed', error, depsOk, locksOk, ...cleanupAfter(outcome) };
    }
    case 'threw':
      return { kind: 'threw', error: outcome.error, locksOk: outcome.locksOk ?? false };
    case 'skipped-itself':
      return { kind: 'skipped-itself', reason: outcome.reason, locksOk: true };
    case 'reboot-asked':
      return { kind: 'threw', error: new Error(cannotReboot), locksOk: true };
    case 'stopped':
      return {
        kind: 'crashed',
        reason: `was ${outcome.how} by the pool without a stop request`,
        locksOk: false,
        ...(isAbandoned(outcome) && { abandoned: true }),
      };
    case 'crashed':
    case 'lost':
    case 'not-started':
      return {
        kind: outcome.kind === 'lost' ? 'lost' : 'crashed',
        reason: outcome.reason,
        locksOk: false,
      };
    default:
      return outcome satisfies never;
  }
}

function nameStopped(outcome: PoolOutcome, stop: number, reason: string): Outcome {
  const kind = stop === TIMED_OUT ? 'timed-out' : 'cancelled';
  if (isAbandoned(outcome))
    return {
      kind,
      reason: `${reason}; its body did not end and was abandoned`,
      locksOk: false,
      abandoned: true,
    };
  const { error } = outcome as { readonly error?: unknown };
  const locksOk = endedOrderly(outcome);
  const reported = outcome.step === undefined ? reason : `${reason}; ${outcome.step}`;
  return { kind, reason: reported, locksOk, ...(error !== undefined && { error }), ...cleanupAfter(outcome) };
}

function cleanupAfter(outcome: PoolOutcome): Pick<Outcome, 'wantsCleanup'> {
  return outcome.kind === 'failed' && outcome.wantsCleanup === true ? { wantsCleanup: true } : {};
}

/** True if the body may still run. */
export function isAbandoned(outcome: PoolOutcome): boolean {
  return outcome.kind === 'stopped' && outcome.how === 'abandoned';
}

/** True if the body ended in an orderly way after a stop request. */
function endedOrderly(outcome: PoolOutcome): boolean {
  if (outcome.kind === 'failed') return outcome.locksOk;
  if (outcome.kind === 'threw') return outcome.locksOk ?? false;
  if (outcome.kind === 'stopped') return outcome.how === 'aborted';
  return ['returned', 'skipped-itself', 'reboot-asked', 'not-started'].includes(outcome.kind);
}

/** True if the task has provided its capabilities. */
function hasProvided(outcome: Outcome): boolean {
  return outcome.kind === 'returned' || (outcome.kind === 'failed' && outcome.depsOk === true);
}

const harmless: ReadonlySet<ResultStatus> = new Set(['skipped', 'skipped-itself', 'cancelled']);

/** True if the status is one that salvages wait for. */
function isBad(status: ResultStatus): boolean {
  return status !== 'returned' && !harmless.has(status);
}

/** True if the cleanup of the metadata must run: not if the body itself reported how it ended, nor while the body may still run. */
function wantsCleanup({ kind, locksOk, abandoned, wantsCleanup = false }: Outcome): boolean {
  if (abandoned) return false;
  return wantsCleanup || (!locksOk && kind !== 'failed' && kind !== 'lost');
}

/** True if there may be another attempt after this one. `attempt` is its number. */
export function mayRetry(
  { kind, abandoned }: Outcome,
  attempt: number,
  { retries, rerunnable }: Rules,
): boolean {
  if (abandoned) return false; // two bodies would hold the same resources
  switch (kind) {
    case 'failed':
    case 'threw':
    case 'timed-out':
    case 'crashed':
      return attempt <= retries.count;
    case 'lost':
      return rerunnable && attempt < mostRepeats;
    default:
      return false;
  }
}

/** True if only the stop of the run prevented another attempt after the last one. A cleanup that failed prevents it, too. */
export function isCutShort(state: State, task: number): boolean {
  const { tasks, plan, stopping } = state;
  const last = tasks.recordsOf(task).at(-1);
  if (stopping === GOING || last === undefined) return false;
  const { outcome, attempt } = last;
  return mayRetry(outcome, attempt, plan.rulesOf(task)) && (outcome.locksOk || !state.is(task, CLEANS));
}

/** The delay before the next attempt, ms. It is always the same for the same task and attempt. */
function retryDelay({ retries }: Rules, task: number, attempt: number): number {
  const { delay, factor, maxDelay, jitter } = retries;
  const full = Math.min(maxDelay, delay * factor ** (attempt - 1));
  return full * (1 - jitter * pseudoRandom(task, attempt));
}

/** A number from 0 up to 1, computed from the two. */
function pseudoRandom(task: number, attempt: number): number {
  let hash = Math.imul(task + 1, 0x9e3779b1) ^ Math.imul(attempt, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** An attempt that the pool returns unstarted so often in a row is lost. */
const mostReturns = 100;

/** Settles attempts: records them, runs cleanups, decides on retries, and closes tasks. */
export class AttemptLifecycle {
  readonly #state: State;
  readonly #results: PendingResults;
  /** Tasks that are being cleaned up after an attempt that was interrupted in an earlier session. */
  readonly #resumed = new Map<number, RecalledStart>();

  constructor(state: State, results: PendingResults) {
    this.#state = state;
    this.#results = results;
  }

  /** The pool has settled an attempt that was dispatched. */
  settle(task: number, outcome: PoolOutcome): void {
    const { tasks, stopping, alarms } = this.#state;
    const isReturned = outcome.kind === 'not-started' && this.isReturned(task);
    if (isReturned && stopping !== GOING) alarms.drop(task); // the number of the attempt is used again
    if (tasks.has(task, CLEANING_UP)) {
      if (isReturned && tasks.stop[task] === 0 && !this.#isNodeGone(task)) this.#cleanUp(task);
      else {
        // The recorded attempt was the last one, and its body has ended; the body of the cleanup may still run.
        const isLeft = isAbandoned(outcome);
        if (isLeft && !this.#resumed.has(task))
          tasks.amendLastOutcome(task, { locksOk: false, abandoned: true });
        this.#cleanedUp(task, outcome.kind === 'returned', isLeft);
      }
    } else if (isReturned) this.unstarted(task);
    else this.#ended(task, outcome);
  }

  /** The body of an abandoned attempt has ended. What it claimed is in an unknown state. */
  abandonedSettled(task: number, attempt: number): void {
    const { tasks, locks } = this.#state;
    if (tasks.attempt[task] !== attempt || !this.#state.abandonedEnded(task)) return;
    if (locks.isHolding(task)) this.#state.releasePoisoned(task);
  }

  /** The task gets no further attempt, because the run stops. */
  giveUp(task: number): void {
    const last = this.#state.tasks.recordsOf(task).at(-1);
    if (last === undefined || !this.#state.tasks.hasStarted(task)) this.skip(task, STOPPED, -1, -1);
    else this.finish(task, last.outcome);
  }

  /** The task ended in an earlier session, and its result stands. */
  recall({ task, status, attempts, value, provides, locksOk, slow }: RecalledResult): void {
    const { tasks, plan, locks, conditions, recalled } = this.#state;
    recalled.takeResultOf(task);
    for (const record of attempts) tasks.record(task, record);
    tasks.setValue(task, value);
    if (attempts.length > 0) tasks.set(task, STARTED);
    if (attempts.length > 0 && this.#state.is(task, EXEMPT))
      for (const tornDown of tornDownBy(plan.metaOf(task)))
        conditions.withdraw(plan.builder.conditionOf(tornDown));
    if (slow) tasks.set(task, SLOW);
    if (provides) tasks.set(task, PROVIDED);
    if (isBad(status)) tasks.set(task, BAD);
    const request = plan.request[task] as number;
    if (request >= 0 && status === 'returned' && this.#state.is(task, EXEMPT)) locks.clearPoison(request);
    if (request >= 0 && !locksOk) this.#state.poison(request, task);
    this.#close(task, status);
  }

  /** The task was skipped in an earlier session, and stays so. */
  recallSkip({ task, reason }: RecalledSkip): void {
    this.#state.recalled.takeResultOf(task);
    this.#state.recordSkip(task, { why: RECALLED, subject: -1, cause: -1, origin: -1, reason });
    this.#close(task, 'skipped');
  }

  /**
   * The task was dispatched, and an attempt of it was interrupted in an earlier session: cleans up after that, in the place of the attempt. Then
   * its body starts, or the interrupted attempt counts as crashed.
   */
  resume(task: number, start: RecalledStart): void {
    this.#resumed.set(task, start);
    if (start.cleansUp && this.#state.is(task, CLEANS)) this.#cleanUp(task);
    else this.#goOn(task, true);
  }

  /** The place of an interrupted attempt is clean, or is not. `isLeft`: the body of its cleanup may still run. */
  #goOn(task: number, isClean: boolean, isLeft = false): void {
    const { tasks, stopping, plan } = this.#state;
    const { crashed } = this.#resumed.get(task) as RecalledStart;
    this.#resumed.delete(task);
    const attempt = tasks.attempt[task] as number;
    if (crashed === undefined && isClean && stopping === GOING) {
      tasks.dispatchedAgain(task, this.#state.nowMs);
      this.#state.emitStart(task, attempt, 'body');
      return;
    }
    if (crashed === undefined && stopping !== GOING) {
      this.#leave(task, isClean, isLeft);
      return;
    }
    const reason = crashed ?? 'was interrupted, and its cleanup failed';
    const locksOk = isClean && this.#state.is(task, CLEANS);
    const named: Outcome = { kind: 'crashed', reason, locksOk, ...(isLeft && { abandoned: true }) };
    this.#record(task, named, { kind: 'crashed', reason });
    tasks.attemptEnded(task);
    const again = crashed !== undefined && isClean && mayRetry(named, attempt, plan.rulesOf(task));
    this.decide(task, named, again);
  }

  /** The run stops before the interrupted task starts again: it stays unfinished. */
  #leave(task: number, isClean: boolean, isLeft: boolean): void {
    const { tasks, locks } = this.#state;
    if (isLeft) this.#state.abandon(task);
    else tasks.undoAttempt(task);
    if (tasks.has(task, ENROLLED) && !isLeft) {
      if (isClean) locks.release(task);
      else this.#state.releasePoisoned(task);
    }
    this.skip(task, STOPPED, -1, -1);
  }

  /**
   * A task that was interrupted in an earlier session never gets its turn: it ends as its attempts did. False where none has ended, and where
   * the run stops and a later session may retry it. Without a cleanup, what it used and claimed is in an unknown state, and its result says so.
   */
  #endsUnstarted(task: number, why: number): boolean {
    const { tasks, plan, nowMs: startedAtMs } = this.#state;
    const { attempts, crashed, cleansUp, endsWith } = this.#state.recalled.startOf(task) ?? {};
    if (attempts === undefined) return false;
    const request = plan.request[task] as number;
    const isUnclean = request >= 0 && cleansUp && why !== STOPPED;
    if (isUnclean) this.#state.poison(request, task);
    if (crashed !== undefined) {
      const attempt = attempts.length + 1;
      const outcome: Outcome = { kind: 'crashed', reason: crashed, locksOk: false };
      if (why === STOPPED && mayRetry(outcome, attempt, plan.rulesOf(task))) return false;
      tasks.record(task, { attempt, outcome, worker: '', startedAtMs, durationMs: 0 });
    } else if (why === STOPPED) return false;
    else if (endsWith !== undefined) tasks.record(task, endsWith);
    const last = tasks.recordsOf(task).at(-1)?.outcome;
    if (last === undefined) return false;
    if (isUnclean) tasks.amendLastOutcome(task, { locksOk: false });
    if (isBad(last.kind)) tasks.set(task, BAD);
    this.#state.withdraw(task);
    if (request >= 0 && !last.locksOk) this.#state.poison(request, task);
    this.#close(task, last.kind);
    return true;
  }

  /** Skips the task. `why`, `subject` and `cause` are those of `Skip`. */
  skip(task: number, why: number, subject: number, cause: number): void {
    if (this.#state.recalled.hasResultOf(task) || this.#endsUnstarted(task, why)) return;
    const isStopped = this.#state.stopping !== GOING && why === REQUIREMENT;
    const known = isStopped ? -1 : cause;
    const first = this.#state.skipOf(known)?.origin ?? -1;
    const origin = first < 0 ? known : first;
    this.#state.recordSkip(task, { why: isStopped ? STOPPED : why, subject, cause: known, origin });
    this.#state.withdraw(task);
    this.#close(task, 'skipped');
  }

  /** The pool returned the attempt unstarted, and may do so again. */
  isReturned(task: number): boolean {
    const { tasks } = this.#state;
    return tasks.state[task] === DISPATCHED && tasks.countReturn(task) < mostReturns;
  }

  /** The pool has returned the attempt unstarted, or the task waits for other runs: the number of the attempt is used again. */
  unstarted(task: number): void {
    const { tasks, plan, conditions, locks, lostBases } = this.#state;
    const stop = tasks.stop[task];
    const isStopped = (stop !== 0 && stop !== UNNEEDED) || this.#state.isForbidden(task);
    if (lostBases.size > 0) lostBases.delete(task);
    tasks.undoAttempt(task);
    if (tasks.has(task, RETAINS_LOCKS)) locks.releaseAmounts(task);
    else if (tasks.has(task, ENROLLED)) {
      locks.release(task);
      this.#state.unbind(task);
    }
    if (isStopped) {
      this.giveUp(task);
      return;
    }
    const waitsAgain = !tasks.hasStarted(task) || this.#state.mustWaitAgain(task);
    const hasConditions = waitsAgain && plan.graph.waits.in.first(task) !== 0;
    if (hasConditions && conditions.countUnfulfilled(task) > 0) this.#state.waitAgain(task);
    else if (this.#state.acrossRuns.waitOf(task) !== undefined) this.#state.move(task, PARKED);
    else {
      if (this.#state.acrossRuns.isAsked(task)) this.#state.releaseLocks(task);
      this.#state.makeReady(task);
    }
  }

  #ended(task: number, outcome: PoolOutcome): void {
    const { tasks, plan, stopping } = this.#state;
    const named = nameOutcome(outcome, tasks.stop[task] as number, this.#state.stopReasonOf(task) ?? '');
    this.record(task, named, outcome);
    const cleans = this.#state.is(task, CLEANS) && stopping !== KILLING && wantsCleanup(named);
    if (cleans && !this.#isNodeGone(task)) this.#cleanUp(task);
    else if (cleans) this.decide(task, named, false);
    else this.decide(task, named, mayRetry(named, tasks.attempt[task] as number, plan.rulesOf(task)));
  }

  /** The attempt has ended in this way: keeps its record and its value. */
  record(task: number, outcome: Outcome, by: PoolOutcome, readyAfterMs?: number): void {
    const { tasks } = this.#state;
    this.#record(task, outcome, by, readyAfterMs);
    if (outcome.kind === 'returned') tasks.setValue(task, (by as { readonly value?: unknown }).value);
    tasks.attemptEnded(task);
  }

  #record(
    task: number,
    outcome: Outcome,
    { stdout, stderr, ranMs }: PoolOutcome,
    readyAfterMs?: number,
  ): void {
    const { tasks, plan, nowMs } = this.#state;
    const sinceMs = tasks.since[task] as number;
    const durationMs = ranMs ?? nowMs - sinceMs;
    const startedAtMs = Math.min(sinceMs, nowMs - durationMs);
    const attempt = tasks.attempt[task] as number;
    const worker = tasks.workerOf(task) ?? '';
    const record: AttemptRecord = { attempt, outcome, worker, startedAtMs, durationMs };
    if ((stdout ?? stderr ?? readyAfterMs) !== undefined)
      Object.assign(record, defined({ readyAfterMs, stdout, stderr }));
    tasks.record(task, record);
    if (durationMs > plan.rulesOf(task).slowAfterMs && !this.#state.isService(task)) tasks.set(task, SLOW);
  }

  /** The node of the attempt is gone: a cleanup elsewhere would clean up nothing. */
  #isNodeGone(task: number): boolean {
    return this.#state.nodeOf(task)?.hasLeft === true;
  }

  /** Runs the cleanup in the place of the attempt. */
  #cleanUp(task: number): void {
    const { tasks, nowMs } = this.#state;
    this.#state.move(task, DISPATCHED);
    tasks.startCleanup(task, nowMs);
    const attempt = tasks.attempt[task] as number;
    this.#state.emitStart(task, attempt, 'cleanup');
  }

  #cleanedUp(task: number, hasCleanedUp: boolean, isLeft: boolean): void {
    const { tasks, plan } = this.#state;
    tasks.cleanupEnded(task);
    if (this.#resumed.has(task)) {
      this.#state.move(task, DISPATCHED);
      this.#goOn(task, hasCleanedUp, isLeft);
      return;
    }
    tasks.amendLastOutcome(task, { locksOk: hasCleanedUp });
    const { outcome } = tasks.recordsOf(task).at(-1) as AttemptRecord;
    const again = hasCleanedUp && mayRetry(outcome, tasks.attempt[task] as number, plan.rulesOf(task));
    this.decide(task, outcome, again);
  }

  /** Starts the delay of another attempt, or finishes the task. */
  decide(task: number, outcome: Outcome, mayRetry: boolean): void {
    const { plan, tasks, stopping } = this.#state;
    const again = mayRetry && stopping === GOING;
    const retryInMs = again ? retryDelay(plan.rulesOf(task), task, tasks.attempt[task] as number) : undefined;
    this.publishEnd(task, { retryInMs });
    if (retryInMs === undefined) this.finish(task, outcome);
    else this.#backOff(task, retryInMs);
  }

  publishEnd(task: number, how: Pick<AttemptEndedEvent, 'retryInMs' | 'died' | 'startsAgain'>): void {
    const { nowMs } = this.#state;
    if (this.#state.nextEvent()) this.#state.publish({ type: 'attempt-ended', atMs: nowMs, task, ...how });
  }

  #backOff(task: number, delayMs: number): void {
    const { tasks, locks, alarms, nowMs } = this.#state;
    if (tasks.has(task, ENROLLED)) {
      tasks.set(task, RETAINS_LOCKS);
      locks.releaseAmounts(task);
      if (this.#isNodeGone(task)) this.#state.unbind(task);
    }
    if (this.#state.mustWaitAgain(task)) {
      this.#state.waitAgain(task);
      return;
    }
    this.#state.move(task, BACKING_OFF);
    if (delayMs > 0) alarms.set(nowMs + delayMs, BACKOFF, task, tasks.attempt[task] as number);
    else this.#state.makeReady(task);
  }

  /** The task is over, and ended in this way. A service provides only while it is up, and a task nothing that was built on a service that is down. */
  finish(task: number, outcome: Outcome): void {
    const { tasks, locks, lostBases } = this.#state;
    const isLost = lostBases.size > 0 && lostBases.has(task);
    if (hasProvided(outcome) && !isLost && !this.#state.isService(task)) tasks.set(task, PROVIDED);
    if (isBad(outcome.kind)) tasks.set(task, BAD);
    if (outcome.abandoned) this.#state.abandon(task);
    else if (tasks.has(task, ENROLLED)) {
      this.#state.withdraw(task);
      if (locks.isHolding(task)) {
        const request = this.#state.requestOf(task);
        if (request >= 0 && outcome.kind === 'returned' && this.#state.is(task, EXEMPT))
          locks.clearPoison(request);
        if (outcome.locksOk) locks.release(task);
        else this.#state.releasePoisoned(task);
      }
    }
    this.#close(task, outcome.kind);
  }

  #close(task: number, status: ResultStatus): void {
    const { tasks, conditions, recalled, nowMs, plan } = this.#state;
    this.#state.move(task, DONE);
    tasks.setStatus(task, STATUSES.indexOf(status));
    this.#results.add(task);
    if (plan.instances.size > 0 && plan.instances.has(task)) this.#state.instancesEnded.push(task);
    conditions.ended(task);
    if (recalled.hasGuards) conditions.released.push(...recalled.ended(task));
    if (!this.#state.nextEvent()) return;
    const type = status === 'skipped' ? 'task-skipped' : 'task-finished';
    this.#state.publish({ type, atMs: nowMs, task });
  }
}
