/** What changed between another run and this one. Knows no browser. */
import type { Comparison } from './document.ts';
import { isBadCondition, looks } from './looks.ts';
import type { PageTask } from './page-run.ts';

/** A test that both runs have, and how long it took in each. */
interface Slower {
  readonly task: PageTask;
  readonly beforeMs: number;
  readonly nowMs: number;
}

/** The tests of each kind of change. */
export interface Differences {
  readonly newlyFailing: readonly PageTask[];
  readonly fixed: readonly PageTask[];
  readonly stillFailing: readonly PageTask[];
  readonly added: readonly PageTask[];
  /** Paths of tests that this run does not have. Empty where one of the two runs was of a part of the suite. */
  readonly gone: readonly string[];
  /** Slower by more than 30 % and by more than 50 ms; those that lost most first. */
  readonly slower: readonly Slower[];
}

const SLOWER = 1.3;
const NOTICEABLE = 50;

/** Compares the run with this one. */
export function differences({ tasks: before, run }: Comparison, tasks: readonly PageTask[]): Differences {
  const ended = tasks.filter(({ task }) => task.result !== undefined);
  const verdictBefore = ({ path }: PageTask) => before[path]?.[0];
  const wasBad = (each: PageTask) => {
    const verdict = verdictBefore(each);
    return verdict !== undefined && isBadCondition(verdict);
  };
  const bad = ended.filter(({ condition }) => isBadCondition(condition));
  const now = new Set(tasks.map(({ path }) => path));
  return {
    newlyFailing: bad.filter((each) => !wasBad(each) && verdictBefore(each) !== undefined),
    fixed: ended.filter((each) => wasBad(each) && looks[each.condition].tone === 'good'),
    stillFailing: bad.filter(wasBad),
    added: tasks.filter((each) => verdictBefore(each) === undefined),
    gone: run.isWhole ? Object.keys(before).filter((path) => !now.has(path)) : [],
    slower: slowerOf(before, ended),
  };
}

function slowerOf(before: Comparison['tasks'], ended: readonly PageTask[]): readonly Slower[] {
  return ended
    .flatMap((task) => {
      const beforeMs = before[task.path]?.[1];
      const nowMs = task.durationMs;
      if (beforeMs === undefined || nowMs === undefined) return [];
      return nowMs > beforeMs * SLOWER && nowMs > beforeMs + NOTICEABLE ? [{ task, beforeMs, nowMs }] : [];
    })
    .sort((one, other) => other.nowMs - other.beforeMs - (one.nowMs - one.beforeMs));
}
