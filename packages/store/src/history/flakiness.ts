/**
 * How flaky a task is: how often it passed only after retries, or had another verdict than the run before although nothing that it is made of had
 * changed. Old runs count less.
 */
import { isBad, type Verdict } from '@pexen/core';

/** So many runs count, and after so many a run counts half. */
export const mostFlakyRuns = 50;
const halfLife = 20;
/** Without any run the score is 0.02, so that one bad day of a new task is not a verdict on it. */
const assumedEvents = 0.2;
const assumedRuns = 10;
/** A single event may have had any reason. */
const leastEvents = 2;

/** A run of a task, as far as its flakiness depends on it. */
export interface FlakyRun {
  readonly verdict: Verdict;
  /** Equal for equal code and inputs; absent where they are not known. */
  readonly digest?: string | undefined;
}

/** How flaky a task is. */
export interface Flakiness {
  /** About the share of its runs that are flaky, 0 to 1. */
  readonly score: number;
  /** How many of its runs were flaky. */
  readonly events: number;
}

/** The flakiness from these runs, the latest first; undefined where fewer than two were flaky. */
export function flakinessOf(latestFirst: readonly FlakyRun[]): Flakiness | undefined {
  const runs = latestFirst.filter(({ verdict }) => isDecisive(verdict)).slice(0, mostFlakyRuns);
  let events = 0;
  let weightOfEvents = 0;
  let weight = 0;
  runs.forEach((run, age) => {
    const counts = 2 ** (-age / halfLife);
    weight += counts;
    if (!isEvent(run, runs[age + 1])) return;
    events++;
    weightOfEvents += counts;
  });
  if (events < leastEvents) return undefined;
  return { score: (weightOfEvents + assumedEvents) / (weight + assumedRuns), events };
}

function isDecisive(verdict: Verdict): boolean {
  return verdict !== 'skip' && verdict !== 'cancelled';
}

function isEvent({ verdict, digest }: FlakyRun, before: FlakyRun | undefined): boolean {
  if (verdict === 'flaky') return true;
  if (before === undefined || digest === undefined || digest !== before.digest) return false;
  return isBad(verdict) !== isBad(before.verdict);
}
