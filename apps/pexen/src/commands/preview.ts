/** `--dry-run`: what a resume or a rerun would do with each task, and why. Ends no process and writes nothing. */
import { styleText } from 'node:util';
import type { Problem } from '@pexen/core';
import { printable } from '@pexen/report';
import {
  type ExitCode,
  exitCodes,
  loadConfig,
  previewSuite,
  type Repetition,
  type SuitePreview,
  starts,
} from '@pexen/usecase-testsuite';
import { formatWarning, type Output } from '../print-problems.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';

/** Prints a line for each task, and how many start. */
export async function preview(
  repetition: Repetition,
  queries: readonly string[],
  options: SelectOptions & StateOptions,
  output: Output,
): Promise<ExitCode> {
  const loaded = await loadConfig(workingDirectory(), options.config, givenBy(options));
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const found = await previewSuite(loaded, repetition, selectionOf(queries, options), warn);
  for (const line of linesOf(found, output)) output.write(`${line}\n`);
  output.write(`${conclusionOf(found, repetition)}\n`);
  return exitCodes.ok;
}

/** `run     row 11  net/ping  was interrupted in session 1`. */
function linesOf({ decisions }: SuitePreview, output: Output): string[] {
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  return decisions.map(({ action, row, path, reason }) => {
    const head = `${action.padEnd(6)}  row ${String(row).padStart(2)}`;
    return `${dim(head)}  ${printable(path)}  ${dim(printable(reason))}`;
  });
}

function conclusionOf({ run, decisions }: SuitePreview, { kind }: Repetition): string {
  const starting = decisions.filter(({ action }) => starts(action)).length;
  const tasks = decisions.length === 1 ? '1 task' : `${decisions.length} tasks`;
  return `A ${kind} of run ${run.number} starts ${starting} of ${tasks}.`;
}
