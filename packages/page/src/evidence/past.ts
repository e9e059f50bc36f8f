/** What the history of a suite says for a page: earlier runs, how tasks ended in them, and the run to compare with. */
import type { Verdict } from '@pexen/core';
import type { History, HistoryRun, SampleOfRun } from '@pexen/store';
import { type Comparison, type PageHistory, type PastRun, verdictLetters } from '../data/document.ts';

/** So many runs are in the rows of tasks, and in the list of runs. */
const MOST_LETTERS = 30;
const MOST_RUNS = 200;

/** What is read of a history. */
export type ReadHistory = Pick<History, 'runs' | 'samplesOf'>;

/** Earlier runs, the latest first. */
export function pastRuns(history: ReadHistory): readonly PastRun[] {
  return history.runs().slice(0, MOST_RUNS).map(pastRun);
}

/** The runs before the present one, as rows of letters for these tasks, and the one to compare with: the last one of the whole suite, else the last. */
export class Past {
  readonly #samples: ReadonlyMap<string, readonly SampleOfRun[]>;
  readonly #runs: readonly HistoryRun[];

  /** `present`: the id of the run that is shown. */
  constructor(history: ReadHistory, paths: readonly string[], present: string | undefined) {
    this.#runs = history.runs().filter(({ id }) => id !== present);
    this.#samples = history.samplesOf(paths, MOST_LETTERS + 1);
  }

  /** Undefined where there are no earlier runs. */
  history(): PageHistory | undefined {
    const runs = this.#runs.slice(0, MOST_LETTERS).reverse();
    if (runs.length === 0) return undefined;
    const places = new Map(runs.map(({ id }, at) => [id, at]));
    const tasks: Record<string, string> = Object.create(null);
    for (const [path, samples] of this.#samples) {
      const letters = Array.from({ length: runs.length }, () => '.');
      for (const { run, verdict } of samples) {
        const at = places.get(run);
        if (at !== undefined) letters[at] = verdictLetters[verdict];
      }
      if (letters.some((letter) => letter !== '.')) tasks[path] = letters.join('');
    }
    return { runs: runs.map(({ id, startedAtMs: startedAt }) => ({ id, startedAt })), tasks };
  }

  /** `id`: that run; undefined where it is not known. */
  comparison(id?: string): Comparison | undefined {
    const run =
      id === undefined
        ? (this.#runs.find(({ isWhole }) => isWhole) ?? this.#runs[0])
        : this.#runs.find((each) => each.id === id);
    if (run === undefined) return undefined;
    const tasks: Record<string, readonly [Verdict, number?]> = Object.create(null);
    for (const [path, samples] of this.#samples)
      for (const { run: of, verdict, ranMs, tookMs = ranMs } of samples)
        if (of === run.id) tasks[path] = tookMs === undefined ? [verdict] : [verdict, tookMs];
    return { run: pastRun(run), tasks };
  }
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
