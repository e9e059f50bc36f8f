/** What a run of a suite would do, without running it: plain data, whose JSON Schema is schemas/list.schema.json. */
import type { Problem, TaskInfo } from '@pexen/core';
import type { PlannedTask, PulledIn } from '@pexen/sched';
import type { LoadedConfig } from './config.ts';
import { Expectations } from './expectations.ts';
import { planSuite } from './plan-suite.ts';
import type { Selection } from './query/selection.ts';

/** Grows by one with every change that breaks readers of old lists. */
export const listVersion = 1;

/** The tasks of a suite, in the order of their starts. */
export interface SuiteList {
  readonly version: typeof listVersion;
  /** The directory that the files of tasks are relative to: an absolute path. */
  readonly root: string;
  readonly tasks: readonly ListedTask[];
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
}

/**
 * The tasks that a run would include, in the order of their starts. Does not run any body.
 * @throws PexenError as `runSuite` does.
 */
export async function listSuite(
  loaded: LoadedConfig,
  selection: Selection = {},
  onWarning: (warning: Problem) => void = () => {},
): Promise<SuiteList> {
  const { config, root } = loaded;
  const plan = await planSuite(loaded, selection, { onWarning });
  const expectations = new Expectations(config.expectedFailures ?? {});
  const places = new Map(plan.order.map((path, index) => [path, index + 1]));
  const infos = plan.describe(root);
  const tasks = plan.tasks.map((task, at): ListedTask => {
    const expectedToFail = expectations.reasonFor(task.path);
    return {
      ...(infos[at] as TaskInfo),
      ...placeOf(task, places.get(task.path)),
      ...(expectedToFail !== undefined && { expectedToFail }),
    };
  });
  tasks.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
  return { version: listVersion, root, tasks };
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
