/**
 * How many stand where in the tree, and whether somebody else could: the one rule of conflict, used for what is held, reserved,
 * wanted and poisoned. Knows nobody by name.
 */
import { grown } from './columns.ts';
import { CLAIM, type Demands, EXCLUSIVE, USE_ONE } from './demands.ts';
import type { ResourceTree } from './resource-tree.ts';
import {
  CLAIMED,
  CLAIMED_BELOW,
  EXCLUDED,
  FREE,
  HELD,
  HELD_BELOW,
  INHABITED,
  kindOf,
  nodeOf,
  spotAt,
} from './spot.ts';
import { ROOT } from './trie.ts';

/** Four counters a node: holds and claims of it, holds and claims below it. */
export const WIDTH = 4;

export class HoldCounts {
  /** Demands that are counted. */
  present = 0;
  units: Float64Array = new Float64Array(0);
  exclusives = 0;
  at: Int32Array = new Int32Array(16 * WIDTH);
  readonly #tree: ResourceTree;
  readonly #demands: Demands;

  constructor(tree: ResourceTree, demands: Demands) {
    this.#tree = tree;
    this.#demands = demands;
  }

  /** Adds (1) or takes away (-1) a whole demand. */
  count(demand: number, by: 1 | -1): void {
    const { parent, label, sort } = this.#demands.trie;
    this.present += by;
    for (let at = demand; at !== ROOT; at = parent[at] as number)
      this.countEntry(label[at] as number, sort[at] as number, by);
  }

  countEntry(node: number, want: number, by: 1 | -1): void {
    if (want === EXCLUSIVE) {
      this.exclusives += by;
      return;
    }
    if ((node + 1) * WIDTH > this.at.length) this.at = grown(this.at, this.#tree.nodes.size * WIDTH);
    if (want >= USE_ONE) this.#spend(node, this.#demands.counts[want] as number, by);
    const claims = want === CLAIM ? by : 0;
    this.#add(node * WIDTH, by, claims);
    const { parent } = this.#tree.nodes;
    for (let at = node; at !== ROOT; ) {
      at = parent[at] as number;
      this.#add(at * WIDTH + 2, by, claims);
    }
  }

  /** The units of a demand only: they are given back, or taken again, while the rest stays. */
  countUnits(demand: number, by: 1 | -1): void {
    const { parent, label, sort } = this.#demands.trie;
    for (let at = demand; at !== ROOT; at = parent[at] as number) {
      const want = sort[at] as number;
      if (want >= USE_ONE) this.#spend(label[at] as number, this.#demands.counts[want] as number, by);
    }
  }

  /** The spot where the want meets what is counted here, or FREE. Units are not looked at. */
  spotOf(node: number, want: number): number {
    if (want === EXCLUSIVE) return this.present > 0 ? spotAt(ROOT, INHABITED) : FREE;
    return want === CLAIM ? this.#spotOfClaim(node) : this.#spotOfShare(node);
  }

  /** Would the spot keep somebody away? SPENT is not asked here. */
  isTaken(spot: number): boolean {
    const kind = kindOf(spot);
    if (kind === EXCLUDED) return this.exclusives > 0;
    if (kind === INHABITED) return this.present > 0;
    const base = nodeOf(spot) * WIDTH;
    if (kind === CLAIMED) return this.#get(base + 1) !== 0;
    if (kind === HELD) return this.#get(base) !== 0;
    return this.#get(base + (kind === CLAIMED_BELOW ? 3 : 2)) !== 0;
  }

  #spotOfClaim(node: number): number {
    if (this.#get(node * WIDTH) !== 0) return spotAt(node, HELD);
    const { parent } = this.#tree.nodes;
    for (let at = node; at !== ROOT; ) {
      at = parent[at] as number;
      if (this.#get(at * WIDTH) !== 0) return spotAt(at, HELD);
    }
    return this.#get(node * WIDTH + 2) !== 0 ? spotAt(node, HELD_BELOW) : FREE;
  }

  #spotOfShare(node: number): number {
    if (this.#get(node * WIDTH + 1) !== 0) return spotAt(node, CLAIMED);
    const { parent } = this.#tree.nodes;
    for (let at = node; at !== ROOT; ) {
      at = parent[at] as number;
      if (this.#get(at * WIDTH + 1) !== 0) return spotAt(at, CLAIMED);
    }
    return this.#get(node * WIDTH + 3) !== 0 ? spotAt(node, CLAIMED_BELOW) : FREE;
  }

  /** Nodes that came later than the last count are not counted yet. */
  #get(index: number): number {
    return index < this.at.length ? (this.at[index] as number) : 0;
  }

  #add(index: number, holds: number, claims: number): void {
    this.at[index] = (this.at[index] as number) + holds;
    this.at[index + 1] = (this.at[index + 1] as number) + claims;
  }

  #spend(node: number, count: number, by: number): void {
    this.units = grown(this.units, node + 1);
    this.units[node] = (this.units[node] as number) + count * by;
  }
}
