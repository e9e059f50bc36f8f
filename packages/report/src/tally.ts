/** What a run came to so far: counts by verdict, time worked, and which tasks did not pass. Knows nothing of how it is shown. */
import type { RunEvent, TaskFinished, TaskSkipped, Verdict } from '@pexen/core';
import { isBad, verdictOf } from './verdict.ts';

/** A task to be listed again at the end. */
export interface NotPassed {
  readonly path: string;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly durationMs: number;
}

/** Fed with the events of one run. */
export class Tally {
  /** Tasks known so far. */
  tasks = 0;
  /** Tasks that have a result. */
  done = 0;
  /** The time all attempts took together. */
  workMs = 0;
  /** The latest moment an event told of. */
  atMs = 0;
  /** Why the run ended before its end, where it did. */
  endReason: string | undefined;
  poisoned: readonly string[] = [];
  hasEnded = false;
  /** Bad verdicts and cancelled tasks, in the order of their ends. */
  readonly notPassed: NotPassed[] = [];
  readonly #counts = new Map<Verdict, number>();

  event(event: RunEvent): void {
    this.atMs = Math.max(this.atMs, event.atMs);
    switch (event.type) {
      case 'tasks-added':
        this.tasks += event.tasks.length;
        return;
      case 'task-finished':
        this.#result(event, event.durationMs);
        return;
      case 'task-skipped':
        this.#result(event, 0);
        return;
      case 'run-ended':
        this.hasEnded = true;
        this.endReason = event.reason;
        this.poisoned = event.poisoned;
        return;
      case 'run-started':
      case 'task-started':
      case 'attempt-ended':
      case 'worker-lost':
        return;
      default:
        event satisfies never;
    }
  }

  /** How many results have this verdict. */
  count(verdict: Verdict): number {
    return this.#counts.get(verdict) ?? 0;
  }

  #result(event: TaskFinished | TaskSkipped, durationMs: number): void {
    const { verdict, reason } = verdictOf(event);
    this.done++;
    this.tasks = Math.max(this.tasks, this.done);
    this.workMs += durationMs;
    this.#counts.set(verdict, this.count(verdict) + 1);
    if (isBad(verdict) || verdict === 'cancelled') {
      this.notPassed.push({ path: event.path, verdict, reason, durationMs });
    }
  }
}
