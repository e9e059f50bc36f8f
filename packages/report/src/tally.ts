/** What a run came to so far: counts by verdict, time worked, and which tasks did not pass. Knows nothing of how it is shown. */
import {
  isBad,
  type ReasonLink,
  type RunEvent,
  type TaskFinished,
  type TaskSkipped,
  type Verdict,
} from '@pexen/core';
import { verdictOf } from './verdict.ts';

/** A task to be listed again at the end. */
export interface NotPassed {
  readonly path: string;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly durationMs: number;
}

/** Nobody reads more; the report files have them all. */
const MOST_LISTED = 200;

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
  /** Errors that surfaced after their bodies had ended. */
  lateErrors = 0;
  hasEnded = false;
  /** Bad verdicts and cancelled tasks, in the order of their ends; no more than `MOST_LISTED`. */
  readonly notPassed: NotPassed[] = [];
  /** How many more there are. */
  unlisted = 0;
  /** How many were skipped for what in the end: where their chains of reasons began. */
  readonly skippedFor: Map<string, number> = new Map<string, number>();
  readonly #counts = new Map<Verdict, number>();

  event(event: RunEvent): void {
    this.atMs = Math.max(this.atMs, event.atMs);
    switch (event.type) {
      case 'tasks-added':
        this.tasks += event.tasks.length;
        return;
      case 'task-finished':
        this.#result(event, event.durationMs);
        if (event.status === 'skipped-itself') this.#skipped(verdictOf(event).reason);
        return;
      case 'task-skipped':
        this.#result(event, 0);
        this.#skipped(rootOf(event.reason));
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
      case 'late-error':
        this.lateErrors++;
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
    if (!isBad(verdict) && verdict !== 'cancelled') return;
    if (this.notPassed.length >= MOST_LISTED) this.unlisted++;
    else this.notPassed.push({ path: event.path, verdict, reason, durationMs });
  }

  #skipped(reason: string | undefined): void {
    if (reason === undefined) return;
    const before = this.skippedFor.get(reason);
    if (before === undefined && this.skippedFor.size >= MOST_LISTED) return;
    this.skippedFor.set(reason, (before ?? 0) + 1);
  }
}

/** Where a chain of reasons began. */
function rootOf(reason: readonly ReasonLink[]): string | undefined {
  const root = reason.at(-1);
  if (root === undefined) return undefined;
  return reason.length === 1 ? root.why : `${root.task} ${root.why}`;
}
