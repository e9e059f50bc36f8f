/** Determines which tasks a run needs if only some of them are selected, and why each of the others is included. */
import { type Capability, capabilitiesOf, describeCapability, tornDownBy } from '@pexen/core';
import type { CompiledTasks } from './compiled-tasks.ts';

/** Why a task is included that was not selected itself. */
export interface PulledIn {
  /** The path of a task that needs it, or whose provision it tears down. */
  readonly by: string;
  readonly as: 'provider' | 'teardown';
  /** The capability. */
  readonly of: string;
}

/**
 * The tasks for which `isWanted` returns true, all providers of what they require, the teardowns of what these provide, and so on, by
 * number. Those that were not selected have the reason why they are included.
 */
export function select(
  tasks: CompiledTasks,
  isWanted: (task: number) => boolean,
): Map<number, PulledIn | undefined> {
  const numbers = [...Array(tasks.count).keys()];
  const teardowns = teardownsOf(tasks, numbers);
  const chosen = new Map<number, PulledIn | undefined>();
  const pullIn = (task: number, by: number, as: PulledIn['as'], of: Capability): void => {
    if (!chosen.has(task)) chosen.set(task, { by: tasks.pathOf(by), as, of: describeCapability(of) });
  };
  for (const task of numbers) if (isWanted(task)) chosen.set(task, undefined);
  // The iteration includes the tasks that are added meanwhile.
  for (const next of chosen.keys()) {
    for (const capability of (tasks.metaOf(next).requires ?? []).flatMap(capabilitiesOf))
      for (const provider of providersOf(tasks, capability)) pullIn(provider, next, 'provider', capability);
    for (const [task, torn] of teardowns.get(next) ?? []) pullIn(task, next, 'teardown', torn);
  }
  return chosen;
}

/** Provider → the tasks that tear down what it provides, each with the capability. */
function teardownsOf(
  tasks: CompiledTasks,
  numbers: readonly number[],
): ReadonlyMap<number, readonly (readonly [number, Capability])[]> {
  const found = new Map<number, (readonly [number, Capability])[]>();
  for (const task of numbers)
    for (const torn of tornDownBy(tasks.metaOf(task)))
      for (const provider of providersOf(tasks, torn)) {
        const known = found.get(provider) ?? [];
        known.push([task, torn]);
        found.set(provider, known);
      }
  return found;
}

function providersOf({ graph, builder }: CompiledTasks, capability: Capability): readonly number[] {
  const condition = builder.names.find(capability);
  return condition < 0 ? [] : graph.feeds.in.ends(condition);
}
