/**
 * The parked holders. A counter that blocks the prefix of a request blocks all requests with that prefix: so the holders and longer prefixes that
 * are blocked at one prefix form a heap, which hangs in the queue of the blocking counter and moves as one. What a release costs depends on what
 * it frees, not on how many wait. Does not know about fairness.
 */

import { grown } from '@pexen/core/columns';
import type { AffectedCounters, ConflictCheck } from './conflicts.ts';
import { type Holder, type Holders, NONE, STARVED } from './holders.ts';
import { NestedHeaps, NOTHING, WIDTH } from './nested-heaps.ts';
import type { CompiledRequests } from './requests.ts';
import {
  CLAIM,
  CLAIMED_WITHIN,
  counterAt,
  EVERYONE,
  FREE,
  type ResourceTree,
  USE_ONE,
} from './resource-tree.ts';

/** In nobody's way, ever: for those who are parked although all is free. */
const OPEN = counterAt(EVERYONE, CLAIMED_WITHIN);

const NO_COUNTERS: readonly number[] = [];

/** What a place is called in the heaps, to tell it from a group: that goes by its beginning, which is not below 0. */
function queueNameOf(counter: number): number {
  return -1 - counter;
}

export class BlockedQueues {
  count = 0;
  /** By rank. */
  readonly heaps: NestedHeaps;
  /** The same heaps, with the same things in them, by how long they wait; undefined until that matters. Places are in no heap here. */
  ages: NestedHeaps | undefined;
  /** Of each pool, the places whose counter may be free. A place that is not in here is blocked. */
  readonly unblocked: readonly number[];
  /** Those of the pools that are open. */
  readonly open: number;
  /** Of each counter so many places as there are rows: heaps of groups. */
  queues: Int32Array = new Int32Array(16);
  readonly #holders: Holders;
  readonly #requests: CompiledRequests;
  readonly #tree: ResourceTree;
  readonly #affected: AffectedCounters;
  readonly #conflicts: ConflictCheck;
  /**
   * The starved are kept apart, since nobody bypasses them, and so are the pools: two rows for each, of those who are not starved
   * and of those who are.
   */
  readonly #rows: number;
  readonly #isClosed: boolean[] = [];
  /** Of each beginning of a request a group for each row, heaps of holders and of groups. */
  #prefixHeaps = new Int32Array(16);
  /** Of each holder, what stands for it in the heaps. */
  #waiters = new Int32Array(16);
  /** Of a node, the counters where somebody waits, or waited, for its units. */
  readonly #shortages = new Map<number, Set<number>>();

  constructor(
    holders: Holders,
    requests: CompiledRequests,
    tree: ResourceTree,
    affected: AffectedCounters,
    conflicts: ConflictCheck,
    pools: number,
  ) {
    this.#holders = holders;
    this.#requests = requests;
    this.#tree = tree;
    this.#affected = affected;
    this.#conflicts = conflicts;
    this.heaps = new NestedHeaps(holders);
    this.unblocked = Array.from({ length: pools }, () => this.#make(NONE, NONE));
    this.open = this.#make(NONE, NONE);
    this.#rows = pools * 2;
  }

  /** Parks the holder at what the last `find` of its request met. */
  park(holder: Holder): void {
    const request = this.#holders.requestOf(holder);
    this.#waiters = grown(this.#waiters, holder + 1);
    this.#prefixHeaps = grown(this.#prefixHeaps, this.#requests.trie.size * this.#rows);
    if (this.#waiters[holder] === NOTHING) this.#waiters[holder] = this.#make(holder, holder);
    this.count++;
    if (this.#conflicts.counter === FREE) this.#conflicts.counter = OPEN;
    this.#hang(this.#waiters[holder] as number, request, holder);
    this.#recheckCounter(OPEN);
  }

  unpark(holder: Holder): void {
    this.count--;
    this.#take(this.#waiters[holder] as number);
  }

  /** Something of what the request takes was given back: those who wait for it are worth a look. */
  recheck(request: number): void {
    if (this.count === 0) return;
    this.#affected.ofRequest(request);
    const { counters, size } = this.#affected;
    for (let index = 0; index < size; index++) this.#recheckCounter(counters[index] as number);
    for (const counter of this.shortagesOf(request)) this.#recheckCounter(counter);
  }

  /**
   * The best holder for which everything is free, or NONE. Groups that are looked at in vain move to what is in their way, and
   * `moved` is told: somebody took that before they could.
   */
  nextRunnable(moved: (holder: Holder, counter: number) => void): Holder | typeof NONE {
    for (;;) {
      const pool = this.heaps.topOf(this.open);
      if (pool === NOTHING) return NONE;
      const queue = this.heaps.topOf(pool);
      const holder = this.heaps.bestOf(queue);
      if (this.#conflicts.isBlocked(this.#counterOfQueue(queue), false)) this.heaps.take(queue);
      else if (this.#conflicts.find(this.#holders.requestOf(holder), false)) {
        this.#move(holder);
        moved(holder, this.#conflicts.counter);
      } else return holder;
    }
  }

  /** Holders of a closed pool are no candidates. */
  setPool(pool: number, isOpen: boolean): void {
    this.#isClosed[pool] = !isOpen;
    const unblocked = this.unblocked[pool] as number;
    if (!isOpen) this.heaps.take(unblocked);
    else this.#openUp(unblocked);
  }

  isOpen(pool: number): boolean {
    return !this.#isClosed[pool];
  }

  isOpenTo(holder: Holder): boolean {
    return this.isOpen(this.#holders.poolOf(holder));
  }

  /** The counter where the holder hangs, with its group. */
  counterOf(holder: Holder): number {
    let one = this.#waiters[holder] as number;
    while (this.heaps.nameOf(one) >= 0) one = this.heaps.heapOf(one);
    return this.#counterOfQueue(one);
  }

  /**
   * Appends those that wait at the counter in open pools, are not starved, and are bypassed if `holder` takes it: all that go before it,
   * and the one that waits longest, if `holder` is a latecomer to that.
   */
  collectBypassed(counter: number, holder: Holder, out: Holder[]): void {
    for (let row = 0; row < this.#rows; row += 2)
      if (this.#isOpenQueue(counter, row))
        this.heaps.collectBefore(this.queues[counter * this.#rows + row] as number, holder, out);
    const longest = this.longestAt(counter);
    if (longest !== NONE && this.#holders.isLatecomer(holder, longest)) out.push(longest);
  }

  /** From now on it matters who waits longest. */
  useAges(): void {
    if (this.ages !== undefined) return;
    const { heaps } = this;
    const holders = this.#holders;
    const ages = new NestedHeaps({ isBefore: (one, other) => holders.waitsLonger(one, other) });
    this.ages = ages;
    for (let one = WIDTH; one < heaps.size; one += WIDTH) {
      const name = heaps.nameOf(one);
      ages.make(name, this.#waiters[name] === one ? name : NONE);
    }
    for (const queue of this.queues) if (queue !== NOTHING) this.#mirror(queue, ages);
  }

  #mirror(heap: number, ages: NestedHeaps): void {
    for (const one of this.heaps.contentsOf(heap)) {
      if (this.heaps.topOf(one) !== NOTHING) this.#mirror(one, ages);
      ages.put(one, heap);
    }
  }

  /** Who waits longest of those that wait at the counter in open pools and are not starved, or NONE. */
  longestAt(counter: number): Holder | typeof NONE {
    const { ages } = this;
    let longest: Holder = NONE;
    if (ages === undefined) return longest;
    for (let row = 0; row < this.#rows; row += 2) {
      if (!this.#isOpenQueue(counter, row)) continue;
      const first = ages.bestOf(this.queues[counter * this.#rows + row] as number);
      if (longest === NONE || this.#holders.waitsLonger(first, longest)) longest = first;
    }
    return longest;
  }

  /** The counters where somebody waits for units of what the request takes units of, or claims. */
  shortagesOf(request: number): readonly number[] {
    if (this.#shortages.size === 0) return NO_COUNTERS;
    const found: number[] = [];
    for (const { node, mode } of this.#requests.entriesOf(request))
      if (mode === CLAIM || mode >= USE_ONE)
        for (const counter of this.#shortages.get(node) ?? NO_COUNTERS) found.push(counter);
    return found;
  }

  #recheckCounter(counter: number): void {
    for (let row = 0; row < this.#rows; row++) this.#recheckQueue(counter, row);
  }

  #recheckQueue(counter: number, row: number): void {
    const index = counter * this.#rows + row;
    if (!this.#isUsed(index) || this.#conflicts.isBlocked(counter, false)) return;
    const queue = this.queues[index] as number;
    if (this.heaps.heapOf(queue) !== NOTHING) return;
    const unblocked = this.unblocked[row >> 1] as number;
    this.heaps.put(queue, unblocked);
    if (this.isOpen(row >> 1)) this.#openUp(unblocked);
  }

  /** Empty pools stay outside. */
  #openUp(unblocked: number): void {
    const isIn = this.heaps.heapOf(unblocked) !== NOTHING || this.heaps.topOf(unblocked) === NOTHING;
    if (!isIn) this.heaps.put(unblocked, this.open);
  }

  /** Where the holder belongs among the heaps of a counter, or of a beginning. */
  #rowOf(holder: Holder): number {
    return this.#holders.poolOf(holder) * 2 + Number(this.#holders.is(holder, STARVED));
  }

  /** The holder was looked at in vain: it moves, with as many as share the beginning that is blocked. */
  #move(holder: Holder): void {
    const { prefix } = this.#conflicts;
    const { depth } = this.#requests.trie;
    let one = this.#waiters[holder] as number;
    let beginning = this.#holders.requestOf(holder);
    for (;;) {
      const prefixHeap = this.heaps.heapOf(one);
      const name = this.heaps.nameOf(prefixHeap);
      if (name < 0 || (depth[name] as number) < (depth[prefix] as number)) break;
      one = prefixHeap;
      beginning = name;
    }
    this.#take(one);
    this.#hang(one, beginning, holder);
  }

  /**
   * Lets a holder, or the group it is in, wait with the longest beginning of its own that somebody waits with, or else at the counter
   * itself.
   */
  #hang(one: number, beginning: number, holder: Holder): void {
    const { prefix, counter } = this.#conflicts;
    const row = this.#rowOf(holder);
    let at = beginning;
    while (at !== prefix && this.heaps.heapOf(this.#prefixHeaps[at * this.#rows + row] as number) === NOTHING)
      at = this.#requests.trie.parent[at] as number;
    const prefixHeap = this.#heapAt(this.#prefixHeaps, at * this.#rows + row, at);
    if (prefixHeap !== one) this.#put(one, prefixHeap);
    if (this.heaps.heapOf(prefixHeap) !== NOTHING) return;
    this.queues = grown(this.queues, (counter + 1) * this.#rows);
    this.#put(prefixHeap, this.#heapAt(this.queues, counter * this.#rows + row, queueNameOf(counter)));
    if (this.#tree.unitsAt(counter) !== undefined) this.#noteShortage(counter);
  }

  #heapAt(heaps: Int32Array, index: number, name: number): number {
    if (heaps[index] === NOTHING) heaps[index] = this.#make(name, NONE);
    return heaps[index] as number;
  }

  /** It is called the same among the heaps by rank and among those by age, since both are always made together. */
  #make(name: number, best: Holder): number {
    this.ages?.make(name, best);
    return this.heaps.make(name, best);
  }

  #put(one: number, heap: number): void {
    this.heaps.put(one, heap);
    this.ages?.put(one, heap);
  }

  #take(one: number): void {
    this.heaps.take(one);
    this.ages?.take(one);
  }

  /** Forgets those where nobody waits any more. */
  #noteShortage(counter: number): void {
    const node = this.#tree.nodeAt(counter);
    const known = this.#shortages.get(node) ?? new Set();
    for (const other of known) if (!this.#isUsedAt(other)) known.delete(other);
    this.#shortages.set(node, known.add(counter));
  }

  /** Does anybody wait at the counter? */
  #isUsedAt(counter: number): boolean {
    for (let row = 0; row < this.#rows; row++) if (this.#isUsed(counter * this.#rows + row)) return true;
    return false;
  }

  /** Does anybody wait at the counter who is not starved, in that row, and is the pool open? */
  #isOpenQueue(counter: number, row: number): boolean {
    return this.#isUsed(counter * this.#rows + row) && this.isOpen(row >> 1);
  }

  /** Does anybody wait at the place? */
  #isUsed(index: number): boolean {
    return this.heaps.topOf(this.queues[index] ?? NOTHING) !== NOTHING;
  }

  #counterOfQueue(queue: number): number {
    return -1 - this.heaps.nameOf(queue);
  }
}
