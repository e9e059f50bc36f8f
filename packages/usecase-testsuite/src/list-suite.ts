/** What a run of a suite would do, without running it: plain data, whose JSON Schema is schemas/list.schema.json. */
import { isPexenError, type Problem, type TaskInfo } from '@pexen/core';
import type { Plan, PlannedTask, PulledIn } from '@pexen/sched';
import type { OwnedTask, Partition } from '@pexen/store';
import type { CatalogueChoice } from './catalogue/catalogue.ts';
import type { CatalogueNeed } from './catalogue/explain-choice.ts';
import type { LoadedConfig } from './config/config.ts';
import { type DescribedValue, describePlan } from './options/describe.ts';
import { planSuite, type SuitePlanGiven, tasksMatching } from './plan-suite.ts';
import { isNarrowing, type Selection } from './query/selection.ts';
import { planShard, type ShardChoice } from './shards.ts';
import { Expectations } from './verdict/expectations.ts';

/** Grows by one with every change that breaks readers of old lists. */
export const listVersion = 1;

/** The tasks of a suite, in the order of their starts. */
export interface SuiteList {
  readonly version: typeof listVersion;
  /** The directory that the files of tasks are relative to: an absolute path. */
  readonly root: string;
  /** Present where only one part of the suite is listed. */
  readonly shard?: ListedShard;
  readonly tasks: readonly ListedTask[];
  /** What the tasks need of the catalogue, and the decisions about it; present where the suite has one and the list is explained. */
  readonly catalogue?: readonly CatalogueNeed[];
}

/** One part of the suite, and the estimates for all of them. */
export interface ListedShard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
  /** How many tasks there are in all shards together, and how many this one owns. */
  readonly tasks: number;
  readonly owned: number;
  /** The expected durations of the shards, ms, as far as the weights are right. */
  readonly expectedMs: readonly number[];
}

/** Why a task is in a shard. */
export interface TaskShard {
  /** The shard that owns it, from 1. In another one it runs as a copy, since what that owns needs it. */
  readonly owner: number;
  /** Why it has to be where other tasks are: continues a sentence after its path. Absent where it could be anywhere. */
  readonly boundBy?: string;
}

/** A task as a list shows it. */
export interface ListedTask extends TaskInfo {
  /** Position in the order of starts, from 1, if all tasks end well; absent for a task that does not apply. */
  readonly order?: number;
  /** Why it was added to the selection; absent where it was selected itself. */
  readonly pulledIn?: PulledIn;
  /** It is pulled in from the catalogue, and is not a task of the suite. */
  readonly isOfCatalogue?: true;
  /** Queries, tags and texts of the selection that select it; present if the list is explained and they restrict it. */
  readonly selectedBy?: readonly string[];
  /** Why it does not apply, according to its `when`. */
  readonly reason?: string;
  /**
   * What its place among tasks of equal priority depends on: the expected duration, ms, of the longest chain of tasks that begins with it, or of all
   * tasks together that claim one of its resources. A task that was never measured counts as 1 ms. Present if the list is explained.
   */
  readonly rankMs?: number;
  /** Each entry of its metadata, with its value and its origin; present if the list is explained. */
  readonly metadata?: readonly DescribedValue[];
  /** Why it is expected to fail; absent if it is not. */
  readonly expectedToFail?: string;
  /** Where only one part of the suite is listed; absent for tasks of the catalogue, which each shard pulls in for itself. */
  readonly shard?: TaskShard;
}

/** What a list includes besides the tasks. */
export interface ListContents {
  readonly shard?: ShardChoice | undefined;
  /** Are the decisions about the catalogue included? Default: false. */
  readonly explain?: boolean | undefined;
}

/**
 * The tasks that a run would include, in the order of their starts. Does not run any body.
 * @throws PexenError as `runSuite` does.
 */
export async function listSuite(
  loaded: LoadedConfig,
  selection: Selection = {},
  onWarning: (warning: Problem) => void = () => {},
  { shard, explain = false }: ListContents = {},
): Promise<SuiteList> {
  const { config, root } = loaded;
  let choice: CatalogueChoice | undefined;
  const onCatalogue = (found: CatalogueChoice): void => {
    choice = found;
  };
  const { plan, partition } = await planned(loaded, selection, { onWarning, onCatalogue }, shard);
  const expectations = new Expectations(config.expectedFailures ?? {});
  const places = new Map(plan.order.map((path, index) => [path, index + 1]));
  const infos = plan.describe(root);
  const reports = explain ? await describePlan(loaded, plan) : [];
  const { ranks } = plan;
  const tasks = plan.tasks.map((task, at): ListedTask => {
    const expectedToFail = expectations.reasonFor(task.path);
    const owned = partition?.tasks.get(task.path);
    return {
      ...(infos[at] as TaskInfo),
      ...placeOf(task, places.get(task.path)),
      ...(explain && { rankMs: ranks[at] as number, metadata: reports[at]?.entries ?? [] }),
      ...(choice?.pulledIn.has(task.path) && { isOfCatalogue: true }),
      ...(expectedToFail !== undefined && { expectedToFail }),
      ...(owned !== undefined && { shard: shardOf(owned) }),
    };
  });
  tasks.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
  const part = shard && partition && { shard: listedShard(shard, partition) };
  const catalogue = explain && choice !== undefined && { catalogue: needsOf(tasks, choice) };
  const explained = explain ? withSelectors(tasks, plan, selection, loaded) : tasks;
  return { version: listVersion, root, ...part, tasks: explained, ...catalogue };
}

/** Adds which parts of the selection select each task. */
function withSelectors(
  tasks: readonly ListedTask[],
  plan: Plan,
  selection: Selection,
  loaded: LoadedConfig,
): readonly ListedTask[] {
  if (!isNarrowing(selection)) return tasks;
  const { queries = [], tags = [], texts = [] } = selection;
  const parts: readonly (readonly [string, Selection])[] = [
    ...queries.map((query) => [`"${query}"`, { queries: [query] }] as const),
    ...tags.map((tag) => [`the tag ${tag}`, { tags: [tag] }] as const),
    ...texts.map((text) => [`the text "${text}"`, { texts: [text] }] as const),
  ];
  const selected = parts.map(([name, part]) => [name, pathsMatching(plan, part, loaded)] as const);
  return tasks.map((task) => {
    const by = selected.filter(([, paths]) => paths.has(task.path)).map(([name]) => name);
    return task.pulledIn === undefined && by.length > 0 ? { ...task, selectedBy: by } : task;
  });
}

/** A part of a selection may select nothing that the others select as well. */
function pathsMatching(plan: Plan, part: Selection, loaded: LoadedConfig): ReadonlySet<string> {
  try {
    return tasksMatching(plan, part, loaded);
  } catch (error) {
    if (isPexenError(error)) return new Set();
    throw error;
  }
}

/** The needs of these tasks. */
function needsOf(tasks: readonly ListedTask[], choice: CatalogueChoice): readonly CatalogueNeed[] {
  const paths = new Set(tasks.map(({ path }) => path));
  return choice.explain().filter(({ requiredBy }) => requiredBy.some((path) => paths.has(path)));
}

/** The whole plan, or that of a shard. */
async function planned(
  loaded: LoadedConfig,
  selection: Selection,
  given: Pick<SuitePlanGiven, 'onWarning' | 'onCatalogue'>,
  shard: ShardChoice | undefined,
): Promise<{ readonly plan: Plan; readonly partition?: Partition }> {
  if (shard !== undefined) return planShard(loaded, selection, given, shard);
  return { plan: await planSuite(loaded, selection, given) };
}

function listedShard({ index, count }: ShardChoice, { shards, tasks }: Partition): ListedShard {
  return {
    ...{ index, count, tasks: tasks.size, owned: shards[index - 1]?.owned.length ?? 0 },
    expectedMs: shards.map(({ costMs }) => Math.round(costMs)),
  };
}

function shardOf({ shard: owner, ...why }: OwnedTask): TaskShard {
  return { owner, ...why };
}

function placeOf(
  { pulledIn, whyNot }: PlannedTask,
  order: number | undefined,
): Pick<ListedTask, 'order' | 'pulledIn' | 'reason'> {
  return {
    ...(order !== undefined && { order }),
    ...(pulledIn !== undefined && { pulledIn }),
    ...(whyNot !== undefined && { reason: whyNot }),
  };
}
