/** Which counters a demand raises while it is held: there it overtakes, and there it makes room in the end. Knows not who waits. */
import type { Demands } from './demands.ts';
import { HOUSE, type ResourceTree } from './resource-tree.ts';
import { CLAIMED, CLAIMED_WITHIN, HELD, HELD_WITHIN, spotAt } from './spot.ts';
import { ROOT } from './trie.ts';
import { CLAIM, EXCLUSIVE } from './wants.ts';

export class Footprint {
  /** The spots of what was asked for last, some of them twice; those below `size`. */
  readonly spots: number[] = [];
  size = 0;
  readonly #tree: ResourceTree;
  readonly #demands: Demands;

  constructor(tree: ResourceTree, demands: Demands) {
    this.#tree = tree;
    this.#demands = demands;
  }

  /** Everybody is in the house, whatever else they hold. */
  ofDemand(demand: number): void {
    const { parent, label, sort } = this.#demands.trie;
    this.spots[0] = spotAt(HOUSE, HELD);
    this.size = 1;
    for (let at = demand; at !== ROOT; at = parent[at] as number)
      this.#add(label[at] as number, sort[at] as number);
  }

  /** Of one entry alone: the house is not in it. */
  ofEntry(node: number, want: number): void {
    this.size = 0;
    this.#add(node, want);
  }

  /** The node itself, and whatever it is within. */
  #add(node: number, want: number): void {
    const { spots } = this;
    if (want === EXCLUSIVE) {
      spots[this.size++] = spotAt(HOUSE, CLAIMED);
      return;
    }
    const { parent } = this.#tree;
    const isClaim = want === CLAIM;
    spots[this.size++] = spotAt(node, HELD);
    if (isClaim) spots[this.size++] = spotAt(node, CLAIMED);
    for (let at = node; at >= ROOT; at = parent[at] as number) {
      spots[this.size++] = spotAt(at, HELD_WITHIN);
      if (isClaim) spots[this.size++] = spotAt(at, CLAIMED_WITHIN);
    }
  }
}
