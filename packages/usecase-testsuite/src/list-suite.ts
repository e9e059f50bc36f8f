/** What a run of a suite would do, without running it: plain data, whose JSON Schema is schemas/list.schema.json. */
import type { Problem, TaskInfo } from '@pexen/core';
import type { Plan, PlannedTask, PulledIn } from '@pexen/sched';
import type { OwnedTask, Partition } from '@pexen/store';
import type { LoadedConfig } from './config.ts';
import { Expectations } from './expectations.ts';
import { planSuite } from './plan-suite.ts';
import type { Selection } from './query/selection.ts';
import { planShard, type ShardChoice } from './shards.ts';

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
  /** Why it does not apply, according to its `when`. */
  readonly reason?: string;
  /** Why it is expected to fail; absent if it is not. */
  readonly expectedToFail?: string;
  /** Where only one part of the suite is listed. */
  readonly shard?: TaskShard;
}

/**
 * The tasks that a run would include, in the order of their starts. Does not run any body.
 * @throws PexenError as `runSuite` does.
 */
export async function listSuite(
  loaded: LoadedConfig,
  selection: Selection = {},
  onWarning: (warning: Problem) => void = () => {},
  shard?: ShardChoice,
): Promise<SuiteList> {
  const { config, root } = loaded;
  const { plan, partition } = await planned(loaded, selection, onWarning, shard);
  const expectations = new Expectations(config.expectedFailures ?? {});
  const places = new Map(plan.order.map((path, index) => [path, index + 1]));
  const infos = plan.describe(root);
  const tasks = plan.tasks.map((task, at): ListedTask => {
    const expectedToFail = expectations.reasonFor(task.path);
    return {
      ...(infos[at] as TaskInfo),
      ...placeOf(task, places.get(task.path)),
      ...(expectedToFail !== undefined && { expectedToFail }),
      ...(partition !== undefined && { shard: shardOf(partition, task.path) }),
    };
  });
  tasks.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
  const part = shard && partition && { shard: listedShard(shard, partition) };
  return { version: listVersion, root, ...part, tasks };
}

/** The whole plan, or that of a shard. */
async function planned(
  loaded: LoadedConfig,
  selection: Selection,
  onWarning: (warning: Problem) => void,
  shard: ShardChoice | undefined,
): Promise<{ readonly plan: Plan; readonly partition?: Partition }> {
  if (shard !== undefined) return planShard(loaded, selection, { onWarning }, shard);
  return { plan: await planSuite(loaded, selection, { onWarning }) };
}

function listedShard({ index, count }: ShardChoice, { shards, tasks }: Partition): ListedShard {
  return {
    ...{ index, count, tasks: tasks.size, owned: shards[index - 1]?.owned.length ?? 0 },
    expectedMs: shards.map(({ costMs }) => Math.round(costMs)),
  };
}

function shardOf({ tasks }: Partition, path: string): TaskShard {
  const { shard: owner, ...why } = tasks.get(path) as OwnedTask;
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
