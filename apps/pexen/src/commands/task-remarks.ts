/** What is said of a task in a list. */
import type { RequirementInfo, UseInfo } from '@pexen/core';
import type { DescribedValue, ListedShard, ListedTask } from '@pexen/usecase-testsuite';
import { counted } from '../text/plain-words.ts';

/** Why the task is in this shard. */
export function ownerOf({ shard: owned }: ListedTask, shard: ListedShard | undefined): string[] {
  if (owned === undefined || shard === undefined) return [];
  const { owner, boundBy } = owned;
  if (owner !== shard.index) return [`copy, owned by shard ${owner}`];
  return [boundBy === undefined ? 'owned' : `owned: ${boundBy}`];
}

/** The entries of its metadata that other remarks do not show, as far as they are not defaults. */
export function entriesOf({ metadata = [] }: ListedTask): readonly DescribedValue[] {
  return metadata.filter(({ name, origin }) => origin.kind !== 'default' && !shown.has(name));
}

const shown: ReadonlySet<string> = new Set([
  ...['name', 'requires', 'uses', 'claims', 'tearsDown', 'salvages', 'after', 'before'],
  ...['group', 'pool', 'priority', 'tags', 'exclusive'],
]);

/** What decides when the task runs, as far as it is not usual. */
export function remarksOf(task: ListedTask): string[] {
  const {
    pulledIn,
    requires = [],
    uses = [],
    claims = [],
    tearsDown = [],
    group,
    pool,
    on,
    expectedToFail,
    service,
  } = task;
  return [
    ...onlyIf(task),
    ...(service === true ? ['service'] : []),
    ...(pulledIn === undefined ? [] : [pulledInBecause(task, pulledIn)]),
    ...listed('requires', requires.map(requirementText)),
    ...listed('uses', uses.map(useText)),
    ...listed('claims', claims),
    ...listed('tears down', pulledIn?.as === 'teardown' ? [] : tearsDown.map(capabilityText)),
    ...listed('group', [group]),
    ...listed('pool', [pool]),
    ...listed('on', [on]),
    ...listed('expected to fail:', [expectedToFail]),
  ];
}

/** Why the task is in the list, what it needs, when and where it runs. */
export function allRemarksOf(task: ListedTask, isMeasured: boolean): string[] {
  const { pulledIn, selectedBy, after = [], before = [], exclusive, tags = [], pool, group } = task;
  const isHere = task.order !== undefined;
  const hasDefaultPool = isHere && pool === undefined && group === undefined && task.service !== true;
  return [
    ...(pulledIn === undefined ? [selectedBecause(selectedBy)] : []),
    ...remarksOf(task),
    ...listed('after', after.map(capabilityText)),
    ...listed('before', before.map(capabilityText)),
    ...(exclusive === true ? ['runs alone'] : []),
    ...(hasDefaultPool ? ['runs in the default pool'] : []),
    ...(isHere ? orderOf(task, isMeasured) : []),
    ...listed('tags', tags),
  ];
}

/** What selects a task, where the command restricts the selection. */
function selectedBecause(by: readonly string[] | undefined): string {
  return by === undefined ? 'selected, as all tasks are' : `selected by ${by.join(', ')}`;
}

/** What its place in the order depends on: what it needs comes first, then priority, then the length of what follows, then declaration. */
function orderOf(task: ListedTask, isMeasured: boolean): string[] {
  const { order, priority = 0, weightMs, rankMs, claims = [] } = task;
  const expected = weightMs === undefined ? 'duration not known' : `expected to take ${seconds(weightMs)}`;
  if (rankMs === undefined) return [expected];
  const chain =
    claims.length === 0
      ? 'the longest chain from it'
      : 'the longest chain from it, or all that claim the same,';
  const length = isMeasured
    ? `${chain} takes ${seconds(rankMs)}`
    : `${chain} has ${counted(Math.round(rankMs), 'task')}`;
  // Tasks that come before all others have a rank beyond all durations.
  return [
    expected,
    `place ${order}: priority ${priority}; ${rankMs >= beyondDurations ? 'put first' : length}`,
  ];
}

const beyondDurations = 2 ** 41;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

function listed(word: string, names: readonly (string | undefined)[]): string[] {
  return names[0] === undefined ? [] : [`${word} ${names.join(', ')}`];
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

function pulledInBecause(
  { isOfCatalogue }: ListedTask,
  { by, as, of }: NonNullable<ListedTask['pulledIn']>,
): string {
  const from = isOfCatalogue === true ? 'from the catalogue ' : '';
  return as === 'provider' ? `pulled in ${from}by ${by}, which requires ${of}` : `tears down ${of} of ${by}`;
}
