/** Which running tasks are taking long, reported once for every further span of what is long for them. Knows no clock. */
import type { RunningAttempt, RunTask } from './model/run-task.ts';

/** A task that has become slow, or slow once more. */
export interface SlowTask {
  readonly task: RunTask;
  readonly running: RunningAttempt;
  /** The span that it passed: a multiple of what is long for it. */
  readonly passedMs: number;
}

interface Reported {
  readonly startedAtMs: number;
  readonly spans: number;
}

export class SlowWatch {
  readonly #defaultMs: number;
  readonly #reported = new WeakMap<RunTask, Reported>();

  /** `defaultMs` is what is long for tasks that say nothing of it. */
  constructor(defaultMs: number) {
    this.#defaultMs = defaultMs;
  }

  /** Those of the running tasks that have passed a further span since the last call. */
  due(tasks: Iterable<RunTask>, nowMs: number): SlowTask[] {
    const due: SlowTask[] = [];
    for (const task of tasks) {
      const slowAfterMs = task.facts.slowAfterMs ?? this.#defaultMs;
      const { running } = task;
      if (running === undefined || task.state !== 'running' || slowAfterMs <= 0) continue;
      const spans = Math.floor((nowMs - running.startedAtMs) / slowAfterMs);
      if (spans <= this.#reportedOf(task, running)) continue;
      this.#reported.set(task, { startedAtMs: running.startedAtMs, spans });
      due.push({ task, running, passedMs: spans * slowAfterMs });
    }
    return due;
  }

  /** Each attempt begins anew. */
  #reportedOf(task: RunTask, { startedAtMs }: RunningAttempt): number {
    const reported = this.#reported.get(task);
    return reported?.startedAtMs === startedAtMs ? reported.spans : 0;
  }
}
