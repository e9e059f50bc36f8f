/** What a plan needs if tasks say on which nodes they run. The parser of their conditions is loaded only then. */
import { definitionOf, type PlacedTask } from '@pexen/core';
import { loadNodePredicates, machineProperties } from '@pexen/factory';
import type { PlanOptions } from '@pexen/sched';

/** The options of a plan of these tasks that concern nodes. */
export async function placementOf(
  tasks: readonly PlacedTask[],
): Promise<Pick<PlanOptions, 'readOn' | 'here'>> {
  const asked = tasks.map(({ task }) => definitionOf(task).meta.on).filter((on) => on !== undefined);
  if (asked.length === 0) return {};
  const here = machineProperties();
  if (!asked.some((on) => typeof on === 'string')) return { here };
  return { here, readOn: await loadNodePredicates() };
}
