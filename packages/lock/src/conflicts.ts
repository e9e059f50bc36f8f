/**
 * The one rule of conflict. Every node has four counters: how many hold it, claim it, hold it or a node below it, claim it or a node below
 * it. A counter above 0 blocks some requests. The same counters serve for what is held, reserved, wanted and poisoned. Does not know holders.
 */

import { grown } from '@pexen/core/columns';
import type { CompiledRequests } from './requests.ts';
import {
  BESIDE,
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

/** Finds the counters that a request raises while it is held: its start bypasses requests there, and its release may unblock them. */
export class AffectedCounters {
  /** The result of the last call: the first `size` of these, some of them twice. */
  readonly counters: number[] = [];
  size = 0;
  readonly #tree: ResourceTree;
  readonly #requests: CompiledRequests;

  constructor(tree: ResourceTree, requests: CompiledRequests) {
    this.#tree = tree;
    this.#requests = requests;
  }

  /** Every request counts at EVERYONE, even an empty one; one that is BESIDE at a counter that blocks nothing. */
  ofRequest(request: number): void {
    const { parent, label, sort } = this.#requests.trie;
    this.counters[0] = counterAt(EVERYONE, HELD);
    this.size = 1;
    for (let at = request; at !== ROOT; at = parent[at] as number)
      this.#add(label[at] as number, sort[at] as number);
  }

  /** The counters of one entry alone, without EVERYONE. */
  ofEntry(node: number, mode: number): void {
    this.size = 0;
    this.#add(node, mode);
  }

  /** Adds the counters of the node and of all nodes above it. */
  #add(node: number, mode: number): void {
    const { counters } = this;
    if (mode === EXCLUSIVE) {
      counters[this.size++] = counterAt(EVERYONE, CLAIMED);
      return;
    }
    if (mode === BESIDE) {
      counters[0] = counterAt(EVERYONE, HELD_WITHIN);
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

/** One set of counters (of what is held, reserved, wanted or poisoned), and whether an entry conflicts with it. */
export class ConflictCounters {
  /** The value of each counter. Nodes that were made after the last count are missing. */
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

  get isEmpty(): boolean {
    return !this.isTaken(counterAt(EVERYONE, HELD)) && !this.isTaken(counterAt(EVERYONE, HELD_WITHIN));
  }

  /** An exclusive request is counted here, which blocks every other one. */
  get isExclusive(): boolean {
    return this.isTaken(EXCLUDED);
  }

  hasUnitsOf(node: number): boolean {
    return (this.units[node] ?? 0) > 0;
  }

  /** Adds (1) or subtracts (-1) a whole request. */
  count(request: number, by: 1 | -1): void {
    this.#affected.ofRequest(request);
    this.#addAll(by);
    if (this.#tree.capacity.length > 0) this.countUnits(request, by);
  }

  /** Adds or subtracts one use or claim. */
  countEntry(node: number, mode: number, by: 1 | -1): void {
    this.#affected.ofEntry(node, mode);
    this.#addAll(by);
  }

  /** Adds or subtracts the units of a request; its uses and claims stay. */
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

  /** The counter that blocks the entry, or FREE. Ignores units. */
  counterOf(node: number, mode: number): number {
    if (mode === BESIDE) return FREE;
    if (mode === EXCLUSIVE) return this.isTaken(counterAt(EVERYONE, HELD)) ? counterAt(EVERYONE, HELD) : FREE;
    const isClaim = mode === CLAIM;
    const { parent } = this.#tree;
    for (let at = node; at >= ROOT; at = parent[at] as number) {
      const counter = counterAt(at, isClaim ? HELD : CLAIMED);
      if (this.isTaken(counter)) return counter;
    }
    const counter = counterAt(node, isClaim ? HELD_WITHIN : CLAIMED_WITHIN);
    return this.isTaken(counter) ? counter : FREE;
  }

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

/** Exclusive holders count here. */
const EXCLUDED = counterAt(EVERYONE, CLAIMED);
/** Rounding of fractional amounts must not block a request. */
const TOLERANCE = 1 + 1e-9;

/** Finds what blocks a request: what others hold, and what is reserved for the head of the starved. */
export class ConflictCheck {
  readonly held: ConflictCounters;
  /** The request of the head of the starved; nothing else is counted here. */
  readonly reserved: ConflictCounters;
  /** Result of the last `find`: the counter that blocks the shortest prefix, FREE if none does; … */
  counter = FREE;
  /** … the shortest prefix of the request that is blocked; … */
  prefix = ROOT;
  /** … and whether only the reservation blocks it. */
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

  /** Finds the counter that blocks the request; of several, that of the shortest prefix. */
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

  /** Does the counter still block those in its queue? */
  isBlocked(counter: number, isHead: boolean): boolean {
    const isReserving = !isHead && !this.reserved.isEmpty;
    const units = this.#tree.unitsAt(counter);
    if (units !== undefined) return this.isSpent(this.#tree.nodeAt(counter), units, isReserving);
    return this.held.isTaken(counter) || (isReserving && this.reserved.isTaken(counter));
  }

  /** Are all units of the request free? Ignores uses and claims. */
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

  /** Could the request not be taken beside what is counted in `others`, if nothing else were held? */
  isBlockedBy(others: ConflictCounters, request: number): boolean {
    if (others.isExclusive) return true;
    const { parent, label, sort } = this.#requests.trie;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const mode = sort[at] as number;
      if (others.counterOf(node, mode) !== FREE) return true;
      if (mode < USE_ONE) continue;
      const taken = (others.units[node] ?? 0) + (this.#requests.counts[mode] as number);
      if (taken > this.#tree.capacityOf(node) * TOLERANCE) return true;
    }
    return false;
  }

  /** Does the request conflict with what is counted in `others`? Two requests for units of one node do, however many there are. */
  meets(others: ConflictCounters, request: number): boolean {
    if (others.isExclusive) return true;
    const { parent, label, sort } = this.#requests.trie;
    for (let at = request; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const mode = sort[at] as number;
      if (others.counterOf(node, mode) !== FREE) return true;
      if (mode >= USE_ONE && others.hasUnitsOf(node)) return true;
    }
    return false;
  }

  #counterIn(counts: ConflictCounters, node: number, mode: number, isReserving: boolean): number {
    const counter = counts.counterOf(node, mode);
    return counter === FREE && this.isSpent(node, mode, isReserving) ? this.#shortage(node, mode) : counter;
  }

  #findExclusive(isReserving: boolean): boolean {
    const isHeld = this.held.isExclusive;
    if (isHeld || (isReserving && this.reserved.isExclusive)) this.#note(ROOT, EXCLUDED);
    return isHeld;
  }

  #note(prefix: number, counter: number): void {
    this.prefix = prefix;
    this.counter = counter;
  }

  /** The counter for a lack of units. Each amount has its own, so that a large one does not block small ones. */
  #shortage(node: number, mode: number): number {
    return counterAt(this.#tree.aside(node, mode), HELD);
  }

  /** Are too few units free for this mode? */
  isSpent(node: number, mode: number, isReserving: boolean): boolean {
    if (mode < USE_ONE) return false;
    const reserved = isReserving ? (this.reserved.units[node] ?? 0) : 0;
    const taken = (this.held.units[node] ?? 0) + reserved + (this.#requests.counts[mode] as number);
    return taken > this.#tree.capacityOf(node) * TOLERANCE;
  }
}
