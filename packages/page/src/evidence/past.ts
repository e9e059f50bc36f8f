/** What the history of a suite says for a page: earlier runs, how tasks ended in them, and the run to compare with. */
import type { Verdict } from '@pexen/core';
import type { RunFacts } from '@pexen/report';
import type { History, HistoryRun } from '@pexen/store';
import { type Comparison, type PageHistory, type PastRun, verdictLetters } from '../data/document.ts';

/** So many runs are in the rows of tasks, and in the list of runs. */
const MOST_LETTERS = 30;
const MOST_RUNS = 200;

/** What is read of a history. */
export type ReadHistory = Pick<History, 'runs' | 'samplesIn' | 'samplesOf'>;

/** The run that is shown. */
export type ShownRun = Pick<RunFacts, 'id' | 'startedAt'>;

/** All runs, the latest first. */
export function pastRuns(history: ReadHistory): readonly PastRun[] {
  return history.runs().slice(0, MOST_RUNS).map(pastRun);
}

/** How these tasks ended in the runs before the one that is shown. Undefined where there are none. */
export function historyBefore(
  history: ReadHistory,
  shown: ShownRun,
  paths: readonly string[],
): PageHistory | undefined {
  const all = history.runs();
  const before = runsBefore(all, shown);
  const runs = before.slice(0, MOST_LETTERS).reverse();
  if (runs.length === 0) return undefined;
  const places = new Map(runs.map(({ id }, at) => [id, at]));
  const tasks: Record<string, string> = Object.create(null);
  // The latest samples of a task may be those of later runs.
  const most = MOST_LETTERS + all.length - before.length;
  for (const [path, samples] of history.samplesOf(paths, most)) {
    const letters = Array.from({ length: runs.length }, () => '.');
    for (const { run, verdict } of samples) {
      const at = places.get(run);
      if (at !== undefined) letters[at] = verdictLetters[verdict];
    }
    if (letters.some((letter) => letter !== '.')) tasks[path] = letters.join('');
  }
  return { runs: runs.map(({ id, startedAtMs: startedAt }) => ({ id, startedAt })), tasks };
}

/**
 * How the tasks of another run ended, to compare with. `id`: of that run; without it, the last run of the whole suite before the one that is shown,
 * else the last one. Undefined where there is none.
 */
export function comparison(history: ReadHistory, shown: ShownRun, id?: string): Comparison | undefined {
  const all = history.runs();
  const before = runsBefore(all, shown);
  const run =
    id === undefined
      ? (before.find(({ isWhole }) => isWhole) ?? before[0])
      : all.find((each) => each.id === id && id !== shown.id);
  if (run === undefined) return undefined;
  const tasks: Record<string, readonly [Verdict, number?]> = Object.create(null);
  for (const { path, verdict, ranMs, tookMs = ranMs } of history.samplesIn(run.id))
    tasks[path] = tookMs === undefined ? [verdict] : [verdict, tookMs];
  return { run: pastRun(run), tasks };
}

/** The latest first. */
function runsBefore(runs: readonly HistoryRun[], { id, startedAt = Infinity }: ShownRun): HistoryRun[] {
  return runs.filter((run) => run.id !== id && run.startedAtMs <= startedAt);
}

function pastRun({
  id,
  startedAtMs: startedAt,
  durationMs: wallMs,
  exitCode,
  shard,
  isWhole,
}: HistoryRun): PastRun {
  return {
    ...{ id, startedAt, wallMs, isWhole },
    ...(exitCode !== undefined && { exitCode }),
    ...(shard !== undefined && { shard }),
  };
}
