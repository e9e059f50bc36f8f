/**
 * The parked holders. A counter that blocks the prefix of a request blocks all requests with that prefix. So the holders and longer prefixes
 * that are blocked at one prefix form a heap, a group, which is in the queue of the blocking counter and moves as one. What a release costs
 * depends on what it frees, not on how many wait. Does not know about fairness.
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

/** A counter that never blocks: for holders that are parked although their request is free. */
const OPEN = counterAt(EVERYONE, CLAIMED_WITHIN);

const NO_COUNTERS: readonly number[] = [];

/** The name of a queue among the heaps. A group is named by its prefix, which is not below 0. */
function queueNameOf(counter: number): number {
  return -1 - counter;
}

/** The same table of rows with longer rows. */
function widened(table: Int32Array, from: number, to: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(Math.ceil(table.length / from) * to);
  for (let at = 0; at < table.length; at++)
    wide[Math.floor(at / from) * to + (at % from)] = table[at] as number;
  return wide;
}

export class BlockedQueues {
  count = 0;
  /** Ordered by rank. */
  readonly heaps: NestedHeaps;
  /** The same heaps with the same items, ordered by waiting time; undefined until that matters. Queues are in no heap here. */
  ages: NestedHeaps | undefined;
  /** Of each pool, the queues whose counter may be free. A queue that is not in here is blocked. */
  readonly unblocked: number[];
  /** The heaps of the open pools. */
  readonly open: number;
  /** The queues of each counter, one for each row: heaps of groups. */
  queues: Int32Array = new Int32Array(16);
  readonly #holders: Holders;
  readonly #requests: CompiledRequests;
  readonly #tree: ResourceTree;
  readonly #affected: AffectedCounters;
  readonly #conflicts: ConflictCheck;
  /** Two rows for each pool: the holders that are not starved, and the starved, which cannot be bypassed. */
  #rows: number;
  readonly #isClosed: boolean[] = [];
  /** The groups of each prefix, one for each row: heaps of holders and of groups. */
  #prefixHeaps = new Int32Array(16);
  /** The item of each holder in the heaps. */
  #waiters = new Int32Array(16);
  /** Of a node, the counters where holders wait, or waited, for its units. */
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

  /**
   * Parks the holder in the queue of the counter that the last `find` of its request found; if it is free, in that of `counter`, so that
   * what is taken there still counts as a bypass.
   */
  park(holder: Holder, counter: number = OPEN): void {
    const request = this.#holders.requestOf(holder);
    this.#waiters = grown(this.#waiters, holder + 1);
    this.#prefixHeaps = grown(this.#prefixHeaps, this.#requests.trie.size * this.#rows);
    if (this.#waiters[holder] === NOTHING) this.#waiters[holder] = this.#make(holder, holder);
    this.count++;
    const isFree = this.#conflicts.counter === FREE;
    if (isFree) this.#conflicts.counter = counter;
    this.#enqueue(this.#waiters[holder] as number, request, holder);
    if (isFree) this.#recheckCounter(counter);
  }

  unpark(holder: Holder): void {
    this.count--;
    this.#take(this.#waiters[holder] as number);
  }

  /** Rechecks the queues that the request blocked, after it or a part of it was released. */
  recheck(request: number): void {
    if (this.count === 0) return;
    this.#affected.ofRequest(request);
    const { counters, size } = this.#affected;
    for (let index = 0; index < size; index++) this.#recheckCounter(counters[index] as number);
    for (const counter of this.shortagesOf(request)) this.#recheckCounter(counter);
  }

  /**
   * The best holder whose request is free, or NONE. A group on the way that turns out to be blocked by another counter moves to its
   * queue, and `moved` is called: another holder took that before.
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

  /** Adds a pool, which is open. Returns its number. */
  addPool(): number {
    const rows = this.#rows;
    this.#rows = rows + 2;
    this.queues = widened(this.queues, rows, this.#rows);
    this.#prefixHeaps = widened(this.#prefixHeaps, rows, this.#rows);
    return this.unblocked.push(this.#make(NONE, NONE)) - 1;
  }

  /** Holders of a closed pool are never runnable. */
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

  /** The counter in whose queue the holder waits, with its group. */
  counterOf(holder: Holder): number {
    let item = this.#waiters[holder] as number;
    while (this.heaps.nameOf(item) >= 0) item = this.heaps.heapOf(item);
    return this.#counterOfQueue(item);
  }

  /**
   * Appends the holders at the counter that `holder` bypasses by taking it: of those in open pools that are not starved, all that go
   * before it, and the one that waits longest if `holder` is a latecomer to that.
   */
  collectBypassed(counter: number, holder: Holder, out: Holder[]): void {
    for (let row = 0; row < this.#rows; row += 2)
      if (this.#isOpenQueue(counter, row))
        this.heaps.collectBefore(this.queues[counter * this.#rows + row] as number, holder, out);
    const longest = this.longestAt(counter);
    if (longest !== NONE && this.#holders.isLatecomer(holder, longest)) out.push(longest);
  }

  /** Keeps the heaps by waiting time from now on. */
  useAges(): void {
    if (this.ages !== undefined) return;
    const { heaps } = this;
    const holders = this.#holders;
    const ages = new NestedHeaps({ isBefore: (item, other) => holders.waitsLonger(item, other) });
    this.ages = ages;
    for (let item = WIDTH; item < heaps.size; item += WIDTH) {
      const name = heaps.nameOf(item);
      ages.make(name, this.#waiters[name] === item ? name : NONE);
    }
    for (const queue of this.queues) if (queue !== NOTHING) this.#mirror(queue, ages);
  }

  #mirror(heap: number, ages: NestedHeaps): void {
    for (const item of this.heaps.contentsOf(heap)) {
      if (this.heaps.topOf(item) !== NOTHING) this.#mirror(item, ages);
      ages.put(item, heap);
    }
  }

  /** The holder at the counter that waits longest, of those in open pools that are not starved, or NONE. */
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

  /** The counters where holders wait for units of nodes that the request claims or takes units of. */
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

  /** Puts the pool among the open ones, unless it is empty. */
  #openUp(unblocked: number): void {
    const isIn = this.heaps.heapOf(unblocked) !== NOTHING || this.heaps.topOf(unblocked) === NOTHING;
    if (!isIn) this.heaps.put(unblocked, this.open);
  }

  #rowOf(holder: Holder): number {
    return this.#holders.poolOf(holder) * 2 + Number(this.#holders.is(holder, STARVED));
  }

  /** Moves the holder, with all that share the blocked prefix, to the queue of the counter that the last `find` found. */
  #move(holder: Holder): void {
    const { prefix } = this.#conflicts;
    const { depth } = this.#requests.trie;
    let item = this.#waiters[holder] as number;
    let path = this.#holders.requestOf(holder);
    for (;;) {
      const prefixHeap = this.heaps.heapOf(item);
      const name = this.heaps.nameOf(prefixHeap);
      if (name < 0 || (depth[name] as number) < (depth[prefix] as number)) break;
      item = prefixHeap;
      path = name;
    }
    this.#take(item);
    this.#enqueue(item, path, holder);
  }

  /**
   * Puts a holder, or the group it is in, into the existing group with the longest prefix that they share, or else into the queue of
   * the counter.
   */
  #enqueue(item: number, path: number, holder: Holder): void {
    const { prefix, counter } = this.#conflicts;
    const row = this.#rowOf(holder);
    let at = path;
    while (at !== prefix && this.heaps.heapOf(this.#prefixHeaps[at * this.#rows + row] as number) === NOTHING)
      at = this.#requests.trie.parent[at] as number;
    const prefixHeap = this.#heapAt(this.#prefixHeaps, at * this.#rows + row, at);
    if (prefixHeap !== item) this.#put(item, prefixHeap);
    if (this.heaps.heapOf(prefixHeap) !== NOTHING) return;
    this.queues = grown(this.queues, (counter + 1) * this.#rows);
    this.#put(prefixHeap, this.#heapAt(this.queues, counter * this.#rows + row, queueNameOf(counter)));
    if (this.#tree.unitsAt(counter) !== undefined) this.#noteShortage(counter);
  }

  #heapAt(heaps: Int32Array, index: number, name: number): number {
    if (heaps[index] === NOTHING) heaps[index] = this.#make(name, NONE);
    return heaps[index] as number;
  }

  /** An item has the same id in the heaps by rank and in those by age, since both are always made together. */
  #make(name: number, best: Holder): number {
    this.ages?.make(name, best);
    return this.heaps.make(name, best);
  }

  #put(item: number, heap: number): void {
    this.heaps.put(item, heap);
    this.ages?.put(item, heap);
  }

  #take(item: number): void {
    this.heaps.take(item);
    this.ages?.take(item);
  }

  /** Notes that holders wait at the counter for units, and forgets the counters of the node where none waits any more. */
  #noteShortage(counter: number): void {
    const node = this.#tree.nodeAt(counter);
    const known = this.#shortages.get(node) ?? new Set();
    for (const other of known) if (!this.#isUsedAt(other)) known.delete(other);
    this.#shortages.set(node, known.add(counter));
  }

  #isUsedAt(counter: number): boolean {
    for (let row = 0; row < this.#rows; row++) if (this.#isUsed(counter * this.#rows + row)) return true;
    return false;
  }

  /** Does any holder wait in that row of the counter, and is its pool open? */
  #isOpenQueue(counter: number, row: number): boolean {
    return this.#isUsed(counter * this.#rows + row) && this.isOpen(row >> 1);
  }

  /** Does any holder wait in the queue with this index? */
  #isUsed(index: number): boolean {
    return this.heaps.topOf(this.queues[index] ?? NOTHING) !== NOTHING;
  }

  #counterOfQueue(queue: number): number {
    return -1 - this.heaps.nameOf(queue);
  }
}
