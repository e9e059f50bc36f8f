/** What the results of a run came to so far: counts by verdict, time worked, and which tasks did not pass. */
import { isBad, type ReasonLink, type Verdict } from '@pexen/core';
import type { TaskResult } from './run-task.ts';

/** A task to be listed again at the end. */
export interface NotPassed {
  readonly path: string;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly durationMs: number;
}

/** The results so far, as JSON. */
export interface Totals {
  /** How many results have each verdict; verdicts that no result has are left out. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** The time all attempts took together. */
  readonly workMs: number;
  /** Bad verdicts and cancelled tasks, in the order of their ends; at most 200. */
  readonly notPassed: readonly NotPassed[];
  /** How many more there are. */
  readonly unlisted: number;
  /** How many tasks were skipped for what in the end: where their chains of reasons began. At most 200 reasons. */
  readonly skippedFor: readonly (readonly [reason: string, count: number])[];
}

/** Longer lists are for report files, which have every task. */
const MOST_LISTED = 200;

export class Tally {
  #workMs = 0;
  #unlisted = 0;
  readonly #verdicts: Partial<Record<Verdict, number>> = {};
  readonly #notPassed: NotPassed[] = [];
  readonly #skippedFor = new Map<string, number>();

  /** A task ended. */
  add(path: string, result: TaskResult): void {
    const { status, judgement, durationMs, reason } = result;
    const { verdict } = judgement;
    this.#workMs += durationMs;
    this.#verdicts[verdict] = (this.#verdicts[verdict] ?? 0) + 1;
    if (status === 'skipped') this.#skipped(rootOf(reason));
    if (status === 'skipped-itself') this.#skipped(judgement.reason);
    if (!isBad(verdict) && verdict !== 'cancelled') return;
    if (this.#notPassed.length >= MOST_LISTED) this.#unlisted++;
    else this.#notPassed.push({ path, verdict, reason: judgement.reason, durationMs });
  }

  totals(): Totals {
    return {
      ...{ verdicts: { ...this.#verdicts }, workMs: this.#workMs, unlisted: this.#unlisted },
      ...{ notPassed: [...this.#notPassed], skippedFor: [...this.#skippedFor] },
    };
  }

  #skipped(reason: string | undefined): void {
    if (reason === undefined) return;
    const before = this.#skippedFor.get(reason);
    if (before === undefined && this.#skippedFor.size >= MOST_LISTED) return;
    this.#skippedFor.set(reason, (before ?? 0) + 1);
  }
}

/** Where a chain of reasons began. */
function rootOf(reason: readonly ReasonLink[]): string | undefined {
  const root = reason.at(-1);
  if (root === undefined) return undefined;
  return reason.length === 1 ? root.why : `${root.task} ${root.why}`;
}
