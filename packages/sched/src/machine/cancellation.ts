/** Drains, cancels and kills a run: decides which attempts are stopped, which tasks are given up, and which may still run. */

import { CLEANUP_TIMEOUT, STOP_SERVICE, TIMEOUT } from './alarms.ts';
import type { AttemptLifecycle } from './attempts.ts';
import { stopAttempt, watchLocks, watchOpening } from './deadlines.ts';
import { OPENING } from './pools.ts';
import { CANCELLING, DRAINING, KILLING, type State } from './state.ts';
import { CANCELLED, CLEANING_UP, DONE, PROVIDED } from './task-table.ts';

export class Cancellation {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;

  constructor(state: State, ending: AttemptLifecycle) {
    this.#state = state;
    this.#attempts = ending;
  }

  /** No further starts. What has started may end. */
  drain(reason: string): void {
    this.#stop(DRAINING, reason);
  }

  cancel(reason: string, how: 'cancel' | 'kill'): void {
    this.#stop(how === 'kill' ? KILLING : CANCELLING, reason);
  }

  /** The pool could not be opened: its tasks can never start, and the run is cancelled. */
  poolFailed(pool: number, reason: string): void {
    this.#stop(CANCELLING, reason);
    const { tasks, plan } = this.#state;
    for (let task = 0; task < tasks.count; task++)
      if (plan.graph.pool[task] === pool && tasks.state[task] !== DONE) this.#attempts.giveUp(task);
  }

  #stop(level: number, reason: string): void {
    if (!this.#state.stop(level, reason)) return;
    const { tasks, acrossRuns } = this.#state;
    for (let task = 0; task < tasks.count; task++) {
      if (tasks.state[task] === DONE) continue;
      if (tasks.isOut(task)) this.#stopRunning(task, level, reason);
      else if (this.#state.isForbidden(task) && !this.#state.executions.has(task))
        this.#attempts.giveUp(task);
      else if (acrossRuns.waitOf(task) !== undefined && level === CANCELLING) watchLocks(this.#state, task);
    }
    if (level === DRAINING) this.#reclaim();
    if (level === CANCELLING)
      for (const { id, phase } of this.#state.pools) if (phase === OPENING) watchOpening(this.#state, id);
  }

  /** Only the pools know which attempts have started by now. Teardowns and cleanups that are returned unstarted are dispatched again. */
  #reclaim(): void {
    for (const { id, dispatched } of this.#state.pools)
      if (dispatched > 0) this.#state.emit({ type: 'reclaim', pool: id });
  }

  /** Teardowns, cleanups, and services that are up may go on for their grace period, unless the run is killed. */
  #stopRunning(task: number, level: number, reason: string): void {
    if (level === DRAINING) return;
    const isCleaningUp = this.#state.tasks.has(task, CLEANING_UP);
    const isUp = this.#state.tasks.has(task, PROVIDED);
    if (level === KILLING || (!isCleaningUp && !isUp && !this.#state.isTeardown(task))) {
      stopAttempt(this.#state, task, CANCELLED, reason);
      return;
    }
    const { graceMs } = this.#state.plan.rulesOf(task);
    const attempt = this.#state.tasks.attempt[task] as number;
    const kind = isUp ? STOP_SERVICE : isCleaningUp ? CLEANUP_TIMEOUT : TIMEOUT;
    this.#state.alarms.set(this.#state.nowMs + graceMs, kind, task, attempt);
  }
}
