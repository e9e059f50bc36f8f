/** What earlier runs say about the tasks of a suite, as the rules ask for it. */
import type { ExpectedDuration } from '@pexen/core';
import { type HistoryRun, type MachineKind, mostFlakyRuns, type SampleOfRun } from '@pexen/store';
import { historyIn } from '../state/suite-history.ts';

/** The history of a suite. */
export interface LintHistory {
  /** The kind of this machine: durations of others say little. */
  readonly machine: MachineKind;
  /** All runs, the latest first. */
  readonly runs: readonly HistoryRun[];
  /** What the task is expected to take; undefined where nothing is known. */
  expectedOf(path: string): ExpectedDuration | undefined;
  /** How the task ended in its latest runs, at most 50, the latest first. */
  samplesOf(path: string): readonly SampleOfRun[];
}

/** The history in a state directory, of these tasks. */
export function readLintHistory(
  directory: string,
  paths: readonly string[],
  machine: MachineKind,
): LintHistory {
  const history = historyIn(directory);
  const expectations = history.expectations(machine);
  const samples = history.samplesOf(paths, mostFlakyRuns);
  return {
    ...{ machine, runs: history.runs() },
    expectedOf: (path) => expectations.of(path),
    samplesOf: (path) => samples.get(path) ?? [],
  };
}

/** Where no history is kept. */
export function noHistory(machine: MachineKind): LintHistory {
  return { machine, runs: [], expectedOf: () => undefined, samplesOf: () => [] };
}

/** Are these machines of the same kind? */
export function isSame(one: MachineKind, other: MachineKind): boolean {
  return (
    one.platform === other.platform &&
    one.arch === other.arch &&
    one.cpu === other.cpu &&
    one.cores === other.cores
  );
}
