/**
 * How many stand where in the tree, and whether somebody else could: the one rule of conflict, used for what is held, reserved,
 * wanted and poisoned. Knows nobody by name.
 */
import { grown } from '@pexen/core/columns';
import type { Demands } from './demands.ts';
import type { Footprint } from './footprint.ts';
import { HOUSE, type ResourceTree } from './resource-tree.ts';
import { CLAIMED, CLAIMED_WITHIN, FREE, HELD, HELD_WITHIN, spotAt, WIDTH } from './spot.ts';
import { ROOT } from './trie.ts';
import { CLAIM, EXCLUSIVE, USE_ONE } from './wants.ts';

export class HoldCounts {
  /** Of each spot. Nodes that came later than the last count are not there yet. */
  at: Int32Array = new Int32Array(16 * WIDTH);
  /** Units taken of each node. */
  units: Float64Array = new Float64Array(0);
  readonly #tree: ResourceTree;
  readonly #demands: Demands;
  readonly #footprint: Footprint;

  constructor(tree: ResourceTree, demands: Demands, footprint: Footprint) {
    this.#tree = tree;
    this.#demands = demands;
    this.#footprint = footprint;
  }

  /** Is anything counted? */
  get isEmpty(): boolean {
    return !this.isTaken(spotAt(HOUSE, HELD));
  }

  /** Adds (1) or takes away (-1) a whole demand. */
  count(demand: number, by: 1 | -1): void {
    this.#footprint.ofDemand(demand);
    this.#addAll(by);
    if (this.#tree.capacity.length > 0) this.countUnits(demand, by);
  }

  /** Adds or takes away a use or a claim. */
  countEntry(node: number, want: number, by: 1 | -1): void {
    this.#footprint.ofEntry(node, want);
    this.#addAll(by);
  }

  /** The units of a demand only: they are given back, or taken again, while the rest stays. */
  countUnits(demand: number, by: 1 | -1): void {
    const { parent, label, sort } = this.#demands.trie;
    for (let at = demand; at !== ROOT; at = parent[at] as number) {
      const want = sort[at] as number;
      if (want < USE_ONE) continue;
      const node = label[at] as number;
      this.units = grown(this.units, node + 1);
      this.units[node] = (this.units[node] as number) + (this.#demands.counts[want] as number) * by;
    }
  }

  /** The spot where the want meets what is counted here, or FREE. Units are not looked at. */
  spotOf(node: number, want: number): number {
    if (want === EXCLUSIVE) return this.isEmpty ? FREE : spotAt(HOUSE, HELD);
    const isClaim = want === CLAIM;
    const { parent } = this.#tree;
    for (let at = node; at >= ROOT; at = parent[at] as number) {
      const spot = spotAt(at, isClaim ? HELD : CLAIMED);
      if (this.isTaken(spot)) return spot;
    }
    const spot = spotAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);
    return this.isTaken(spot) ? spot : FREE;
  }

  /** Would the spot keep somebody away? */
  isTaken(spot: number): boolean {
    return (this.at[spot] as number) > 0;
  }

  #addAll(by: number): void {
    this.at = grown(this.at, this.#tree.size * WIDTH);
    const { at } = this;
    const { spots, size } = this.#footprint;
    for (let index = 0; index < size; index++) {
      const spot = spots[index] as number;
      at[spot] = (at[spot] as number) + by;
    }
  }
}
