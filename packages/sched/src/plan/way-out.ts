/** What was probably meant by a capability that nobody provides. */
import { type Capability, isKey, nearest } from '@pexen/core';
import { NEEDS } from './graph.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Naming } from './naming.ts';
import type { Planned } from './planned.ts';

interface Known extends Pick<Planned, 'graph' | 'pathOf'> {
  readonly naming: Naming;
  readonly builder: GraphBuilder;
}

/** The near name and who provides it, the task that goes by the name, or what else is easily mistaken; nothing if nothing is near. */
export function wayOut(plan: Known, missing: readonly Capability[]): string | undefined {
  const { graph, naming, builder } = plan;
  const names = missing.filter((capability) => typeof capability === 'string');
  const task = naming.paths.find((path) => names.some((name) => `/${path}`.endsWith(`/${name}`)));
  if (task !== undefined) return `The task "${task}" goes by that name, but does not state it in "provides".`;
  const provided = graph.subjects.filter(
    (_, gate) => graph.kind[gate] === NEEDS && graph.feeds.in.first(gate) !== 0,
  );
  const providerOf = (name: unknown): string =>
    plan.pathOf(graph.feeds.in.ends(builder.names.find(name))[0] ?? 0);
  for (const name of names) {
    const near = nearest(
      name,
      provided.filter((each) => typeof each === 'string'),
    );
    if (near !== undefined) return `Did you mean "${near}" (provided by "${providerOf(near)}")?`;
  }
  for (const lost of missing) {
    if (typeof lost === 'function') return 'Add it to the run: to require a task does not do that.';
    const like = provided.find((each) => isKey(each) && isKey(lost) && each.name === lost.name);
    if (like !== undefined)
      return `The key of this name that "${providerOf(like)}" provides is another one: share the object.`;
  }
  return undefined;
}
