/** `pexen report`: what runs of the past add up to: shards, reruns, machines. Runs nothing. */
import { resolve } from 'node:path';
import {
  type ExitCode,
  junitInto,
  readReporter,
  reportRuns,
  stateDirectoryOf,
  suiteRoot,
} from '@pexen/usecase-testsuite';
import { formatWarning } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';

/** The options of `pexen report`. */
export interface ReportOptions extends StateOptions {
  readonly reporter?: readonly string[];
  readonly junit?: string;
  readonly save?: string;
  readonly verbose?: boolean;
}

/** Merges and reports the runs; the latest one where none is named. Resolves with the exit code, which is that of one run. */
export function report(places: readonly string[], options: ReportOptions): Promise<ExitCode> {
  const directory = workingDirectory();
  const root = suiteRoot(directory, options.config);
  const stateDir = options.stateDir === undefined ? undefined : resolve(directory, options.stateDir);
  const { reporter, junit, save } = options;
  const isOnlySaved = save !== undefined && reporter === undefined && junit === undefined;
  const chosen = reporter?.map(readReporter) ?? (isOnlySaved ? [] : ['lines' as const]);
  return reportRuns({
    ...{ directory, root, stateDirectory: stateDirectoryOf(root, stateDir) },
    places: places.length === 0 ? ['latest'] : places,
    reporters: junit === undefined ? chosen : [...chosen, junitInto(junit)],
    // Each failure is shown once: nothing has passed by since.
    terminal: { verbosity: options.verbose === true ? 'normal' : 'quiet', failures: 'short' },
    ...(save !== undefined && { save }),
    onWarning: (warning) => process.stderr.write(formatWarning(warning, process.stderr)),
    onWritten: (text) => process.stderr.write(`${text}\n`),
  });
}
