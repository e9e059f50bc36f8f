/** How far a run is and how long it may still take, from expected and measured durations. Work is counted in milliseconds of tasks. */
import type { RunTask } from './run-task.ts';

/** What an unmeasured task is taken for as long as nothing at all was measured, ms. */
const UNKNOWN = 1000;
/** A task that runs longer than expected is not done for that. */
const NEARLY = 0.95;
/** Before this, ms, and before this many results, there is nothing to go by. */
const TOO_EARLY = 2000;
const TOO_FEW = 3;

export class Work {
  readonly #measured = { open: 0, done: 0 };
  readonly #unmeasured = { open: 0, done: 0, doneMs: 0 };

  /** A task was added. `weightMs` is how long it is expected to take, if that is known. */
  add(weightMs: number | undefined): void {
    if (weightMs === undefined) this.#unmeasured.open++;
    else this.#measured.open += weightMs;
  }

  /** A task ended after so many milliseconds; undefined for one that was skipped: that was no work. */
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

  /** The share of the work that is done, 0 to 1; what runs counts as far as it seems to be. */
  fraction(nowMs: number, running: Iterable<RunTask>): number {
    const done = this.#done();
    const all = done + this.#open();
    return all === 0 ? 0 : Math.min(1, (done + this.#underway(nowMs, running)) / all);
  }

  /** The time it may still take, at the pace so far; undefined while there is too little to go by. */
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

  /** What a task may take: what was said, else what the others took on average, ms. */
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
      sum += expected * Math.min(NEARLY, shareOf(task, (nowMs - since(task)) / Math.max(1, expected)));
    }
    return sum;
  }
}

function since({ running, sinceMs }: RunTask): number {
  return running?.startedAtMs ?? sinceMs;
}

/** How far a task says it is, else how far its time would have it. */
function shareOf({ running }: RunTask, byTime: number): number {
  const progress = running?.progress;
  if (progress?.total === undefined || progress.total <= 0) return Math.max(0, byTime);
  return Math.min(1, Math.max(0, progress.done / progress.total));
}
