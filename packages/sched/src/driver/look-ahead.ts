/** Looks at tasks without running any: what a selection pulls in, and in which order a run would start. */
import { preview } from '../machine/preview.ts';
import type { Entry } from '../plan/planned.ts';
import { type Selectable, type Selected, select as selectFrom } from '../plan/select.ts';
import type { RunOptions } from './options.ts';
import { setUpFor } from './setup.ts';

/**
 * The tasks for which `isWanted`, with all providers of what they require and the teardowns of what those provide, and so on;
 * in the order of declaration. Hand their `entry` to `run`.
 *
 * @example
 * const selected = select(tasks, ({ path }) => path.startsWith('net/'));
 * for await (const result of run(selected.map(({ entry }) => entry), { partial: true })) …
 * @throws PexenError with all that is wrong with the tasks, selected or not.
 */
export function select(
  entries: Iterable<Entry>,
  isWanted: (task: Selectable) => boolean,
  options: RunOptions = {},
): Selected[] {
  return selectFrom(setUpFor(entries, options).plan, entries, isWanted);
}

/**
 * The call paths of the tasks in the order in which they would start if all went well and each pool had one worker. Those that do not
 * apply are left out.
 * @throws PexenError as `run` does.
 */
export function previewOf(entries: Iterable<Entry>, options: RunOptions = {}): string[] {
  const plan = setUpFor(entries, options).plan;
  plan.add(entries);
  return preview(plan).map((task) => plan.pathOf(task));
}
