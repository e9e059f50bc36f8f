/** Which tasks a run needs if only some of them are asked for, and why each of the others is pulled in. */
import { type Capability, capabilitiesOf, describeCapability, type TaskDefinition } from '@pexen/core';
import type { Plan } from './plan.ts';
import type { Entry } from './planned.ts';

/** A task of the whole, as a selection looks at it. */
export interface Selectable {
  /** The call path, as text. */
  readonly path: string;
  readonly tags: readonly string[];
}

/** A task that is to run. */
export interface Selected extends Selectable {
  readonly entry: Entry;
  /** Absent for tasks that were asked for themselves. */
  readonly pulledIn?: {
    /** The path of a task that needs it, or whose provision it tears down. */
    readonly by: string;
    readonly as: 'provider' | 'teardown';
    /** The capability. */
    readonly of: string;
  };
}

/**
 * The tasks for which `isWanted`, with all providers of what they require and the teardowns of what those provide, and so on.
 * In the order of declaration.
 *
 * @example
 * const selected = select(new Plan({ pools }), tasks, ({ path }) => path.startsWith('net/'));
 * @throws PexenError with all that is wrong with the tasks, selected or not.
 */
export function select(
  plan: Plan,
  entries: Iterable<Entry>,
  isWanted: (task: Selectable) => boolean,
): Selected[] {
  const all = [...entries];
  const { from } = plan.add(all);
  const tasks = all.map((entry, index) => ({
    entry,
    path: plan.pathOf(from + index),
    tags: metaOf(plan, from + index).tags ?? [],
  }));
  const chosen = new Map<number, Selected['pulledIn']>();
  const agenda: number[] = [];
  const choose = (task: number, why?: Selected['pulledIn']): void => {
    if (chosen.has(task)) return;
    chosen.set(task, why);
    agenda.push(task);
  };
  for (const [index, task] of tasks.entries()) if (isWanted(task)) choose(from + index);
  const teardowns = teardownsOf(plan, from);
  for (let next = agenda.shift(); next !== undefined; next = agenda.shift()) {
    const by = plan.pathOf(next);
    for (const capability of requiredBy(plan, next))
      for (const provider of providersOf(plan, capability))
        if (provider !== next) choose(provider, { by, as: 'provider', of: describeCapability(capability) });
    for (const { task, capability } of teardowns)
      if (providersOf(plan, capability).includes(next))
        choose(task, { by, as: 'teardown', of: describeCapability(capability) });
  }
  return tasks.flatMap((task, index) => {
    if (!chosen.has(from + index)) return [];
    const pulledIn = chosen.get(from + index);
    return [{ ...task, ...(pulledIn !== undefined && { pulledIn }) }];
  });
}

function metaOf(plan: Plan, task: number): TaskDefinition['meta'] {
  return plan.metaOf(task);
}

function requiredBy(plan: Plan, task: number): readonly Capability[] {
  return (metaOf(plan, task).requires ?? []).flatMap(capabilitiesOf);
}

function providersOf(plan: Plan, capability: Capability): readonly number[] {
  return plan.graph.feeds.in.ends(plan.wiring.gateOf(capability));
}

function teardownsOf(plan: Plan, from: number): { readonly task: number; readonly capability: Capability }[] {
  const tasks = Array.from({ length: plan.graph.taskCount - from }, (_, index) => from + index);
  return tasks.flatMap((task) => {
    const { tearsDown } = metaOf(plan, task);
    return tearsDown === undefined ? [] : [{ task, capability: tearsDown }];
  });
}
