/** What the terminal reporters do between events: the time of the run, slow tasks, and errors on a timer. */
import type { Clock } from '@pexen/core';
import type { RunningAttempt, RunTask } from './model/run-task.ts';

/** The time of a run between its events: its events say when they were, the clock says how long ago that is. */
export class RunTime {
  readonly #clock: Clock;
  #startedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the start of the run; 0 before its first event. */
  now(): number {
    return this.#startedAt === undefined ? 0 : this.#clock.now() - this.#startedAt;
  }

  /** An event was told; the run is at least as old as that. */
  saw(atMs: number): void {
    const startedAt = this.#clock.now() - atMs;
    this.#startedAt = Math.min(this.#startedAt ?? startedAt, startedAt);
  }
}

/** Which running tasks are taking long, reported once for every further span of what is long for them. Knows no clock. */
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

/** What reporters do by themselves, on a timer or when a window changes: nobody above them could catch what goes wrong there. */
/** Keeps the first error until somebody can be told. */
export class Guard {
  #failure: { readonly error: unknown } | undefined;

  /** Does it, unless something has gone wrong before. */
  attempt(action: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      action();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Throws what went wrong, if anything did. */
  tell(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
