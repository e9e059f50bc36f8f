/** How a task is now, in one word, and how each of these words looks: its mark, its tone, and what a number of them is called. Knows no colours. */
import type { Verdict } from '@pexen/core';
import type { TaskSnapshot } from '@pexen/report/model';

/** A verdict, or what a task without a result does. */
export type Condition = Verdict | 'waiting' | 'running' | 'retrying' | 'up' | 'not-run';

/** `good` is quiet, `bad` is not; `odd`: worth a look; `busy`: something happens; `idle`: nothing happens, or happened. */
export type Tone = 'good' | 'bad' | 'odd' | 'busy' | 'idle';

/** How a condition looks. The words are never left out: a mark or a colour alone says nothing to some. */
export interface Look {
  readonly mark: string;
  readonly word: string;
  /** As in `3 failed`; another form for one of them, as in `1 error`. */
  readonly counted: string;
  readonly countedOne?: string;
  readonly tone: Tone;
  /** What selects such tasks. */
  readonly query: string;
}

/** In the order in which counts are listed: what needs attention first. */
export const looks: Readonly<Record<Condition, Look>> = {
  fail: { mark: '✗', word: 'failed', counted: 'failed', tone: 'bad', query: 'status:fail' },
  error: {
    ...{ mark: '✗', word: 'error', counted: 'errors', countedOne: 'error' },
    ...{ tone: 'bad', query: 'status:error' },
  },
  timeout: { mark: '✗', word: 'timed out', counted: 'timed out', tone: 'bad', query: 'status:timeout' },
  crashed: { mark: '✗', word: 'crashed', counted: 'crashed', tone: 'bad', query: 'status:crashed' },
  cancelled: { mark: '⊘', word: 'cancelled', counted: 'cancelled', tone: 'odd', query: 'status:cancelled' },
  flaky: { mark: '≈', word: 'flaky', counted: 'flaky', tone: 'odd', query: 'status:flaky' },
  warn: { mark: '!', word: 'warnings', counted: 'with warnings', tone: 'odd', query: 'status:warn' },
  running: { mark: '▸', word: 'running', counted: 'running', tone: 'busy', query: 'status:not-run' },
  retrying: { mark: '↻', word: 'retrying', counted: 'retrying', tone: 'busy', query: 'status:not-run' },
  up: { mark: '▸', word: 'up', counted: 'services up', tone: 'busy', query: 'status:not-run' },
  waiting: { mark: '·', word: 'waiting', counted: 'waiting', tone: 'idle', query: 'status:not-run' },
  'not-run': { mark: '·', word: 'not run', counted: 'not run', tone: 'odd', query: 'status:not-run' },
  pass: { mark: '✓', word: 'passed', counted: 'passed', tone: 'good', query: 'status:pass' },
  'expected-fail': {
    ...{ mark: '✓', word: 'failed as expected', counted: 'failed as expected' },
    ...{ tone: 'good', query: 'status:expected-fail' },
  },
  skip: { mark: '↷', word: 'skipped', counted: 'skipped', tone: 'idle', query: 'status:skip' },
};

/** Every condition, in the order in which counts are listed. */
export const conditions: readonly Condition[] = Object.keys(looks) as Condition[];

/** `hasEnded`: the run is over, so that what waits will never run. */
export function conditionOf({ state, result }: TaskSnapshot, hasEnded: boolean): Condition {
  if (result !== undefined) return result.judgement.verdict;
  if (hasEnded) return 'not-run';
  return state === 'serving' ? 'up' : state === 'done' ? 'not-run' : state;
}

/** What so many of them are called, to follow the number. */
export function countedWord(condition: Condition, count: number): string {
  const { counted, countedOne = counted } = looks[condition];
  return count === 1 ? countedOne : counted;
}

/** True for conditions that fail the run. */
export function isBadCondition(condition: Condition): boolean {
  return looks[condition].tone === 'bad';
}

/** How many tasks are in each condition. */
export type Counts = Partial<Record<Condition, number>>;

/** Adds one to a count. */
export function countOne(counts: Counts, condition: Condition): void {
  counts[condition] = (counts[condition] ?? 0) + 1;
}

/** How many of them fail the run. */
export function badCount(counts: Counts): number {
  return conditions.reduce((sum, each) => sum + (isBadCondition(each) ? (counts[each] ?? 0) : 0), 0);
}
