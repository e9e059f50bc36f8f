/**
 * Which tasks only some of the slots of their pool can run. Knows the nodes that are there, and nothing else about the progress of the run.
 */
import { NOTHING, type ResourcesOfNodes } from './node-resources.ts';
import { ANYWHERE, type NodeAnswer, type Placement } from './placement.ts';

/** What is known of a node that is there. */
export interface KnownNode {
  readonly slots: number;
  readonly answers: readonly NodeAnswer[];
  readonly units: readonly number[];
}

/** The tasks that have it share these slots, and no others can run them. */
export interface Bottleneck {
  /** How many of them can run at once, at least one: if there is no such node now, they wait for one. */
  readonly slots: number;
}

interface NodesOfPool {
  readonly mostSlots: number;
  readonly nodes: readonly KnownNode[];
  /** By what tasks ask of their node; equal ones are one. */
  readonly byAsked: Map<string, Bottleneck | undefined>;
  readonly bySlots: Map<string, Bottleneck>;
}

export class Bottlenecks {
  readonly #placement: Placement;
  readonly #resources: ResourcesOfNodes;
  readonly #pools = new Map<number, NodesOfPool>();

  constructor(placement: Placement, resources: ResourcesOfNodes) {
    this.#placement = placement;
    this.#resources = resources;
  }

  /** These nodes are in the pool now, which uses so many slots at most. False if that changes nothing for any task. */
  change(pool: number, nodes: readonly KnownNode[], mostSlots: number): boolean {
    if (this.#placement.count === 1 && !this.#resources.areAny) return false;
    const known = nodes.map(({ slots, answers, units }) => ({ slots, answers, units }));
    if (JSON.stringify(known) === JSON.stringify(this.#pools.get(pool)?.nodes)) return false;
    this.#pools.set(pool, { nodes: known, mostSlots, byAsked: new Map(), bySlots: new Map() });
    return true;
  }

  /** False if no task has one. */
  get areAny(): boolean {
    return this.#pools.size > 0;
  }

  /** That of a task of this pool; undefined if all slots can run it, or no node was there yet. */
  of(task: number, pool: number): Bottleneck | undefined {
    const constraint = this.#placement.constraintOf(task);
    const needs = this.#resources.needsOf(task);
    const there = this.#pools.get(pool);
    if (there === undefined || (constraint === ANYWHERE && needs === NOTHING)) return undefined;
    const key = `${constraint} ${needs}`;
    if (!there.byAsked.has(key)) there.byAsked.set(key, this.#find(there, constraint, needs));
    return there.byAsked.get(key);
  }

  #find(
    { nodes, mostSlots, bySlots }: NodesOfPool,
    constraint: number,
    needs: number,
  ): Bottleneck | undefined {
    const slotsOf = ({ slots, answers, units }: KnownNode): number =>
      constraint === ANYWHERE || answers[constraint] === true
        ? Math.min(slots, this.#resources.mostAtOnce(needs, units))
        : 0;
    const usable = nodes.map(slotsOf);
    const sum = (counts: readonly number[]): number =>
      Math.min(
        mostSlots,
        counts.reduce((some, count) => some + count, 0),
      );
    if (sum(usable) === sum(nodes.map(({ slots }) => slots))) return undefined;
    const key = `${needs} ${usable}`;
    const found = bySlots.get(key) ?? { slots: Math.max(1, sum(usable)) };
    bySlots.set(key, found);
    return found;
  }
}
