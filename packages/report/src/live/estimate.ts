/** How far a run is and how long it may still take, from expected and measured durations. Knows nothing of how it is shown. */
import type { RunEvent } from '@pexen/core';
import type { RunningTask } from '../running.ts';

/** What an unmeasured task is taken for as long as nothing at all was measured, ms. */
const UNKNOWN = 1000;
/** A task that runs longer than expected is not done for that. */
const NEARLY = 0.95;
/** Before this, ms, and before this many results, there is nothing to go by. */
const TOO_EARLY = 2000;
const TOO_FEW = 3;

/** Fed with the events of one run. Work is counted in milliseconds of tasks. */
export class Estimate {
  readonly #weights = new Map<string, number>();
  readonly #measured = { open: 0, done: 0 };
  readonly #unmeasured = { open: 0, done: 0, doneMs: 0 };

  event(event: RunEvent): void {
    switch (event.type) {
      case 'tasks-added':
        for (const { path, weightMs } of event.tasks) this.#add(path, weightMs);
        return;
      case 'task-finished':
        this.#close(event.path, event.durationMs);
        return;
      case 'task-skipped':
        this.#close(event.path, undefined);
        return;
      case 'run-started':
      case 'task-started':
      case 'attempt-ended':
      case 'worker-lost':
      case 'late-error':
      case 'run-ended':
        return;
      default:
        event satisfies never;
    }
  }

  /** What a task may take: what was said, else what the others took on average, ms. */
  expectedMs(task: RunningTask): number {
    return task.expectedMs ?? this.#average();
  }

  /** The share of the work that is done, 0 to 1; what runs counts as far as it seems to be. */
  fraction(nowMs: number, running: readonly RunningTask[]): number {
    const done = this.#done();
    const all = done + this.#open();
    return all === 0 ? 0 : Math.min(1, (done + this.#underway(nowMs, running)) / all);
  }

  /** The time it may still take, at the pace so far; undefined while there is too little to go by. */
  remainingMs(nowMs: number, running: readonly RunningTask[]): number | undefined {
    const results = this.#unmeasured.done + (this.#measured.done > 0 ? TOO_FEW : 0);
    if (nowMs < TOO_EARLY || results < TOO_FEW) return undefined;
    const underway = this.#underway(nowMs, running);
    const pace = (this.#done() + underway) / nowMs;
    if (pace <= 0) return undefined;
    const longest = Math.max(0, ...running.map((task) => this.expectedMs(task) - (nowMs - task.sinceMs)));
    return Math.max(longest, (this.#open() - underway) / pace);
  }

  #add(path: string, weightMs: number | undefined): void {
    if (weightMs === undefined) {
      this.#unmeasured.open++;
      return;
    }
    this.#weights.set(path, weightMs);
    this.#measured.open += weightMs;
  }

  /** Without a duration it was skipped: then it was no work. */
  #close(path: string, durationMs: number | undefined): void {
    const weight = this.#weights.get(path);
    this.#weights.delete(path);
    if (weight === undefined) {
      this.#unmeasured.open--;
      if (durationMs === undefined) return;
      this.#unmeasured.done++;
      this.#unmeasured.doneMs += durationMs;
      return;
    }
    this.#measured.open -= weight;
    if (durationMs !== undefined) this.#measured.done += weight;
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

  #underway(nowMs: number, running: readonly RunningTask[]): number {
    return running.reduce((sum, task) => {
      const expected = this.expectedMs(task);
      return sum + expected * Math.min(NEARLY, shareOf(task, (nowMs - task.sinceMs) / Math.max(1, expected)));
    }, 0);
  }
}

/** How far a task says it is, else how far its time would have it. */
function shareOf({ progress }: RunningTask, byTime: number): number {
  if (progress?.total === undefined || progress.total <= 0) return Math.max(0, byTime);
  return Math.min(1, Math.max(0, progress.done / progress.total));
}
