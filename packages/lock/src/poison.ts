/** What failures left behind: resources nobody should trust, until somebody heals them. Knows not who may take them all the same. */
import type { Demands } from './demands.ts';
import type { HoldCounts } from './hold-counts.ts';
import { type Holder, NONE, type NodeId } from './ids.ts';
import type { ResourceTree } from './resource-tree.ts';
import { CLAIMED, FREE, kindOf, nodeOf } from './spot.ts';
import { CLAIM, EXCLUSIVE, USE, USE_ONE } from './wants.ts';

interface Stain {
  readonly want: typeof USE | typeof CLAIM;
  readonly by: Holder;
}

export class Poison {
  /** Poisoned nodes, and what of whom poisoned them. */
  readonly stains: Map<NodeId, Stain[]> = new Map();
  readonly #tree: ResourceTree;
  readonly #demands: Demands;
  /** Poison counts as a hold: who conflicts with it must not take it. */
  readonly #counts: HoldCounts;

  constructor(tree: ResourceTree, demands: Demands, counts: HoldCounts) {
    this.#tree = tree;
    this.#demands = demands;
    this.#counts = counts;
  }

  add(demand: number, by: Holder): void {
    for (const { node, want } of this.#demands.needsOf(demand))
      if (want === CLAIM) this.#stain(node, { want: CLAIM, by });
      else if (want === USE || want === USE_ONE) this.#stain(node, { want: USE, by });
  }

  /** The poisoned node that forbids the demand, or NONE. */
  nodeFor(demand: number): NodeId {
    if (this.stains.size === 0) return NONE;
    for (const { node, want } of this.#demands.needsOf(demand)) {
      const spot = want === EXCLUSIVE ? FREE : this.#counts.spotOf(node, want);
      if (spot !== FREE) return this.#poisonedAt(spot, want);
    }
    return NONE;
  }

  poisonerOf(node: NodeId): Holder {
    return this.stains.get(node)?.[0]?.by ?? NONE;
  }

  /** Heals what is at or below a claim of the demand. */
  heal(demand: number): void {
    if (this.stains.size === 0) return;
    for (const { node, want } of this.#demands.needsOf(demand)) if (want === CLAIM) this.#healBelow(node);
  }

  #stain(node: NodeId, stain: Stain): void {
    const stains = this.stains.get(node);
    if (stains === undefined) {
      this.#tree.retain(node);
      this.stains.set(node, [stain]);
    } else stains.push(stain);
    this.#counts.countEntry(node, stain.want, 1);
  }

  #healBelow(above: NodeId): void {
    for (const [node, stains] of this.stains) {
      if (!this.#tree.isWithin(node, above)) continue;
      for (const { want } of stains) this.#counts.countEntry(node, want, -1);
      this.stains.delete(node);
      this.#tree.drop(node);
    }
  }

  /** The node that is poisoned itself: at the spot, or somewhere below it. */
  #poisonedAt(spot: number, want: number): NodeId {
    const node = nodeOf(spot);
    if (kindOf(spot) <= CLAIMED) return node;
    for (const [below, stains] of this.stains)
      if (
        this.#tree.isWithin(below, node) &&
        (want === CLAIM || stains.some((stain) => stain.want === CLAIM))
      )
        return below;
    return node;
  }
}
