/** `pexen why`: why tasks of a run wait, what holds them in the end, and why they ended as they did. Runs no task. */
import type { Problem } from '@pexen/core';
import { explanationLines } from '@pexen/report';
import { type ExitCode, exitCodes, explainTasks } from '@pexen/usecase-testsuite';
import { formatWarning, type Output } from '../print-problems.ts';
import { counted } from '../text/plain-words.ts';
import { type AskOptions, dimmed, headingOf, placeOf, writeJson } from './asked-run.ts';

/** Explains the tasks that the queries select, in the run that goes on, else in the last one. */
export async function why(
  queries: readonly string[],
  options: AskOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const explained = await explainTasks(placeOf(options), queries, options.run, warn);
  if (options.json) {
    writeJson(explained, output);
    return exitCodes.ok;
  }
  output.write(`${headingOf(explained.run, output)}\n`);
  for (const explanation of explained.explanations)
    output.write(`${explanationLines(explanation).join('\n')}\n`);
  if (explained.more > 0)
    output.write(`${dimmed(`The queries select ${counted(explained.more, 'more task')}.`, output)}\n`);
  return exitCodes.ok;
}
