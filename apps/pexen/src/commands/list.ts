/** `pexen list`: what would run, in which order, and what was pulled in by what. */
import { styleText } from 'node:util';
import type { Problem } from '@pexen/core';
import { printable } from '@pexen/report';
import { type ExitCode, exitCodes, type ListedTask, listSuite, loadConfig } from '@pexen/usecase-testsuite';
import { formatWarning, type Output } from '../explain.ts';
import { workingDirectory } from '../working-directory.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';

/** What may stand behind `pexen list`. */
export interface ListOptions extends SelectOptions {
  readonly json?: boolean;
}

/** Prints what a run would take. No body runs. */
export async function list(
  patterns: readonly string[],
  options: ListOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const tasks = await othersToStderr(async () =>
    listSuite(await loadConfig(workingDirectory(), options.config), selectionOf(patterns, options), warn),
  );
  if (options.json) output.write(`${JSON.stringify(tasks, undefined, 2)}\n`);
  else for (const task of tasks) output.write(`${lineOf(task, tasks.length, output)}\n`);
  return exitCodes.ok;
}

/** What modules print while they are loaded is no part of the list, which others may read as JSON. */
async function othersToStderr<T>(load: () => Promise<T>): Promise<T> {
  const { stdout, stderr } = process;
  const own = Object.getOwnPropertyDescriptor(stdout, 'write');
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  try {
    return await load();
  } finally {
    if (own === undefined) Reflect.deleteProperty(stdout, 'write');
    else Object.defineProperty(stdout, 'write', own);
  }
}

function lineOf(task: ListedTask, count: number, output: Output): string {
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const number = String(task.order ?? '-').padStart(String(count).length);
  const remarks = remarksOf(task);
  return `${dim(number)}  ${printable(task.path)}${remarks.length === 0 ? '' : `  ${dim(printable(remarks.join('; ')))}`}`;
}

function remarksOf(task: ListedTask): string[] {
  const { pulledIn, requires, uses, claims, tearsDown, group, pool, expectedToFail } = task;
  const listed = (word: string, names: readonly (string | undefined)[]) =>
    names[0] === undefined ? [] : [`${word} ${names.join(', ')}`];
  return [
    ...onlyIf(task),
    ...(pulledIn === undefined ? [] : [pulledInBecause(pulledIn)]),
    ...listed('requires', requires),
    ...listed('uses', uses),
    ...listed('claims', claims),
    ...listed('tears down', pulledIn?.as === 'teardown' ? [] : [tearsDown]),
    ...listed('group', [group]),
    ...listed('pool', [pool]),
    ...listed('expected to fail:', [expectedToFail]),
  ];
}

/** What is said of a task whose `when` gives no reason. */
const doesNotApply = 'does not apply here';

/** Why it has no place in the order of starts. */
function onlyIf({ order, salvages, reason }: ListedTask): string[] {
  if (order !== undefined) return [];
  if (salvages !== undefined) return [`only if ${salvages.join(' or ')} ends badly`];
  if (reason === undefined || reason === doesNotApply) return [doesNotApply];
  return [`${doesNotApply}: ${reason}`];
}

function pulledInBecause({ by, as, of }: NonNullable<ListedTask['pulledIn']>): string {
  return as === 'provider' ? `pulled in by ${by}, which requires ${of}` : `tears down ${of} of ${by}`;
}
