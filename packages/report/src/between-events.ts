/** What the terminal reporters do between events: the time of the run, slow tasks, and errors on a timer. */
import type { Clock } from '@pexen/core';
import type { RunningAttempt, RunTask } from './model/run-task.ts';

/** The time of a run: an event has its own time, and the clock says how much passed since. */
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

  /** Notes the time of an event: the run is at least as old as that. */
  eventAt(atMs: number): void {
    const startedAt = this.#clock.now() - atMs;
    this.#startedAt = Math.min(this.#startedAt ?? startedAt, startedAt);
  }
}

/** A task that runs longer than one more span of its `slowAfter`, or longer than it ever did. */
export interface SlowTask {
  readonly task: RunTask;
  readonly running: RunningAttempt;
  /** The time that it exceeds: a multiple of its `slowAfter`, or the longest duration that is usual for it. */
  readonly passedMs: number;
  /** How long it usually takes; present where it is slow compared with that. */
  readonly usuallyMs?: number;
}

interface Reported {
  readonly startedAtMs: number;
  readonly passedMs: number;
}

/**
 * Finds slow tasks: each is reported once when it exceeds what is usual for it, if that is known, and once for every further span of its
 * `slowAfter`. Does not know a clock.
 */
export class SlowWatch {
  readonly #defaultMs: number;
  readonly #reported = new WeakMap<RunTask, Reported>();

  /** `defaultMs` is the `slowAfter` of tasks that have none. */
  constructor(defaultMs: number) {
    this.#defaultMs = defaultMs;
  }

  /** The running tasks and starting services that have exceeded a further span since the last call. */
  due(tasks: Iterable<RunTask>, nowMs: number): SlowTask[] {
    const due: SlowTask[] = [];
    for (const task of tasks) {
      const slowAfterMs = task.facts.slowAfterMs ?? this.#defaultMs;
      const { running } = task;
      if (running === undefined || !isTimed(task) || slowAfterMs <= 0) continue;
      const elapsedMs = nowMs - running.startedAtMs;
      const { unusualAfterMs = Infinity, weightMs } = task.facts;
      const ofSpans = Math.floor(elapsedMs / slowAfterMs) * slowAfterMs;
      const isUnusual = ofSpans === 0 && elapsedMs >= unusualAfterMs;
      const passedMs = isUnusual ? unusualAfterMs : ofSpans;
      if (passedMs <= this.#reportedOf(task, running)) continue;
      this.#reported.set(task, { startedAtMs: running.startedAtMs, passedMs });
      due.push({
        task,
        running,
        passedMs,
        ...(isUnusual && weightMs !== undefined && { usuallyMs: weightMs }),
      });
    }
    return due;
  }

  /** Each attempt counts from 0. */
  #reportedOf(task: RunTask, { startedAtMs }: RunningAttempt): number {
    const reported = this.#reported.get(task);
    return reported?.startedAtMs === startedAtMs ? reported.passedMs : 0;
  }
}

/** Does the time of its attempt count? That of a service does until it is ready. */
function isTimed({ state, service }: RunTask): boolean {
  return state === 'running' || service?.phase === 'starting';
}

/** Keeps the first error of work that no caller can catch (on a timer, on a resize), until `rethrow`. */
export class Guard {
  #failure: { readonly error: unknown } | undefined;

  /** Runs the action, unless an earlier one has failed. */
  attempt(action: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      action();
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Throws the first error, if there is one. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
