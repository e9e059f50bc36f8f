/**
 * What becomes of a task when an attempt ends, or when it is clear that there will be none: the name of the outcome, what it means for others,
 * and whether there is another attempt.
 */
import { type AttemptRecord, defined, type Outcome, type PoolOutcome, type ResultStatus } from '@pexen/core';
import { CLEANS, EXEMPT } from '../plan/meta-flags.ts';
import type { Rules } from '../plan/rules.ts';
import { BACKOFF, GOING, KILLING, REQUIREMENT, STOPPED, type State } from './state.ts';
import {
  BACKING_OFF,
  BAD,
  CLEANING_UP,
  DISPATCHED,
  DONE,
  ENROLLED,
  PROVIDED,
  RETAINS_LOCKS,
  SLOW,
  TIMED_OUT,
  WAITING,
} from './task-table.ts';

/** Statuses as the table keeps them. */
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

/** An attempt that crashed or was lost is made again at most until there were so many. */
const mostReruns = 3;

const returned: Outcome = Object.freeze({ kind: 'returned', locksOk: true });

/**
 * The name of the outcome. `stop` is why the machine stopped the attempt, if it did: what comes after a signal is never called
 * returned. `not-started` has no name, it is no attempt.
 */
function nameOutcome(outcome: PoolOutcome, stop: number, reason: string): Outcome {
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
  const locksOk = endedItself(outcome);
  const told = outcome.step === undefined ? reason : `${reason}; ${outcome.step}`;
  return { kind, reason: told, locksOk, ...(error !== undefined && { error }), ...cleanupAfter(outcome) };
}

function cleanupAfter(outcome: PoolOutcome): Pick<Outcome, 'wantsCleanup'> {
  return outcome.kind === 'failed' && outcome.wantsCleanup === true ? { wantsCleanup: true } : {};
}

/** The body may still run. */
export function isAbandoned(outcome: PoolOutcome): boolean {
  return outcome.kind === 'stopped' && outcome.how === 'abandoned';
}

/** After a signal: did the body end in an orderly way? */
function endedItself(outcome: PoolOutcome): boolean {
  if (outcome.kind === 'failed') return outcome.locksOk;
  if (outcome.kind === 'threw') return outcome.locksOk ?? false;
  if (outcome.kind === 'stopped') return outcome.how === 'aborted';
  return ['returned', 'skipped-itself', 'not-started'].includes(outcome.kind);
}

/** Does what the task provides count as given? */
function gives(outcome: Outcome): boolean {
  return outcome.kind === 'returned' || (outcome.kind === 'failed' && outcome.depsOk === true);
}

const harmless: ReadonlySet<ResultStatus> = new Set(['skipped', 'skipped-itself', 'cancelled']);

/** Is that an end for which salvages are there? */
function isBad(status: ResultStatus): boolean {
  return status !== 'returned' && !harmless.has(status);
}

/** Does the cleanup of the metadata run after it? Not where the body itself took care of how it ended, nor beside a body that still runs. */
function wantsCleanup({ kind, locksOk, abandoned, wantsCleanup = false }: Outcome): boolean {
  if (abandoned) return false;
  return wantsCleanup || (!locksOk && kind !== 'failed' && kind !== 'lost');
}

/** May there be another attempt after this one, its number being `attempt`? */
function mayRetry({ kind, abandoned }: Outcome, attempt: number, { retries, rerunnable }: Rules): boolean {
  if (abandoned) return false; // two bodies would hold the same
  switch (kind) {
    case 'failed':
    case 'threw':
    case 'timed-out':
    case 'crashed':
      return attempt <= retries.count;
    case 'lost':
      return rerunnable && attempt < mostReruns;
    default:
      return false;
  }
}

/** How long to wait before the next attempt, ms. The same task and attempt always wait the same. */
function retryDelay({ retries }: Rules, task: number, attempt: number): number {
  const { delay, factor, maxDelay, jitter } = retries;
  const full = Math.min(maxDelay, delay * factor ** (attempt - 1));
  return full * (1 - jitter * chance(task, attempt));
}

/** A number from 0 up to 1 out of the two. */
function chance(task: number, attempt: number): number {
  let hash = Math.imul(task + 1, 0x9e3779b1) ^ Math.imul(attempt, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000;
}

/** A pool that gives an attempt back so often in a row has lost it. */
const mostReturns = 100;

/** Settles attempts: records them, runs cleanups, decides on retries, and closes tasks. */
export class AttemptLifecycle {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** An attempt that was handed out is settled. */
  settle(task: number, outcome: PoolOutcome): void {
    const { tasks, stopping, alarms } = this.#state;
    const isGivenBack = outcome.kind === 'not-started' && this.#isGivenBack(task);
    if (isGivenBack && stopping !== GOING) alarms.drop(task); // its number is used again
    if (tasks.has(task, CLEANING_UP)) {
      if (isGivenBack && tasks.stop[task] === 0) this.#cleanUp(task);
      else {
        if (isAbandoned(outcome)) this.#abandonCleanup(task);
        this.#cleanedUp(task, outcome.kind === 'returned');
      }
    } else if (isGivenBack) this.#giveBack(task);
    else this.#ended(task, outcome);
  }

  /** The body of an abandoned attempt has ended at last: what it held is in an unknown state. */
  abandonedSettled(task: number, attempt: number): void {
    const { abandoned, tasks, locks } = this.#state;
    if (tasks.attempt[task] !== attempt || !abandoned.delete(task)) return;
    this.#state.isStale = true;
    if (!locks.isHolding(task)) return;
    this.#state.hasPoisoned = true;
    locks.releasePoisoned(task);
  }

  /** The task gets no (further) attempt, because the run stops. */
  giveUp(task: number): void {
    const last = this.#state.tasks.records[task]?.at(-1);
    if (last === undefined) this.skip(task, STOPPED, -1, -1);
    else this.#finish(task, last.outcome);
  }

  skip(task: number, cause: number, subject: number, culprit: number): void {
    const { skips, stopping } = this.#state;
    const isStopped = stopping !== GOING && cause === REQUIREMENT;
    const blamed = isStopped ? -1 : culprit;
    const origin = skips.get(blamed)?.origin ?? -1;
    const why = isStopped ? STOPPED : cause;
    skips.set(task, { cause: why, subject, culprit: blamed, origin: origin < 0 ? blamed : origin });
    this.#state.withdraw(task);
    this.#close(task, 'skipped');
  }

  #isGivenBack(task: number): boolean {
    const { tasks } = this.#state;
    if (tasks.state[task] !== DISPATCHED) return false;
    const times = (tasks.returned[task] as number) + 1;
    tasks.returned[task] = times;
    return times < mostReturns;
  }

  /** It was not begun: no attempt was used. */
  #giveBack(task: number): void {
    const { tasks, plan, gates, locks } = this.#state;
    this.#freePlace(task);
    tasks.attempt[task] = (tasks.attempt[task] as number) - 1;
    const isStopped = tasks.stop[task] !== 0 || this.#state.isForbidden(task);
    tasks.stop[task] = 0;
    if (tasks.has(task, RETAINS_LOCKS)) locks.releaseAmounts(task);
    else if (tasks.has(task, ENROLLED)) locks.release(task);
    if (isStopped) {
      this.giveUp(task);
      return;
    }
    const hasBegun = tasks.attempt[task] !== 0;
    if (hasBegun) this.#state.retrying++;
    const closed = hasBegun || plan.graph.waits.in.first(task) === 0 ? 0 : gates.countClosed(task);
    if (closed === 0) this.#state.makeReady(task);
    else {
      this.#state.move(task, WAITING);
      tasks.blockers[task] = closed;
    }
  }

  #ended(task: number, outcome: PoolOutcome): void {
    const { tasks, plan, stopping } = this.#state;
    const named = nameOutcome(outcome, tasks.stop[task] as number, this.#state.stopReasons.get(task) ?? '');
    this.#record(task, named, outcome);
    if (named.kind === 'returned') tasks.value[task] = (outcome as { readonly value: unknown }).value;
    tasks.returned[task] = 0;
    tasks.stop[task] = 0;
    if (this.#state.is(task, CLEANS) && stopping !== KILLING && wantsCleanup(named)) this.#cleanUp(task);
    else this.#decide(task, named, mayRetry(named, tasks.attempt[task] as number, plan.rulesOf(task)));
  }

  #record(task: number, outcome: Outcome, { stdout, stderr, ranMs }: PoolOutcome): void {
    const { tasks, plan, nowMs } = this.#state;
    const sinceMs = tasks.since[task] as number;
    const durationMs = ranMs ?? nowMs - sinceMs;
    const startedAtMs = Math.min(sinceMs, nowMs - durationMs);
    const attempt = tasks.attempt[task] as number;
    const worker = tasks.worker[task] ?? '';
    const record: AttemptRecord = { attempt, outcome, worker, startedAtMs, durationMs };
    if ((stdout ?? stderr) !== undefined) Object.assign(record, defined({ stdout, stderr }));
    const records = tasks.records[task];
    if (records === undefined) tasks.records[task] = [record];
    else records.push(record);
    if (durationMs > plan.rulesOf(task).slowAfterMs) tasks.set(task, SLOW);
  }

  /** Runs the cleanup in the place that the attempt had. */
  #cleanUp(task: number): void {
    const { tasks, nowMs, out } = this.#state;
    tasks.set(task, CLEANING_UP);
    this.#state.move(task, DISPATCHED);
    tasks.since[task] = nowMs;
    const attempt = tasks.attempt[task] as number;
    out.push({ type: 'start-attempt', task, attempt, part: 'cleanup', pool: this.#state.poolOf(task).id });
  }

  #cleanedUp(task: number, hasCleanedUp: boolean): void {
    const { tasks, plan } = this.#state;
    tasks.unset(task, CLEANING_UP);
    tasks.stop[task] = 0;
    const { outcome } = (tasks.records[task] as AttemptRecord[]).at(-1) as AttemptRecord;
    const again = hasCleanedUp && mayRetry(outcome, tasks.attempt[task] as number, plan.rulesOf(task));
    this.#decide(task, { ...outcome, locksOk: hasCleanedUp }, again);
  }

  /** The attempt before it was the last one, and its body has ended; that of the cleanup may still run. */
  #abandonCleanup(task: number): void {
    const records = this.#state.tasks.records[task] as AttemptRecord[];
    const last = records.pop() as AttemptRecord;
    records.push({ ...last, outcome: { ...last.outcome, locksOk: false, abandoned: true } });
  }

  /** Another attempt, or the end. */
  #decide(task: number, outcome: Outcome, mayRetry: boolean): void {
    const { plan, tasks, nowMs, stopping } = this.#state;
    this.#freePlace(task);
    const again = mayRetry && stopping === GOING;
    const retryInMs = again ? retryDelay(plan.rulesOf(task), task, tasks.attempt[task] as number) : undefined;
    if (this.#state.announces()) this.#state.tell({ type: 'attempt-ended', atMs: nowMs, task, retryInMs });
    if (retryInMs === undefined) this.#finish(task, outcome);
    else this.#backOff(task, retryInMs);
  }

  #backOff(task: number, delayMs: number): void {
    const { tasks, locks, alarms, nowMs } = this.#state;
    if (tasks.has(task, ENROLLED)) {
      tasks.set(task, RETAINS_LOCKS);
      locks.releaseAmounts(task);
    }
    this.#state.retrying++;
    this.#state.move(task, BACKING_OFF);
    if (delayMs > 0) alarms.set(nowMs + delayMs, BACKOFF, task, tasks.attempt[task] as number);
    else this.#state.makeReady(task);
  }

  #finish(task: number, outcome: Outcome): void {
    const { tasks, plan, locks } = this.#state;
    if (gives(outcome)) tasks.set(task, PROVIDED);
    if (isBad(outcome.kind)) tasks.set(task, BAD);
    if (outcome.abandoned) this.#state.abandoned.add(task);
    else if (tasks.has(task, ENROLLED)) {
      this.#state.withdraw(task);
      if (locks.isHolding(task)) {
        const demand = plan.demand[task] as number;
        if (demand >= 0 && outcome.kind === 'returned' && this.#state.is(task, EXEMPT))
          locks.clearPoison(demand);
        if (outcome.locksOk) locks.release(task);
        else {
          this.#state.hasPoisoned = true;
          locks.releasePoisoned(task);
        }
      }
    }
    this.#close(task, outcome.kind);
  }

  #close(task: number, status: ResultStatus): void {
    const { tasks, gates, results, nowMs } = this.#state;
    if (tasks.attempt[task] !== 0 && !tasks.isOut(task)) this.#state.retrying--;
    this.#state.move(task, DONE);
    tasks.status[task] = STATUSES.indexOf(status);
    this.#state.remaining--;
    this.#state.poolOf(task).remaining--;
    this.#state.isStale = true;
    results.push(task);
    if (status !== 'skipped') this.#state.poolOf(task).unread++;
    gates.ended(task);
    if (!this.#state.announces()) return;
    this.#state.tell({ type: status === 'skipped' ? 'task-skipped' : 'task-finished', atMs: nowMs, task });
  }

  #freePlace(task: number): void {
    const pool = this.#state.poolOf(task);
    pool.dispatched--;
    this.#state.dispatched--;
    this.#state.isStale = true;
  }
}
