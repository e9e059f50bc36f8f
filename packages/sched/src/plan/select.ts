/** Which tasks a run needs if only some of them are asked for, and why each of the others is pulled in. */
import { type Capability, capabilitiesOf, defined, describeCapability, tornDownBy } from '@pexen/core';
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
  /** What was handed in: to be handed to `run`. */
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
  const tasks = all.map((entry, index) => {
    const meta = plan.metaOf(from + index);
    const { tags = [] } = meta;
    return { selectable: { entry, path: plan.pathOf(from + index), tags }, torn: tornDownBy(meta) };
  });
  const chosen = new Map<number, Selected['pulledIn']>();
  const pullIn = (task: number, by: number, as: 'provider' | 'teardown', of: Capability): void => {
    if (!chosen.has(task)) chosen.set(task, { by: plan.pathOf(by), as, of: describeCapability(of) });
  };
  for (const [index, { selectable }] of tasks.entries())
    if (isWanted(selectable)) chosen.set(from + index, undefined);
  // Those that are chosen meanwhile come, too.
  for (const next of chosen.keys()) {
    for (const capability of (plan.metaOf(next).requires ?? []).flatMap(capabilitiesOf))
      for (const provider of providersOf(plan, capability)) pullIn(provider, next, 'provider', capability);
    for (const [index, { torn }] of tasks.entries()) {
      const given = torn.find((capability) => providersOf(plan, capability).includes(next));
      if (given !== undefined) pullIn(from + index, next, 'teardown', given);
    }
  }
  return tasks.flatMap(({ selectable }, index) => {
    const pulledIn = chosen.get(from + index);
    return chosen.has(from + index) ? [defined({ ...selectable, pulledIn })] : [];
  });
}

function providersOf(plan: Plan, capability: Capability): readonly number[] {
  return plan.graph.feeds.in.ends(plan.wiring.gateOf(capability));
}
