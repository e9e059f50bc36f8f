/** What a run of a suite would do, without doing it. */
import {
  describeRequirement,
  describeResource,
  type Facts,
  isAmount,
  metaOf,
  type Problem,
  type TaskMeta,
  tornDownBy,
} from '@pexen/core';
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
  const { config } = loaded;
  const gathered = await gatherTasks(loaded, onWarning);
  const expectations = new Expectations(config.expectedFailures ?? {});
  const { facts, loader } = gathered;
  const options = runOptions(config, { facts, loader, expectations, onWarning });
  const selected = chooseTasks(gathered, selection, options);
  const entries = selected.map(({ entry }) => entry);
  const order = previewOf(entries, { ...options, partial: true, onWarning: () => {} });
  const places = new Map(order.map((path, index) => [path, index + 1]));
  const listed = selected.map((task) => describe(task, places.get(task.path), facts, expectations));
  return listed.sort((a, b) => (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY));
}

function describe(
  { entry, path, tags, pulledIn }: Selected,
  order: number | undefined,
  facts: Facts,
  expectations: Expectations,
): ListedTask {
  const meta = metaOf('under' in entry ? entry.task : entry);
  const { requires = [], uses = [], claims = [], salvages = [], when, group, pool } = meta;
  const torn = tornDownBy(meta);
  const expectedToFail = expectations.reasonFor(path);
  const reason = order === undefined ? reasonOf(when, facts) : undefined;
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
    ...(reason !== undefined && { reason }),
    ...(group !== undefined && { group }),
    ...(pool !== undefined && { pool }),
    tags,
    ...(expectedToFail !== undefined && { expectedToFail }),
  };
}

/** That it does not throw has been seen by then. */
function reasonOf(when: TaskMeta['when'], facts: Facts): string | undefined {
  const said = typeof when === 'function' ? when(facts) : when;
  return typeof said === 'string' ? said : undefined;
}
