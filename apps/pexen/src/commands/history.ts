/** `pexen history`: what is known of the tasks of a suite from its runs; exports and imports that. Runs no task. */
import { writeFileSync } from 'node:fs';
import { messageOf, misuse, type Problem } from '@pexen/core';
import {
  type ExitCode,
  exitCodes,
  exportSuiteHistory,
  historyOf,
  importSuiteHistory,
  loadConfig,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { historyLines } from '../text/history.ts';
import { counted } from '../text/plain-words.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { givenBy } from './stated-options.ts';

/** The options of `pexen history`. */
export interface HistoryOptions extends StateOptions {
  readonly json?: boolean;
  readonly export?: string;
  readonly import?: readonly string[];
}

/** Prints the history of the tasks that the queries select, or of all; with `import` or `export`, moves it instead. */
export async function history(
  queries: readonly string[],
  options: HistoryOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const loaded = await othersToStderr(() => loadConfig(workingDirectory(), options.config, givenBy(options)));
  for (const file of options.import ?? []) {
    const { runs, samples } = importSuiteHistory(loaded, file);
    output.write(`${file}: ${counted(runs, 'new run')}, ${counted(samples, 'new result')}\n`);
  }
  if (options.export !== undefined) exportTo(options.export, (write) => exportSuiteHistory(loaded, write));
  if (options.import !== undefined || options.export !== undefined) return exitCodes.ok;
  const report = historyOf(loaded, queries, warn);
  if (options.json) output.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else for (const line of historyLines(report, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function exportTo(file: string, produce: (write: (line: string) => void) => void): void {
  const lines: string[] = [];
  produce((line) => lines.push(line));
  try {
    writeFileSync(file, lines.join(''));
  } catch (error) {
    throw misuse('PEXEN_BAD_HISTORY_FILE', `${file} cannot be written: ${messageOf(error)}`);
  }
}
