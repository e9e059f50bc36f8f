/**
 * The one rule of conflict. Every node has four counters: how many hold it, claim it, hold it or something below it, claim it or something
 * below it. A counter that is not 0 is in the way of some requests. The same counters serve for what is held, reserved, wanted and poisoned.
 * Does not know who holds or asks.
 */

import { grown } from '@pexen/core/columns';
import type { CompiledRequests } from './requests.ts';
import {
  CLAIM,
  CLAIMED,
  CLAIMED_WITHIN,
  counterAt,
  EVERYONE,
  EXCLUSIVE,
  FREE,
  HELD,
  HELD_WITHIN,
  type ResourceTree,
  ROOT,
  USE_ONE,
  WIDTH,
} from './resource-tree.ts';

/** Finds the counters that a request raises while it is held: there it bypasses others, and there its release makes room. */
export class AffectedCounters {
  /** The counters of what was asked for last, some of them twice; those below `size`. */
  readonly counters: number[] = [];
  size = 0;
  readonly #tree: ResourceTree;
  readonly #requests: CompiledRequests;

  constructor(tree: ResourceTree, requests: CompiledRequests) {
    this.#tree = tree;
    this.#requests = requests;
  }

  /** Everybody is in the house, whatever else they hold. */
  ofRequest(request: number): void {
    const { parent, label, sort } = this.#requests.trie;
    this.counters[0] = counterAt(EVERYONE, HELD);
    this.size = 1;
    for (let at = request; at !== ROOT; at = parent[at] as number)
      this.#add(label[at] as number, sort[at] as number);
  }

  /** Of one entry alone: the house is not in it. */
  ofEntry(node: number, mode: number): void {
    this.size = 0;
    this.#add(node, mode);
  }

  /** The node itself, and whatever it is within. */
  #add(node: number, mode: number): void {
    const { counters } = this;
    if (mode === EXCLUSIVE) {
      counters[this.size++] = counterAt(EVERYONE, CLAIMED);
      return;
    }
    const { parent } = this.#tree;
    const isClaim = mode === CLAIM;
    counters[this.size++] = counterAt(node, HELD);
    if (isClaim) counters[this.size++] = counterAt(node, CLAIMED);
    for (let at = node; at >= ROOT; at = parent[at] as number) {
      counters[this.size++] = counterAt(at, HELD_WITHIN);
      if (isClaim) counters[this.size++] = counterAt(at, CLAIMED_WITHIN);
    }
  }
}

/** One set of counters, of what is held or reserved or wanted or poisoned, and whether a request conflicts with it. */
export class ConflictCounters {
  /** Of each counter. Nodes that came later than the last count are not there yet. */
  at: Int32Array = new Int32Array(16 * WIDTH);
  /** Units taken of each node. */
  units: Float64Array = new Float64Array(0);
  readonly #tree: ResourceTree;
  readonly #requests: CompiledRequests;
  readonly #affected: AffectedCounters;

  constructor(tree: ResourceTree, requests: CompiledRequests, affected: AffectedCounters) {
    this.#tree = tree;
    this.#requests = requests;
    this.#affected = affected;
  }

  /** Is anything counted? */
  get isEmpty(): boolean {
    return !this.isTaken(counterAt(EVERYONE, HELD));
  }

  /** Adds (1) or takes away (-1) a whole request. */
  count(request: number, by: 1 | -1): void {
    this.#affected.ofRequest(request);
    this.#addAll(by);
    if (this.#tree.capacity.length > 0) this.countUnits(request, by);
  }

  /** Adds or takes away a use or a claim. */
  countEntry(node: number, mode: number, by: 1 | -1): void {
    this.#affected.ofEntry(node, mode);
    this.#addAll(by);
  }

  /** The units of a request only: they are given back, or taken again, while the rest stays. */
  countUnits(request: number, by: 1 | -1): void {
    const { parent, label, sort } = this.#requests.trie;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const mode = sort[at] as number;
      if (mode < USE_ONE) continue;
      const node = label[at] as number;
      this.units = grown(this.units, node + 1);
      this.units[node] = (this.units[node] as number) + (this.#requests.counts[mode] as number) * by;
    }
  }

  /** The counter where the want meets what is counted here, or FREE. Units are not looked at. */
  counterOf(node: number, mode: number): number {
    if (mode === EXCLUSIVE) return this.isEmpty ? FREE : counterAt(EVERYONE, HELD);
    const isClaim = mode === CLAIM;
    const { parent } = this.#tree;
    for (let at = node; at >= ROOT; at = parent[at] as number) {
      const counter = counterAt(at, isClaim ? HELD : CLAIMED);
      if (this.isTaken(counter)) return counter;
    }
    const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);
    return this.isTaken(counter) ? counter : FREE;
  }

  /** Is the counter in the way of some request? */
  isTaken(counter: number): boolean {
    return (this.at[counter] as number) > 0;
  }

  #addAll(by: number): void {
    this.at = grown(this.at, this.#tree.size * WIDTH);
    const { at } = this;
    const { counters, size } = this.#affected;
    for (let index = 0; index < size; index++) {
      const counter = counters[index] as number;
      at[counter] = (at[counter] as number) + by;
    }
  }
}

/** An exclusive holder is in the way of every request. */
const EXCLUDED = counterAt(EVERYONE, CLAIMED);
/** Rounding of fractional amounts must not block a request. */
const TOLERANCE = 1 + 1e-9;

/** Finds what is in the way of a request: what others hold, and what is reserved for the first of the starved. */
export class ConflictCheck {
  readonly held: ConflictCounters;
  /** What the head of the starved needs; nothing else is ever counted here. */
  readonly reserved: ConflictCounters;
  /** Of the last `find`: where it met the first obstacle, FREE if there was none. */
  counter = FREE;
  /** … the shortest beginning of the request that is blocked, … */
  prefix = ROOT;
  /** … and whether nothing but the reservation is in the way. */
  isReservedOnly = false;
  readonly #tree: ResourceTree;
  readonly #requests: CompiledRequests;

  constructor(
    tree: ResourceTree,
    requests: CompiledRequests,
    held: ConflictCounters,
    reserved: ConflictCounters,
  ) {
    this.#tree = tree;
    this.#requests = requests;
    this.held = held;
    this.reserved = reserved;
  }

  /** Looks for what is in the way of the whole request; of several conflicts, for that of the shortest beginning. */
  find(request: number, isHead: boolean): boolean {
    this.#note(request, FREE);
    const { parent, label, sort } = this.#requests.trie;
    const isReserving = !isHead && !this.reserved.isEmpty;
    let isHeld = false;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const mode = sort[at] as number;
      let counter = this.#counterIn(this.held, node, mode, false);
      if (counter !== FREE) isHeld = true;
      else if (isReserving) counter = this.#counterIn(this.reserved, node, mode, true);
      if (counter !== FREE) this.#note(at, counter);
    }
    isHeld = this.#findExclusive(isReserving) || isHeld;
    this.isReservedOnly = !isHeld;
    return this.counter !== FREE;
  }

  /** Is the counter still in the way? */
  isBlocked(counter: number, isHead: boolean): boolean {
    const isReserving = !isHead && !this.reserved.isEmpty;
    const units = this.#tree.unitsAt(counter);
    if (units !== undefined) return this.isSpent(this.#tree.nodeAt(counter), units, isReserving);
    return this.held.isTaken(counter) || (isReserving && this.reserved.isTaken(counter));
  }

  /** Are all units of the request there? Nothing else is looked at. */
  hasUnits(request: number): boolean {
    const { parent, label, sort } = this.#requests.trie;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      if (!this.isSpent(node, sort[at] as number, false)) continue;
      this.#note(at, this.#shortage(node, sort[at] as number));
      return false;
    }
    return true;
  }

  /** Would the request be in conflict with what is counted in `others`? Who takes units meets everybody who wants some. */
  meets(others: ConflictCounters, request: number): boolean {
    if (others.isTaken(EXCLUDED)) return true;
    const { parent, label, sort } = this.#requests.trie;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const mode = sort[at] as number;
      if (others.counterOf(node, mode) !== FREE) return true;
      if (mode >= USE_ONE && (others.units[node] ?? 0) > 0) return true;
    }
    return false;
  }

  #counterIn(counts: ConflictCounters, node: number, mode: number, isReserving: boolean): number {
    const counter = counts.counterOf(node, mode);
    return counter === FREE && this.isSpent(node, mode, isReserving) ? this.#shortage(node, mode) : counter;
  }

  /** An exclusive holder is in the way of every request. */
  #findExclusive(isReserving: boolean): boolean {
    const isHeld = this.held.isTaken(EXCLUDED);
    if (isHeld || (isReserving && this.reserved.isTaken(EXCLUDED))) this.#note(ROOT, EXCLUDED);
    return isHeld;
  }

  #note(prefix: number, counter: number): void {
    this.prefix = prefix;
    this.counter = counter;
  }

  /** Who wants more units than there are waits apart from those who want fewer. */
  #shortage(node: number, mode: number): number {
    return counterAt(this.#tree.aside(node, mode), HELD);
  }

  /** Are there too few units for the want? */
  isSpent(node: number, mode: number, isReserving: boolean): boolean {
    if (mode < USE_ONE) return false;
    const reserved = isReserving ? (this.reserved.units[node] ?? 0) : 0;
    const taken = (this.held.units[node] ?? 0) + reserved + (this.#requests.counts[mode] as number);
    return taken > this.#tree.capacityOf(node) * TOLERANCE;
  }
}
