/** What a run of a suite would do, without doing it. */
import { describeRequirement, describeResource, isAmount, metaOf, type Problem } from '@pexen/core';
import { previewOf, type Selected } from '@pexen/sched';
import { chooseTasks, gatherTasks } from './choose-tasks.ts';
import type { LoadedConfig } from './config.ts';
import { Expectations } from './expectations.ts';
import { runOptions } from './run-options.ts';
import type { Selection } from './selection.ts';

/** A task as a list shows it. */
export interface ListedTask {
  readonly path: string;
  /** Place in the order of starts, from 1, if all goes well; absent for a task that does not apply. */
  readonly order?: number;
  /** Why it was pulled in, where nobody asked for it. */
  readonly pulledIn?: Selected['pulledIn'];
  readonly requires: readonly string[];
  readonly uses: readonly string[];
  readonly claims: readonly string[];
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
  const { config } = loaded;
  const gathered = await gatherTasks(loaded, onWarning);
  const expectations = new Expectations(config.expectedFailures ?? {});
  const { facts, loader } = gathered;
  const options = runOptions(config, { facts, loader, expectations, onWarning });
  const selected = chooseTasks(gathered, selection, options);
  const entries = selected.map(({ entry }) => entry);
  const order = previewOf(entries, { ...options, onWarning: () => {} });
  const listed = selected.map((task) => describe(task, order.indexOf(task.path) + 1, expectations));
  return listed.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
}

function describe(
  { entry, path, tags, pulledIn }: Selected,
  order: number,
  expectations: Expectations,
): ListedTask {
  const {
    requires = [],
    uses = [],
    claims = [],
    group,
    pool,
  } = metaOf('under' in entry ? entry.task : entry);
  const expectedToFail = expectations.reasonFor(path);
  return {
    path,
    ...(order > 0 && { order }),
    ...(pulledIn !== undefined && { pulledIn }),
    requires: requires.map(describeRequirement),
    uses: uses.map((use) =>
      isAmount(use) ? `${use.count} of ${describeResource(use.resource)}` : describeResource(use),
    ),
    claims: claims.map(describeResource),
    ...(group !== undefined && { group }),
    ...(pool !== undefined && { pool }),
    tags,
    ...(expectedToFail !== undefined && { expectedToFail }),
  };
}
