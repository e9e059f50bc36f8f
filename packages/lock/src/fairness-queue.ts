/**
 * Who waits and who comes next. Counts bypasses (starts of equal or worse rank that took what a parked holder waits for) and, for the holder that
 * waits longest at a counter, latecomers (starts of better rank that were added after it was parked). At either limit a holder is starved: it is
 * parked apart and not counted any more, and the head of the queue of the starved has what it needs reserved. Does not know how anything is taken.
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

/** So many starts by which a holder is starved. */
export interface Limits {
  /** … of equal or worse rank. */
  readonly bypasses: number;
  /** … of better ones that were added after it was parked, while it waits longest. */
  readonly latecomers: number;
}

export class FairnessQueue {
  /** The only one that has what it needs reserved. */
  head: Holder = NONE;
  /** How many are parked. */
  count = 0;
  /** Starts so far: they are numbered from 1. */
  starts = 0;
  readonly parked: BlockedQueues;
  /** What all that are parked want. */
  readonly wanted: ConflictCounters;
  /** Those who hold everything but their amounts, and wait for these. */
  readonly returning: Set<Holder> = new Set();
  readonly #holders: Holders;
  readonly #tree: ResourceTree;
  readonly #affected: AffectedCounters;
  readonly #conflicts: ConflictCheck;
  readonly #limits: Limits;
  /** The starved but the head, in the order in which they became so. Those before `#first`, or with another ticket, have left. */
  #line: Holder[] = [];
  #first = 0;
  /** Where the head met its last obstacle. */
  #headCounter = FREE;
  /** There may be units for some of those who return. */
  #hasUnitsBack = true;
  /** Of a counter, the last start that took it while others waited. */
  #lastTaker = new Int32Array(16).fill(NONE);
  /** Scratch: those that the start at hand bypasses. */
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

  /** The starved but the head, in their order. */
  get starved(): Holder[] {
    return this.#line.filter((holder, at) => at >= this.#first && this.#isInLine(holder, at));
  }

  /** The holder is known, or has another rank. Who waits longest is of no interest before there is a latecomer to anybody. */
  ranked(holder: Holder, isNew: boolean): void {
    if (this.count === 0 || this.parked.ages !== undefined) return;
    if (this.#holders.mayBeLatecomer(holder, isNew)) this.parked.useAges();
  }

  /** Parks the holder at what the last `find` of its request met. */
  park(holder: Holder): void {
    if (this.#holders.noteWait(holder, this.count === 0)) this.parked.useAges();
    if (this.#isToBeStarved(holder)) this.starve(holder);
    this.#count(holder, 1);
    this.#holders.add(holder, PARKED);
    this.#hasUnitsBack = true;
    if (this.#holders.is(holder, HOLDING)) this.returning.add(holder);
    else if (holder !== this.head) this.parked.park(holder);
  }

  /** Harmless if it is not parked. */
  unpark(holder: Holder): void {
    if (!this.#holders.is(holder, PARKED)) return;
    this.#count(holder, -1);
    this.#holders.remove(holder, PARKED);
    if (this.#holders.is(holder, HOLDING)) this.returning.delete(holder);
    else if (holder !== this.head) this.parked.unpark(holder);
  }

  /** The holder takes what it requests, or does not want it any more: it is not parked, and not starved. */
  leave(holder: Holder): void {
    this.unpark(holder);
    this.#holders.remove(holder, STARVED);
    if (holder !== this.head) return;
    this.head = NONE;
    this.#conflicts.reserved.count(this.#holders.requestOf(holder), -1);
  }

  /** The holder has taken what it requests: those who are starved by that are so, best first. */
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
    this.#holders.set(holder, TICKET, this.#line.push(holder) - 1);
    if (!isParked) return;
    this.#conflicts.find(this.#holders.requestOf(holder), false);
    this.parked.park(holder);
  }

  /** If nobody is the head, the first of the starved is. */
  elect(): void {
    if (this.head !== NONE) return;
    while (this.#first < this.#line.length) {
      const at = this.#first++;
      const first = this.#line[at] as Holder;
      if (!this.#isInLine(first, at)) continue;
      if (this.#holders.is(first, PARKED)) this.parked.unpark(first);
      this.#lead(first);
      return;
    }
    this.#line = [];
    this.#first = 0;
  }

  /** Something of what the request takes was given back. */
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

  /** Does anybody else who is parked want what the holder takes? */
  isContended(holder: Holder): boolean {
    if (this.count === 0) return false;
    const isParked = this.#holders.is(holder, PARKED);
    if (isParked) this.#count(holder, -1);
    const answer = this.#conflicts.meets(this.wanted, this.#holders.requestOf(holder));
    if (isParked) this.#count(holder, 1);
    return answer;
  }

  /**
   * A parked holder found that its way is blocked elsewhere now: that is an bypass, too. Without this two streams could take
   * turns in blocking it, each while it waits for the other.
   */
  readonly #moved = (holder: Holder, counter: number): void => {
    if (this.#conflicts.isReservedOnly) return;
    const taken =
      this.#tree.unitsAt(counter) === undefined ? counter : counterAt(this.#tree.nodeAt(counter), HELD);
    const taker = this.#lastTaker[taken] ?? NONE;
    if (taker === NONE) return;
    this.#countLatecomer(taker, counter);
    if (this.#holders.is(holder, STARVED) || this.#holders.isBefore(taker, holder)) return;
    if (this.#hasStartedAfter(taker, this.#holders.get(holder, SINCE)) && this.#isTooMuch(holder, taker))
      this.starve(holder);
  };

  /** Others may have moved with a holder: of these, too, only who waits longest counts, unless it did when the taker started. */
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

  /** Whoever is bypassed at a counter that it takes. Who waits in a closed pool could not have started. */
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

  /** Was it not counted yet for the start at hand? */
  #isNew(holder: Holder): boolean {
    const isNew = this.#holders.get(holder, COUNTED) !== this.starts;
    this.#holders.set(holder, COUNTED, this.starts);
    return isNew;
  }

  /** Counts an bypass. */
  #isTooMuch(holder: Holder, by: Holder): boolean {
    const isLatecomer = this.#holders.isBefore(by, holder);
    const kind = isLatecomer ? LATECOMERS : BYPASSED;
    const count = this.#holders.get(holder, kind) + 1;
    this.#holders.set(holder, kind, count);
    return count >= (isLatecomer ? this.#limits.latecomers : this.#limits.bypasses);
  }

  /** It left the queue of the starved without having had what it waited for, and is back. */
  #isToBeStarved(holder: Holder): boolean {
    const { bypasses, latecomers } = this.#limits;
    const isOld =
      this.#holders.get(holder, BYPASSED) >= bypasses || this.#holders.get(holder, LATECOMERS) >= latecomers;
    return isOld && !this.#holders.is(holder, STARVED | HOLDING);
  }

  #isInLine(holder: Holder, at: number): boolean {
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
