/** Estimates how far a run is and how long it will take, from expected and measured durations. Estimate is counted in milliseconds of tasks. */
import type { RunTask } from './run-task.ts';

/** The assumed duration of a task as long as none has been measured, ms. */
const UNKNOWN = 1000;
/** A task that runs longer than expected counts as this share of its expected duration. */
const NEARLY_DONE = 0.95;
/** There is no estimate before this, ms, and before this many results. */
const TOO_EARLY = 2000;
const TOO_FEW = 3;

export class Estimate {
  readonly #measured = { open: 0, done: 0 };
  readonly #unmeasured = { open: 0, done: 0, doneMs: 0 };

  /** Adds a task. `weightMs` is its expected duration, if that is known. */
  add(weightMs: number | undefined): void {
    if (weightMs === undefined) this.#unmeasured.open++;
    else this.#measured.open += weightMs;
  }

  /** Counts a task as done. `durationMs` is undefined for a skipped task and for a recalled result, which were not work. */
  close(weightMs: number | undefined, durationMs: number | undefined): void {
    if (weightMs !== undefined) {
      this.#measured.open -= weightMs;
      if (durationMs !== undefined) this.#measured.done += weightMs;
      return;
    }
    this.#unmeasured.open--;
    if (durationMs === undefined) return;
    this.#unmeasured.done++;
    this.#unmeasured.doneMs += durationMs;
  }

  /** The share of the work that is done, 0 to 1, with an estimate for the running tasks. */
  fraction(nowMs: number, running: Iterable<RunTask>): number {
    const done = this.#done();
    const all = done + this.#open();
    return all === 0 ? 0 : Math.min(1, (done + this.#underway(nowMs, running)) / all);
  }

  /** The remaining time at the pace so far; undefined while too little is known. */
  remainingMs(nowMs: number, running: Iterable<RunTask>): number | undefined {
    const results = this.#unmeasured.done + (this.#measured.done > 0 ? TOO_FEW : 0);
    if (nowMs < TOO_EARLY || results < TOO_FEW) return undefined;
    const underway = this.#underway(nowMs, running);
    const pace = (this.#done() + underway) / nowMs;
    if (pace <= 0) return undefined;
    let longest = 0;
    for (const task of running) longest = Math.max(longest, this.#expectedMs(task) - (nowMs - since(task)));
    return Math.max(longest, (this.#open() - underway) / pace);
  }

  /** The expected duration of a task: its own, else the average of the others, ms. */
  #expectedMs({ facts }: RunTask): number {
    return facts.weightMs ?? this.#average();
  }

  #average(): number {
    const { done, doneMs } = this.#unmeasured;
    return done === 0 ? UNKNOWN : doneMs / done;
  }

  #done(): number {
    return this.#measured.done + this.#unmeasured.doneMs;
  }

  #open(): number {
    return Math.max(0, this.#measured.open) + Math.max(0, this.#unmeasured.open) * this.#average();
  }

  #underway(nowMs: number, running: Iterable<RunTask>): number {
    let sum = 0;
    for (const task of running) {
      const expected = this.#expectedMs(task);
      sum += expected * Math.min(NEARLY_DONE, shareOf(task, (nowMs - since(task)) / Math.max(1, expected)));
    }
    return sum;
  }
}

function since({ running, sinceMs }: RunTask): number {
  return running?.startedAtMs ?? sinceMs;
}

/** The progress that the task reports, else an estimate by its time. */
function shareOf({ running }: RunTask, byTime: number): number {
  const progress = running?.progress;
  if (progress?.total === undefined || progress.total <= 0) return Math.max(0, byTime);
  return Math.min(1, Math.max(0, progress.done / progress.total));
}
