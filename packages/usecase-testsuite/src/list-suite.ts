/** What a run of a suite would do, without doing it. */
import {
  describeRequirement,
  describeResource,
  isAmount,
  metaOf,
  type Problem,
  tornDownBy,
} from '@pexen/core';
import type { PlannedTask, PulledIn } from '@pexen/sched';
import type { LoadedConfig } from './config.ts';
import { Expectations } from './expectations.ts';
import { planSuite } from './plan-suite.ts';
import type { Selection } from './selection.ts';

/** A task as a list shows it. */
export interface ListedTask {
  readonly path: string;
  /** Place in the order of starts, from 1, if all goes well; absent for a task that does not apply. */
  readonly order?: number;
  /** Why it was pulled in, where nobody asked for it. */
  readonly pulledIn?: PulledIn;
  readonly requires: readonly string[];
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  /** What it tears down, where it does. */
  readonly tearsDown?: string;
  /** Where it runs only if one of these ended badly. */
  readonly salvages?: readonly string[];
  /** Why it does not apply, where it says so itself. */
  readonly reason?: string;
  readonly group?: string;
  readonly pool?: string;
  readonly tags: readonly string[];
  /** The reason, if it is expected to fail. */
  readonly expectedToFail?: string;
}

/**
 * The tasks that a run would take, in the order of their starts. No body runs.
 * @throws PexenError as `runSuite` does.
 */
export async function listSuite(
  loaded: LoadedConfig,
  selection: Selection = {},
  onWarning: (warning: Problem) => void = () => {},
): Promise<ListedTask[]> {
  const plan = await planSuite(loaded, selection, { onWarning });
  const expectations = new Expectations(loaded.config.expectedFailures ?? {});
  const places = new Map(plan.order.map((path, index) => [path, index + 1]));
  const listed = plan.tasks.map((task) => describe(task, places.get(task.path), expectations));
  return listed.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
}

function describe(
  { entry, path, tags, pulledIn, whyNot }: PlannedTask,
  order: number | undefined,
  expectations: Expectations,
): ListedTask {
  const meta = metaOf('under' in entry ? entry.task : entry);
  const { requires = [], uses = [], claims = [], salvages = [], group, pool } = meta;
  const torn = tornDownBy(meta);
  const expectedToFail = expectations.reasonFor(path);
  return {
    path,
    ...(order !== undefined && { order }),
    ...(pulledIn !== undefined && { pulledIn }),
    requires: requires.map(describeRequirement),
    uses: uses.map((use) =>
      isAmount(use) ? `${use.count} of ${describeResource(use.resource)}` : describeResource(use),
    ),
    claims: claims.map(describeResource),
    ...(torn.length > 0 && { tearsDown: torn.map(describeRequirement).join(', ') }),
    ...(salvages.length > 0 && { salvages: salvages.map(describeRequirement) }),
    ...(whyNot !== undefined && { reason: whyNot }),
    ...(group !== undefined && { group }),
    ...(pool !== undefined && { pool }),
    tags,
    ...(expectedToFail !== undefined && { expectedToFail }),
  };
}
