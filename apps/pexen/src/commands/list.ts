/** `pexen list`: what would run, in which order, and which tasks were added as dependencies. */
import { styleText } from 'node:util';
import { formatLocation, type Problem } from '@pexen/core';
import { printable } from '@pexen/report';
import {
  type ExitCode,
  exitCodes,
  type ListedShard,
  type ListedTask,
  listSuite,
  loadConfig,
  type SuiteList,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { type ShardOptions, shardOf } from '../shard-argument.ts';
import { workingDirectory } from '../working-directory.ts';
import { rowsOf } from './config.ts';
import { catalogueLines } from './explain-catalogue.ts';
import type { StateOptions } from './memory-options.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';
import { allRemarksOf, entriesOf, ownerOf, remarksOf } from './task-remarks.ts';

/** The options of `pexen list`. */
export interface ListOptions extends SelectOptions, ShardOptions, StateOptions {
  readonly json?: boolean;
  readonly explain?: boolean;
}

/** Prints the tasks of a run. Does not run any body. */
export async function list(
  queries: readonly string[],
  options: ListOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const list = await othersToStderr(async () =>
    listSuite(
      await loadConfig(workingDirectory(), options.config, givenBy(options)),
      selectionOf(queries, options),
      warn,
      { shard: shardOf(options), explain: options.explain },
    ),
  );
  if (options.json) output.write(`${JSON.stringify(list, undefined, 2)}\n`);
  else for (const line of linesOf(list, options.explain ?? false, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function linesOf({ tasks, shard, catalogue }: SuiteList, explain: boolean, output: Output): string[] {
  const isMeasured = tasks.some(({ weightMs }) => weightMs !== undefined);
  const head = shard === undefined ? [] : [shardLine(shard, isMeasured)];
  const dim = (text: string): string => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const width = String(tasks.length).length;
  const lines = tasks.flatMap((task) => {
    const number = dim(String(task.order ?? '-').padStart(width));
    if (explain) return explanationOf(task, number, shard, isMeasured, output);
    const remarks = [...ownerOf(task, shard), ...remarksOf(task)].join('; ');
    return [`${number}  ${printable(task.path)}${remarks === '' ? '' : `  ${dim(printable(remarks))}`}`];
  });
  return [...head, ...lines, ...(catalogue === undefined ? [] : catalogueLines(catalogue, dim))];
}

/** Everything that is known of a task, a line each. */
function explanationOf(
  task: ListedTask,
  number: string,
  shard: ListedShard | undefined,
  isMeasured: boolean,
  output: Output,
): string[] {
  const dim = (text: string): string => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const { path, location } = task;
  const place = location === undefined ? '' : `  ${dim(printable(formatLocation(location)))}`;
  const remarks = [...ownerOf(task, shard), ...allRemarksOf(task, isMeasured)];
  return [
    `${number}  ${printable(path)}${place}`,
    ...remarks.map((text) => `     ${dim(printable(text))}`),
    ...rowsOf(entriesOf(task), output).map((row) => `     ${row}`),
  ];
}

/** Without weights there are no durations to expect. */
function shardLine({ index, count, owned, tasks, expectedMs }: ListedShard, isMeasured: boolean): string {
  const each = expectedMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ');
  const expected = isMeasured ? ` Expected durations of the shards: ${each}.` : '';
  return `Shard ${index}/${count} owns ${owned} of ${tasks} tasks.${expected}`;
}
