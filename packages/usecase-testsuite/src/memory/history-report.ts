/** The history of a suite for people and other machines: what is known of its tasks, and its export and import. Runs nothing. */
import { readFileSync } from 'node:fs';
import { type ExpectedDuration, messageOf, misuse, type Problem } from '@pexen/core';
import {
  exportHistory,
  type Flakiness,
  flakinessOf,
  type HistoryRun,
  type MachineKind,
  mostFlakyRuns,
  prepareStateDirectory,
  readExport,
  type SampleOfRun,
  thisMachine,
} from '@pexen/store';
import type { LoadedConfig } from '../config/config.ts';
import { isNarrowing, pick } from '../query/selection.ts';
import { stateDirectoryOf } from '../state/state-directory.ts';
import { historyIn, readLastResults } from '../state/suite-history.ts';

/** Grows by one with every change that breaks readers of `pexen history --json`. */
export const historyReportVersion = 1;

/** What is known of the tasks of a suite: plain data. */
export interface HistoryReport {
  readonly version: typeof historyReportVersion;
  /** The kind of machine that durations are expected on: this one. */
  readonly machine: MachineKind;
  /** All runs, the latest first. */
  readonly runs: readonly HistoryRun[];
  /** Those with the longest expected durations first. */
  readonly tasks: readonly TaskHistory[];
}

/** What is known of a task. */
export interface TaskHistory {
  readonly path: string;
  /** Absent where it never ran. Times are milliseconds. */
  readonly expected?: ExpectedDuration;
  /** Absent where it is not flaky. */
  readonly flakiness?: Flakiness;
  /** How it ended in its latest runs, at most 50, the latest first. */
  readonly samples: readonly SampleOfRun[];
}

/**
 * What is known of the tasks that the queries select, or of all. Queries that ask for files or tags select nothing, since the tasks are not loaded.
 * @throws PexenError PEXEN_BAD_QUERY; PEXEN_NOTHING_SELECTED.
 */
export function historyOf(
  { config, root }: LoadedConfig,
  queries: readonly string[] = [],
  onWarning?: (warning: Problem) => void,
): HistoryReport {
  const directory = stateDirectoryOf(root, config.stateDir);
  const history = historyIn(directory, onWarning);
  const lastResults = readLastResults(directory);
  const known = [...lastResults.keys()].map((path) => ({ path, tags: [] }));
  const place = { directory: process.cwd(), root, lastResults };
  const picked = isNarrowing({ queries }) ? pick(known, { queries }, place, onWarning) : known;
  const expectations = history.expectations();
  const samples = history.samplesOf(
    picked.map(({ path }) => path),
    mostFlakyRuns,
  );
  const tasks = [...samples].map(([path, samples]): TaskHistory => {
    const expected = expectations.of(path);
    const flakiness = flakinessOf(samples);
    return {
      path,
      ...(expected !== undefined && !expected.isGuess && { expected }),
      ...(flakiness !== undefined && { flakiness }),
      samples,
    };
  });
  tasks.sort(longestFirst);
  return { version: historyReportVersion, machine: thisMachine(), runs: history.runs(), tasks };
}

function longestFirst(one: TaskHistory, other: TaskHistory): number {
  return (other.expected?.ms ?? -1) - (one.expected?.ms ?? -1) || (one.path < other.path ? -1 : 1);
}

/** Calls `write` with each line of an export of the history of the suite. */
export function exportSuiteHistory({ config, root }: LoadedConfig, write: (line: string) => void): void {
  exportHistory(historyIn(stateDirectoryOf(root, config.stateDir)), write);
}

/**
 * Adds the runs of an export to the history of the suite. Returns how many runs and samples were new.
 * @throws PexenError PEXEN_BAD_HISTORY_FILE
 */
export function importSuiteHistory(
  { config, root }: LoadedConfig,
  file: string,
): { readonly runs: number; readonly samples: number } {
  const lines = linesOf(file);
  const directory = stateDirectoryOf(root, config.stateDir);
  prepareStateDirectory(directory);
  return historyIn(directory).take(readExport(lines, file));
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    throw misuse(
      'PEXEN_BAD_HISTORY_FILE',
      `${file} cannot be read: ${messageOf(error)}`,
      'Write one with: pexen history --export FILE',
    );
  }
}
