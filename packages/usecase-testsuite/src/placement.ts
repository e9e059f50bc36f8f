/** What a plan needs if tasks say on which nodes they run. The parser of their conditions is loaded only then. */
import { definitionOf, type NodePredicate, type PlacedTask } from '@pexen/core';
import { loadNodeQueries, machineProperties } from '@pexen/factory';
import type { PlanOptions } from '@pexen/sched';

/** The options of a plan of these tasks that concern nodes. */
export async function placementOf(
  tasks: readonly PlacedTask[],
): Promise<Pick<PlanOptions, 'readOn' | 'here'>> {
  const asked = tasks.map(({ task }) => definitionOf(task).meta.on).filter((on) => on !== undefined);
  if (asked.length === 0) return {};
  const here = machineProperties();
  if (!asked.some((on) => typeof on === 'string')) return { here };
  const readNodeQuery = await loadNodeQueries();
  const readOn = (text: string): NodePredicate => {
    const read = readNodeQuery(text);
    if ('fault' in read) throw new Error(messageOf(text, read.fault));
    return ({ properties }) => {
      const missing = read.query.lacks(properties);
      return missing.length === 0 || `lacks ${missing.join('; ')}`;
    };
  };
  return { here, readOn };
}

function messageOf(
  text: string,
  { message, hint, at }: { readonly message: string; readonly hint?: string; readonly at: number },
): string {
  return [`"${text}" ${message}, at its character ${at + 1}`, hint]
    .filter((each) => each !== undefined)
    .join('. ');
}
