/** What becomes of a task when an attempt ends, or when it is clear that there will be none. */

import { type AttemptRecord, defined, type Outcome, type PoolOutcome, type ResultStatus } from '@pexen/core';
import { CLEANS, EXEMPT } from '../plan/stated.ts';
import { BACKOFF } from './alarms.ts';
import {
  gives,
  isAbandoned,
  isBad,
  mayRetry,
  nameOutcome,
  retryDelay,
  STATUSES,
  wantsCleanup,
} from './outcomes.ts';
import { REQUIREMENT, STOPPED } from './skips.ts';
import { GOING, KILLING, type State } from './state.ts';
import {
  BACKING_OFF,
  BAD,
  DISPATCHED,
  DONE,
  ENROLLED,
  GAVE,
  KEEPS,
  SLOW,
  TIDYING,
  WAITING,
} from './task-table.ts';

/** A pool that gives an attempt back so often in a row has lost it. */
const mostReturns = 100;

export class Ending {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** An attempt that was handed out is settled. */
  settle(task: number, outcome: PoolOutcome): void {
    const { tasks, stopping, alarms } = this.#state;
    const isGivenBack = outcome.kind === 'not-started' && this.#isGivenBack(task);
    if (isGivenBack && stopping !== GOING) alarms.drop(task); // its number is used again
    if (tasks.has(task, TIDYING)) {
      if (isGivenBack && tasks.stop[task] === 0) this.#tidy(task);
      else {
        if (isAbandoned(outcome)) this.#abandonCleanup(task);
        this.#tidied(task, outcome.kind === 'returned');
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
    if (tasks.has(task, KEEPS)) locks.releaseAmounts(task);
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
    if (this.#state.is(task, CLEANS) && stopping !== KILLING && wantsCleanup(named)) this.#tidy(task);
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
  #tidy(task: number): void {
    const { tasks, nowMs, out } = this.#state;
    tasks.set(task, TIDYING);
    this.#state.move(task, DISPATCHED);
    tasks.since[task] = nowMs;
    const attempt = tasks.attempt[task] as number;
    out.push({ type: 'start-attempt', task, attempt, part: 'cleanup', pool: this.#state.poolOf(task).id });
  }

  #tidied(task: number, isTidy: boolean): void {
    const { tasks, plan } = this.#state;
    tasks.unset(task, TIDYING);
    tasks.stop[task] = 0;
    const { outcome } = (tasks.records[task] as AttemptRecord[]).at(-1) as AttemptRecord;
    const again = isTidy && mayRetry(outcome, tasks.attempt[task] as number, plan.rulesOf(task));
    this.#decide(task, { ...outcome, locksOk: isTidy }, again);
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
      tasks.set(task, KEEPS);
      locks.releaseAmounts(task);
    }
    this.#state.retrying++;
    this.#state.move(task, BACKING_OFF);
    if (delayMs > 0) alarms.set(nowMs + delayMs, BACKOFF, task, tasks.attempt[task] as number);
    else this.#state.makeReady(task);
  }

  #finish(task: number, outcome: Outcome): void {
    const { tasks, plan, locks } = this.#state;
    if (gives(outcome)) tasks.set(task, GAVE);
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
