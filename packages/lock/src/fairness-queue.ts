/**
 * Decides which parked holder is next. Counts bypasses (starts of equal or worse rank that took what a parked holder waits for) and, for the
 * holder that waits longest at a counter, latecomers (starts of better rank that were added after it was parked). At either limit a holder is
 * starved: it is parked apart and no longer counted, and the request of the head of the starved is reserved. Does not take anything.
 */
import { grown } from '@pexen/core/columns';
import type { BlockedQueues } from './blocked-queues.ts';
import type { AffectedCounters, ConflictCheck, ConflictCounters } from './conflicts.ts';
import {
  BYPASSED,
  COUNTED,
  HOLDING,
  type Holder,
  type Holders,
  LATECOMERS,
  NONE,
  PARKED,
  SINCE,
  START,
  STARVED,
  TICKET,
} from './holders.ts';
import { counterAt, FREE, HELD, type ResourceTree, WIDTH } from './resource-tree.ts';

/** After how many starts of others a holder is starved. */
export interface Limits {
  /** … of equal or worse rank. */
  readonly bypasses: number;
  /** … of better rank that were added after it was parked, while it waits longest. */
  readonly latecomers: number;
}

export class FairnessQueue {
  /** The only holder whose request is reserved. */
  head: Holder = NONE;
  /** How many are parked. */
  count = 0;
  /** How many starts there were so far; starts are numbered from 1. */
  starts = 0;
  readonly parked: BlockedQueues;
  /** The requests of all parked holders. */
  readonly wanted: ConflictCounters;
  /** The holders that hold everything but their amounts, and wait for these. */
  readonly returning: Set<Holder> = new Set();
  readonly #holders: Holders;
  readonly #tree: ResourceTree;
  readonly #affected: AffectedCounters;
  readonly #conflicts: ConflictCheck;
  readonly #limits: Limits;
  /** The starved without the head, in the order in which they starved. Those before `#first`, or with another ticket, have left. */
  #queue: Holder[] = [];
  #first = 0;
  /** The counter that blocked the head when it was last checked. */
  #headCounter = FREE;
  /** Units may be free for some of `returning`. */
  #hasUnitsBack = true;
  /** Of each counter, the holder that took it last while others waited. */
  #lastTaker = new Int32Array(16).fill(NONE);
  /** Scratch: the holders that the start at hand bypasses. */
  readonly #bypassed: Holder[] = [];

  constructor(
    holders: Holders,
    tree: ResourceTree,
    affected: AffectedCounters,
    conflicts: ConflictCheck,
    parked: BlockedQueues,
    wanted: ConflictCounters,
    limits: Limits,
  ) {
    this.#holders = holders;
    this.#tree = tree;
    this.#affected = affected;
    this.#conflicts = conflicts;
    this.#limits = limits;
    this.wanted = wanted;
    this.parked = parked;
  }

  /** The starved without the head, in their order. */
  get starved(): Holder[] {
    return this.#queue.filter((holder, at) => at >= this.#first && this.#isInQueue(holder, at));
  }

  /** Called for a new holder, and for a new rank. Waiting times are compared only once there may be a latecomer. */
  ranked(holder: Holder, isNew: boolean): void {
    if (this.count === 0 || this.parked.ages !== undefined) return;
    if (this.#holders.mayBeLatecomer(holder, isNew)) this.parked.useAges();
  }

  /** Parks the holder in the queue of the counter that the last `find` of its request found; if it is free, in that of `counter`. */
  park(holder: Holder, counter?: number): void {
    if (this.#holders.noteWait(holder, this.count === 0)) this.parked.useAges();
    if (this.#isToBeStarved(holder)) this.starve(holder);
    this.#count(holder, 1);
    this.#holders.add(holder, PARKED);
    this.#hasUnitsBack = true;
    if (this.#holders.is(holder, HOLDING)) this.returning.add(holder);
    else if (holder !== this.head) this.parked.park(holder, counter);
  }

  /** Harmless if it is not parked. */
  unpark(holder: Holder): void {
    if (!this.#holders.is(holder, PARKED)) return;
    this.#count(holder, -1);
    this.#holders.remove(holder, PARKED);
    if (this.#holders.is(holder, HOLDING)) this.returning.delete(holder);
    else if (holder !== this.head) this.parked.unpark(holder);
  }

  /** Changes the rank. Where its request is free at the moment, a parked holder keeps its place, so that starts go on to be counted. */
  rank(holder: Holder, priority: number, rank: number): void {
    const isParked = this.#holders.is(holder, PARKED);
    const isQueued = isParked && holder !== this.head && !this.#holders.is(holder, HOLDING);
    const counter = isQueued ? this.parked.counterOf(holder) : undefined;
    this.unpark(holder);
    this.#holders.setRank(holder, priority, rank);
    this.ranked(holder, false);
    if (!isParked) return;
    this.#conflicts.find(this.#holders.requestOf(holder), false);
    this.park(holder, counter);
  }

  /** It wants another request, in this pool. A parked holder waits for that instead; its bypasses still count. */
  rebind(holder: Holder, request: number, pool: number): void {
    const before = this.#holders.requestOf(holder);
    const isParked = this.#holders.is(holder, PARKED);
    this.unpark(holder);
    this.#holders.rebind(holder, request, pool);
    if (holder === this.head) {
      this.#headCounter = FREE;
      this.#conflicts.reserved.count(before, -1);
      this.#conflicts.reserved.count(request, 1);
    }
    if (isParked) {
      this.#conflicts.find(request, holder === this.head);
      this.park(holder);
    }
    if (holder === this.head) this.recheck(before);
  }

  /** Called when the holder takes its request, or gives up: it is no longer parked nor starved. */
  leave(holder: Holder): void {
    this.unpark(holder);
    this.#holders.remove(holder, STARVED);
    if (holder !== this.head) return;
    this.head = NONE;
    this.#conflicts.reserved.count(this.#holders.requestOf(holder), -1);
  }

  /** Called when the holder has taken its request. Starves the holders that it bypassed too often, best first. */
  started(holder: Holder): void {
    this.elect();
    this.starts = (this.starts + 1) | 0;
    this.#holders.set(holder, START, this.starts);
    if (this.parked.count === 0) return;
    const bypassed = this.#bypassed;
    this.#collectBypassed(holder);
    if (bypassed.length === 0) return;
    const starved = bypassed.filter((other) => this.#isNew(other) && this.#isTooMuch(other, holder));
    while (bypassed.length > 0) bypassed.pop(); // setting `length` leaves optimized code
    if (starved.length > 1) starved.sort((a, b) => (this.#holders.isBefore(a, b) ? -1 : 1));
    for (const other of starved) this.starve(other);
  }

  /** Puts the holder at the end of the queue of the starved. */
  starve(holder: Holder): void {
    const isParked = this.#holders.is(holder, PARKED);
    if (isParked) this.parked.unpark(holder);
    this.#holders.add(holder, STARVED);
    if (this.head === NONE) {
      this.#lead(holder);
      return;
    }
    this.#holders.set(holder, TICKET, this.#queue.push(holder) - 1);
    if (!isParked) return;
    this.#conflicts.find(this.#holders.requestOf(holder), false);
    this.parked.park(holder);
  }

  /** Makes the first of the starved the head, if there is none. */
  elect(): void {
    if (this.head !== NONE) return;
    while (this.#first < this.#queue.length) {
      const at = this.#first++;
      const first = this.#queue[at] as Holder;
      if (!this.#isInQueue(first, at)) continue;
      if (this.#holders.is(first, PARKED)) this.parked.unpark(first);
      this.#lead(first);
      return;
    }
    this.#queue = [];
    this.#first = 0;
  }

  /** Called when the request, or a part of it, was released. */
  recheck(request: number): void {
    this.#hasUnitsBack = true;
    this.parked.recheck(request);
  }

  /** The parked holder to start next, or NONE. */
  nextRunnable(): Holder {
    if (this.count === 0) return NONE;
    const returning = this.#bestReturning();
    if (returning !== NONE) return returning;
    return this.#isHeadFree() ? this.head : this.parked.nextRunnable(this.#moved);
  }

  /** Does any other parked holder want what the holder takes? */
  isContended(holder: Holder): boolean {
    if (this.count === 0) return false;
    const isParked = this.#holders.is(holder, PARKED);
    if (isParked) this.#count(holder, -1);
    const answer = this.#conflicts.meets(this.wanted, this.#holders.requestOf(holder));
    if (isParked) this.#count(holder, 1);
    return answer;
  }

  /**
   * Called when a parked holder turns out to be blocked by another counter now, which counts as a bypass, too. Otherwise two streams
   * could take turns in blocking it, each while it waits for the other.
   */
  readonly #moved = (holder: Holder, counter: number): void => {
    if (this.#conflicts.isReservedOnly) return;
    const taken =
      this.#tree.unitsAt(counter) === undefined ? counter : counterAt(this.#tree.nodeAt(counter), HELD);
    const taker = this.#lastTaker[taken] ?? NONE;
    if (taker === NONE) return;
    this.#countLatecomer(taker, counter);
    if (this.#holders.is(holder, STARVED) || this.#holders.isBefore(taker, holder)) return;
    if (!this.#hasStartedAfter(taker, this.#holders.get(holder, SINCE))) return;
    // One start may block it at several counters, and is one bypass.
    if (!this.#hasStartedAfter(taker, this.#holders.get(holder, COUNTED))) return;
    this.#holders.set(holder, COUNTED, this.#holders.get(taker, START));
    if (this.#isTooMuch(holder, taker)) this.starve(holder);
  };

  /** Others may have moved with a holder. Of these, too, only the one that waits longest is counted, unless it was when the taker started. */
  #countLatecomer(taker: Holder, counter: number): void {
    const longest = this.parked.longestAt(counter);
    if (longest === NONE || !this.#holders.isLatecomer(taker, longest)) return;
    if (!this.#hasStartedAfter(taker, this.#holders.get(longest, COUNTED))) return;
    this.#holders.set(longest, COUNTED, this.#holders.get(taker, START));
    if (this.#isTooMuch(longest, taker)) this.starve(longest);
  }

  #hasStartedAfter(taker: Holder, start: number): boolean {
    return ((this.#holders.get(taker, START) - start) | 0) > 0;
  }

  /** Collects the holders that are bypassed at a counter that `holder` takes; not those in closed pools, which could not have started. */
  #collectBypassed(holder: Holder): void {
    const request = this.#holders.requestOf(holder);
    this.#affected.ofRequest(request);
    const { counters, size } = this.#affected;
    this.#lastTaker = grown(this.#lastTaker, this.#tree.size * WIDTH, NONE);
    for (let index = 0; index < size; index++) {
      const counter = counters[index] as number;
      this.#lastTaker[counter] = holder;
      this.parked.collectBypassed(counter, holder, this.#bypassed);
    }
    for (const counter of this.parked.shortagesOf(request))
      this.parked.collectBypassed(counter, holder, this.#bypassed);
  }

  /** Has it not been counted yet for the start at hand? */
  #isNew(holder: Holder): boolean {
    const isNew = this.#holders.get(holder, COUNTED) !== this.starts;
    this.#holders.set(holder, COUNTED, this.starts);
    return isNew;
  }

  /** Counts a bypass, and returns whether the limit is reached. */
  #isTooMuch(holder: Holder, by: Holder): boolean {
    const isLatecomer = this.#holders.isBefore(by, holder);
    const kind = isLatecomer ? LATECOMERS : BYPASSED;
    const count = this.#holders.get(holder, kind) + 1;
    this.#holders.set(holder, kind, count);
    return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);
  }

  /** Was it starved before, left the queue without having started, and is parked again? */
  #isToBeStarved(holder: Holder): boolean {
    const { bypasses, latecomers } = this.#limits;
    const isOld =
      this.#holders.get(holder, BYPASSED) >= bypasses || this.#holders.get(holder, LATECOMERS) >= latecomers;
    return isOld && !this.#holders.is(holder, STARVED | HOLDING);
  }

  #isInQueue(holder: Holder, at: number): boolean {
    return this.#holders.is(holder, STARVED) && this.#holders.get(holder, TICKET) === at;
  }

  #lead(holder: Holder): void {
    this.head = holder;
    this.#headCounter = FREE;
    this.#conflicts.reserved.count(this.#holders.requestOf(holder), 1);
  }

  #isHeadFree(): boolean {
    if (this.head === NONE || !this.#holders.is(this.head, PARKED) || !this.parked.isOpenTo(this.head))
      return false;
    const conflicts = this.#conflicts;
    if (this.#headCounter !== FREE && conflicts.isBlocked(this.#headCounter, true)) return false;
    conflicts.find(this.#holders.requestOf(this.head), true);
    this.#headCounter = conflicts.counter;
    return conflicts.counter === FREE;
  }

  #bestReturning(): Holder {
    if (this.returning.size === 0 || !this.#hasUnitsBack) return NONE;
    const { parked } = this;
    let best = NONE;
    this.#hasUnitsBack = false;
    for (const holder of this.returning) {
      if (!this.#conflicts.hasUnits(this.#holders.requestOf(holder))) continue;
      this.#hasUnitsBack = true;
      if (parked.isOpenTo(holder) && (best === NONE || this.#holders.isBefore(holder, best))) best = holder;
    }
    return best;
  }

  #count(holder: Holder, by: 1 | -1): void {
    const request = this.#holders.requestOf(holder);
    this.count += by;
    if (this.#holders.is(holder, HOLDING)) this.wanted.countUnits(request, by);
    else this.wanted.count(request, by);
  }
}
