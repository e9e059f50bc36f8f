/** `pexen list`: what would run, in which order, and which tasks were added as dependencies. */
import { styleText } from 'node:util';
import type { Problem, RequirementInfo, UseInfo } from '@pexen/core';
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
import type { StateOptions } from './memory-options.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';

/** The options of `pexen list`. */
export interface ListOptions extends SelectOptions, ShardOptions, StateOptions {
  readonly json?: boolean;
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
      shardOf(options),
    ),
  );
  if (options.json) output.write(`${JSON.stringify(list, undefined, 2)}\n`);
  else for (const line of linesOf(list, output)) output.write(`${line}\n`);
  return exitCodes.ok;
}

function linesOf({ tasks, shard }: SuiteList, output: Output): string[] {
  const isMeasured = tasks.some(({ weightMs }) => weightMs !== undefined);
  const head = shard === undefined ? [] : [shardLine(shard, isMeasured)];
  return [...head, ...tasks.map((task) => lineOf(task, tasks.length, shard, output))];
}

/** Without weights there are no durations to expect. */
function shardLine({ index, count, owned, tasks, expectedMs }: ListedShard, isMeasured: boolean): string {
  const each = expectedMs.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ');
  const expected = isMeasured ? ` Expected durations of the shards: ${each}.` : '';
  return `Shard ${index}/${count} owns ${owned} of ${tasks} tasks.${expected}`;
}

function lineOf(task: ListedTask, count: number, shard: ListedShard | undefined, output: Output): string {
  const dim = (text: string) => styleText('dim', text, { stream: output as NodeJS.WriteStream });
  const number = String(task.order ?? '-').padStart(String(count).length);
  const remarks = [...ownerOf(task, shard), ...remarksOf(task)];
  return `${dim(number)}  ${printable(task.path)}${remarks.length === 0 ? '' : `  ${dim(printable(remarks.join('; ')))}`}`;
}

/** Why the task is in this shard. */
function ownerOf({ shard: owned }: ListedTask, shard: ListedShard | undefined): string[] {
  if (owned === undefined || shard === undefined) return [];
  const { owner, boundBy } = owned;
  if (owner !== shard.index) return [`copy, owned by shard ${owner}`];
  return [boundBy === undefined ? 'owned' : `owned: ${boundBy}`];
}

function remarksOf(task: ListedTask): string[] {
  const {
    pulledIn,
    requires = [],
    uses = [],
    claims = [],
    tearsDown = [],
    group,
    pool,
    expectedToFail,
    service,
  } = task;
  const listed = (word: string, names: readonly (string | undefined)[]) =>
    names[0] === undefined ? [] : [`${word} ${names.join(', ')}`];
  return [
    ...onlyIf(task),
    ...(service === true ? ['service'] : []),
    ...(pulledIn === undefined ? [] : [pulledInBecause(pulledIn)]),
    ...listed('requires', requires.map(requirementText)),
    ...listed('uses', uses.map(useText)),
    ...listed('claims', claims),
    ...listed('tears down', pulledIn?.as === 'teardown' ? [] : tearsDown.map(capabilityText)),
    ...listed('group', [group]),
    ...listed('pool', [pool]),
    ...listed('expected to fail:', [expectedToFail]),
  ];
}

/** The name of a capability, for people: `"bin"`, `task "net/ping"`. */
function capabilityText(name: string): string {
  const [, kind, rest = ''] = /^(key|task|object):(.*)$/s.exec(name) ?? [];
  if (kind === undefined) return `"${name.startsWith('\\') ? name.slice(1) : name}"`;
  return kind === 'object' ? rest : `${kind} "${rest}"`;
}

function requirementText({ form, capabilities, count }: RequirementInfo): string {
  const names = capabilities.map(capabilityText).join(', ');
  if (form === 'one') return names;
  if (form === 'at-least') return `at least ${count} of ${names}`;
  return form === 'every' ? `every ${names}` : `any of ${names}`;
}

function useText({ resource, count }: UseInfo): string {
  return count === undefined ? resource : `${count} of ${resource}`;
}

/** The text for a task whose `when` gives no reason. */
const doesNotApply = 'does not apply here';

/** Why the task has no place in the order of starts. */
function onlyIf({ order, salvages, reason }: ListedTask): string[] {
  if (order !== undefined) return [];
  if (salvages !== undefined) return [`only if ${salvages.map(capabilityText).join(' or ')} ends badly`];
  if (reason === undefined || reason === doesNotApply) return [doesNotApply];
  return [`${doesNotApply}: ${reason}`];
}

function pulledInBecause({ by, as, of }: NonNullable<ListedTask['pulledIn']>): string {
  return as === 'provider' ? `pulled in by ${by}, which requires ${of}` : `tears down ${of} of ${by}`;
}
