/** The deadlines of attempts, counted from their real start, and the delays between attempts. */

import {
  type Alarm,
  BACKOFF,
  CLEANUP_TIMEOUT,
  IDLE,
  LOCKS,
  NODE_WAIT,
  OPENED,
  STOP_SERVICE,
  TIMEOUT,
} from './alarms.ts';
import { OPEN, OPENING } from './pools.ts';
import { CANCELLING, KILLING, type State } from './state.ts';
import { BACKING_OFF, CLEANING_UP, DONE, READY, RUNNING, TIMED_OUT } from './task-table.ts';

/** The longest duration of a cleanup, ms. */
const longestCleanupMs = 60_000;

/** A wait for a node that lasts so long is reported. */
const reportedAfterMs = 60_000;

export class Deadlines {
  readonly #state: State;
  /** The alarm that the driver was asked to set. */
  #setMs: number | undefined;
  /** The last signs of life of attempts with an idle timeout. */
  readonly #lastSigns = new Map<number, number>();

  /** How long adopted attempts had run when they were. */
  readonly #ran = new Map<number, number>();

  /** The partitions that no node can run now, and which wait of all that is. */
  readonly #waiting = new Map<number, number>();
  #waits = 0;

  constructor(state: State) {
    this.#state = state;
  }

  /** The attempt has started, so long ago if it was adopted: its deadlines count from there, and its silence from now. */
  watch(task: number, ranMs: number): void {
    const { alarms, nowMs, tasks, plan, stopping } = this.#state;
    const { timeoutMs, idleMs, graceMs } = plan.rulesOf(task);
    const attempt = tasks.attempt[task] as number;
    const isBrief = stopping >= CANCELLING;
    if (tasks.has(task, CLEANING_UP)) {
      const mostMs = isBrief ? Math.min(longestCleanupMs, graceMs) : longestCleanupMs;
      alarms.set(nowMs + mostMs, CLEANUP_TIMEOUT, task, attempt);
      return;
    }
    const leftMs = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - ranMs);
    const mostMs = isBrief ? Math.min(leftMs ?? graceMs, graceMs) : leftMs;
    if (ranMs > 0) this.#ran.set(task, ranMs);
    else if (this.#ran.size > 0) this.#ran.delete(task);
    if (mostMs !== undefined) alarms.set(nowMs + mostMs, TIMEOUT, task, attempt);
    if (idleMs === undefined) return;
    this.#lastSigns.delete(task);
    alarms.set(nowMs + idleMs, IDLE, task, attempt);
  }

  /** The last sign of life of the attempt was at `sinceMs`. */
  noteSignOfLife(task: number, attempt: number, sinceMs: number): void {
    if (this.#state.tasks.attempt[task] === attempt) this.#lastSigns.set(task, sinceMs);
  }

  /**
   * Handles the alarms that are due. Returns the pools that should have been opened, the services that should have been stopped, and the tasks that
   * should have got their locks of other runs by now.
   */
  ring(): {
    readonly pools: readonly number[];
    readonly services: readonly number[];
    readonly locks: readonly number[];
  } {
    this.#setMs = undefined;
    const { alarms, nowMs } = this.#state;
    const late = { pools: [] as number[], services: [] as number[], locks: [] as number[] };
    for (let alarm = alarms.take(nowMs); alarm !== undefined; alarm = alarms.take(nowMs)) {
      if (!this.#matters(alarm)) continue;
      if (alarm.kind === OPENED) late.pools.push(alarm.task);
      else if (alarm.kind === STOP_SERVICE) late.services.push(alarm.task);
      else if (alarm.kind === LOCKS) late.locks.push(alarm.task);
      else this.#due(alarm);
    }
    return late;
  }

  /** Asks for the next alarm, unless an earlier one is set already. */
  setAlarm(isEnding: boolean): void {
    const { alarms } = this.#state;
    if (alarms.size === 0 && this.#setMs === undefined) return;
    alarms.sweep((alarm) => this.#matters(alarm));
    const isOver = isEnding || this.#state.stopping === KILLING;
    const nextMs = isOver ? undefined : alarms.nextMs;
    if (nextMs === this.#setMs) return;
    if (!isOver && (nextMs === undefined || nextMs > (this.#setMs ?? Number.POSITIVE_INFINITY))) return;
    this.#setMs = nextMs;
    this.#state.emit({ type: 'set-alarm', atMs: nextMs });
  }

  /** Watches for tasks that no node can run: a wait that lasts is reported. */
  watchNodes(): void {
    const { partitions, alarms, nowMs, tasks } = this.#state;
    for (const { id, pool, queue, admits } of partitions) {
      if (pool.nodes === undefined) continue;
      const waits = pool.phase === OPEN && tasks.state[queue.peek()] === READY && !pool.nodes.has(admits);
      if (!waits) this.#waiting.delete(id);
      else if (!this.#waiting.has(id)) {
        this.#waiting.set(id, ++this.#waits);
        alarms.set(nowMs + reportedAfterMs, NODE_WAIT, id, this.#waits);
      }
    }
  }

  #reportWait(partition: number): void {
    const task = this.#state.partitions[partition]?.queue.peek() ?? -1;
    if (task >= 0) this.#state.emit({ type: 'report-wait', task });
  }

  #matters({ kind, task, attempt }: Alarm): boolean {
    const { tasks, pools, acrossRuns } = this.#state;
    if (kind === NODE_WAIT) return this.#waiting.get(task) === attempt;
    if (kind === OPENED) return pools[task]?.phase === OPENING && pools[task].openings === attempt;
    if (tasks.attempt[task] !== attempt) return false;
    if (kind === BACKOFF) return tasks.state[task] === BACKING_OFF;
    if (kind === STOP_SERVICE) return tasks.state[task] === RUNNING;
    if (kind === LOCKS) return acrossRuns.waitOf(task) !== undefined;
    return tasks.state[task] === RUNNING && tasks.has(task, CLEANING_UP) === (kind === CLEANUP_TIMEOUT);
  }

  #due({ kind, task, attempt, atMs }: Alarm): void {
    const { tasks } = this.#state;
    const sinceMs = tasks.since[task] as number;
    if (kind === NODE_WAIT) this.#reportWait(task);
    else if (kind === BACKOFF) this.#state.makeReady(task);
    else if (kind === IDLE) this.#checkSilence(task, attempt, sinceMs);
    else {
      const what = this.#state.isService(task) ? 'was not ready' : 'timed out';
      this.#stop(task, `${what} after ${span(atMs - sinceMs + (this.#ran.get(task) ?? 0))}`);
    }
  }

  #checkSilence(task: number, attempt: number, sinceMs: number): void {
    const { nowMs, alarms, plan } = this.#state;
    const { idleMs = 0 } = plan.rulesOf(task);
    const dueMs = Math.max(sinceMs, this.#lastSigns.get(task) ?? 0) + idleMs;
    if (dueMs > nowMs) alarms.set(dueMs, IDLE, task, attempt);
    else this.#stop(task, `no output or progress for ${span(idleMs)}`);
  }

  #stop(task: number, reason: string): void {
    stopAttempt(this.#state, task, TIMED_OUT, reason);
  }
}

/** While the run stops, the remaining tasks of a pool wait for its opening no longer than their own grace period. */
export function watchOpening(state: State, pool: number): void {
  const { tasks, plan, alarms, nowMs, pools } = state;
  let graceMs = 0;
  for (let task = 0; task < tasks.count; task++)
    if (plan.graph.pool[task] === pool && tasks.state[task] !== DONE)
      graceMs = Math.max(graceMs, plan.rulesOf(task).graceMs);
  alarms.set(nowMs + graceMs, OPENED, pool, pools[pool]?.openings ?? 0);
}

/** While the run stops, a task waits for other runs no longer than its grace period. */
export function watchLocks({ alarms, nowMs, plan, tasks }: State, task: number): void {
  alarms.set(nowMs + plan.rulesOf(task).graceMs, LOCKS, task, tasks.attempt[task] as number);
}

/** Asks the pool to stop the running attempt or cleanup of the task, once. */
export function stopAttempt(state: State, task: number, stop: number, reason: string): void {
  const { tasks } = state;
  if (tasks.stop[task] !== 0) return;
  state.requestStop(task, stop, reason);
  const part = tasks.has(task, CLEANING_UP) ? 'cleanup' : 'body';
  const why = stop === TIMED_OUT ? 'timed-out' : 'cancelled';
  const attempt = tasks.attempt[task] as number;
  state.emit({ type: 'stop-attempt', task, attempt, part, why, reason });
}

/** A duration as people read it: `6 s`, `250 ms`. */
function span(ms: number): string {
  const wholeMs = Math.round(ms);
  return wholeMs >= 1000 && wholeMs % 100 === 0 ? `${wholeMs / 1000} s` : `${wholeMs} ms`;
}
