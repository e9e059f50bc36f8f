/** What is in the way of a demand: what others hold, and what is reserved for the head of the starved. Knows not who asks. */
import type { Demands } from './demands.ts';
import type { HoldCounts } from './hold-counts.ts';
import { HOUSE, type ResourceTree } from './resource-tree.ts';
import { CLAIMED, FREE, HELD, spotAt } from './spot.ts';
import { ROOT } from './trie.ts';
import { USE_ONE } from './wants.ts';

/** Somebody exclusive is in everybody's way. */
const EXCLUDED = spotAt(HOUSE, CLAIMED);
/** Rounding of fractional amounts shall not keep anybody out. */
const TOLERANCE = 1 + 1e-9;

export class Obstacles {
  readonly held: HoldCounts;
  /** What the head of the starved needs; nothing else is ever counted here. */
  readonly reserved: HoldCounts;
  /** Of the last `find`: where it met the first obstacle, FREE if there was none. */
  spot = FREE;
  /** … the shortest beginning of the demand that is blocked, … */
  prefix = ROOT;
  /** … and whether nothing but the reservation is in the way. */
  isReservedOnly = false;
  /** Demands looked at so far: what the table's work is measured in. */
  finds = 0;
  readonly #tree: ResourceTree;
  readonly #demands: Demands;

  constructor(tree: ResourceTree, demands: Demands, held: HoldCounts, reserved: HoldCounts) {
    this.#tree = tree;
    this.#demands = demands;
    this.held = held;
    this.reserved = reserved;
  }

  /** Looks for what is in the way of the whole demand; of several obstacles, for that of the shortest beginning. */
  find(demand: number, isHead: boolean): boolean {
    this.finds++;
    this.#note(demand, FREE);
    const { parent, label, sort } = this.#demands.trie;
    const isReserving = !isHead && !this.reserved.isEmpty;
    let isHeld = false;
    for (let at = demand; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const want = sort[at] as number;
      let spot = this.#spotIn(this.held, node, want, false);
      if (spot !== FREE) isHeld = true;
      else if (isReserving) spot = this.#spotIn(this.reserved, node, want, true);
      if (spot !== FREE) this.#note(at, spot);
    }
    isHeld = this.#findExclusive(isReserving) || isHeld;
    this.isReservedOnly = !isHeld;
    return this.spot !== FREE;
  }

  /** Is the spot still in the way? */
  isBlocked(spot: number, isHead: boolean): boolean {
    const isReserving = !isHead && !this.reserved.isEmpty;
    const units = this.#tree.unitsAt(spot);
    if (units !== undefined) return this.isSpent(this.#tree.nodeAt(spot), units, isReserving);
    return this.held.isTaken(spot) || (isReserving && this.reserved.isTaken(spot));
  }

  /** Are all units of the demand there? Nothing else is looked at. */
  hasUnits(demand: number): boolean {
    this.finds++;
    const { parent, label, sort } = this.#demands.trie;
    for (let at = demand; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      if (!this.isSpent(node, sort[at] as number, false)) continue;
      this.#note(at, this.#shortage(node, sort[at] as number));
      return false;
    }
    return true;
  }

  /** Would the demand be in conflict with what is counted in `others`? Who takes units meets everybody who wants some. */
  meets(others: HoldCounts, demand: number): boolean {
    if (others.isTaken(EXCLUDED)) return true;
    const { parent, label, sort } = this.#demands.trie;
    for (let at = demand; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const want = sort[at] as number;
      if (others.spotOf(node, want) !== FREE) return true;
      if (want >= USE_ONE && (others.units[node] ?? 0) > 0) return true;
    }
    return false;
  }

  #spotIn(counts: HoldCounts, node: number, want: number, isReserving: boolean): number {
    const spot = counts.spotOf(node, want);
    return spot === FREE && this.isSpent(node, want, isReserving) ? this.#shortage(node, want) : spot;
  }

  /** Somebody exclusive is in everybody's way. */
  #findExclusive(isReserving: boolean): boolean {
    const isHeld = this.held.isTaken(EXCLUDED);
    if (isHeld || (isReserving && this.reserved.isTaken(EXCLUDED))) this.#note(ROOT, EXCLUDED);
    return isHeld;
  }

  #note(prefix: number, spot: number): void {
    this.prefix = prefix;
    this.spot = spot;
  }

  /** Who wants more units than there are waits apart from those who want fewer. */
  #shortage(node: number, want: number): number {
    return spotAt(this.#tree.aside(node, want), HELD);
  }

  /** Are there too few units for the want? */
  isSpent(node: number, want: number, isReserving: boolean): boolean {
    if (want < USE_ONE) return false;
    const reserved = isReserving ? (this.reserved.units[node] ?? 0) : 0;
    const taken = (this.held.units[node] ?? 0) + reserved + (this.#demands.counts[want] as number);
    return taken > this.#tree.capacityOf(node) * TOLERANCE;
  }
}
