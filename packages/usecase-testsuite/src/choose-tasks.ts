/** From a configuration to the tasks of a run: gathered, selected, and with all that the selected ones need. */
import type { Facts, PlacedTask, Problem } from '@pexen/core';
import { type RunOptions, type Selected, select } from '@pexen/sched';
import type { LoadedConfig } from './config.ts';
import { factsOf, gather } from './gather.ts';
import { startLoader } from './loader.ts';
import { isNarrowing, pick, type Selection } from './selection.ts';

/** The facts and all tasks of a suite, and what loaded them. */
export interface GatheredTasks {
  readonly facts: Facts;
  /** The address of the suite's loader, for the workers. */
  readonly loader: string | undefined;
  readonly tasks: readonly PlacedTask[];
}

/** Starts the loader, asks for the facts and runs the factories. @throws PexenError with the problems of all factories. */
export async function gatherTasks(
  loaded: LoadedConfig,
  onWarning: (warning: Problem) => void,
): Promise<GatheredTasks> {
  const { config, root, warnings = [] } = loaded;
  for (const warning of warnings) onWarning(warning);
  const loader = config.loader === undefined ? undefined : await startLoader(config.loader, root);
  const facts = await factsOf(loaded);
  return { facts, loader, tasks: await gather(loaded, facts, onWarning) };
}

/**
 * The tasks that were asked for, with all they need. `options` are those of the run, for its pools and groups. What looks wrong with
 * them is judged among all tasks: others may be missing only because nobody asked for them.
 * @throws PexenError with all that is wrong with the tasks; PEXEN_NOTHING_SELECTED.
 */
export function chooseTasks(
  { tasks }: GatheredTasks,
  selection: Selection,
  options: RunOptions,
): readonly Selected[] {
  const warnings: Problem[] = [];
  const all = select(tasks, () => true, { ...options, onWarning: (warning) => warnings.push(warning) });
  const wanted = new Set(pick(all, selection).map(({ path }) => path));
  const chosen = isNarrowing(selection)
    ? select(tasks, ({ path }) => wanted.has(path), { ...options, onWarning: () => {} })
    : all;
  const paths = new Set(chosen.map(({ path }) => path));
  for (const warning of warnings) if (paths.has(warning.task ?? '')) options.onWarning?.(warning);
  return chosen;
}
