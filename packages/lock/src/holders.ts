/** The state of each holder, in one column of integers, and which of two holders goes first. Does not know nodes. */
import { grown } from '@pexen/core/columns';

/** A task or caller, as a small integer of 0 or more: state is kept in arrays indexed by it. */
export type Holder = number;
/** A compiled request. Equal requests have equal ids. */
export type RequestId = number;
/** A place in the tree of resources. 0 is the root. */
export type NodeId = number;

/** `tryTake` took everything. */
export const TAKEN = -1;
/** `tryTake` met a resource that is reserved for `starvedHead`. */
export const RESERVED = -2;
/** No holder, no node. */
export const NONE = -1;

/** The state of a holder, as bits. */
export const HOLDING = 1;
export const PARKED = 2;
/** It holds its uses and claims, and has released its amounts. */
export const WITHOUT_AMOUNTS = 4;
/** It was bypassed too often, and is in the queue of the starved. */
export const STARVED = 8;
/** It was parked at least once. */
const WAITED = 16;
/** The bits above are its pool. */
const POOL = 5;

/** The fields of a holder: its state, its request, its index in `active`; … */
const STATE = 0;
const REQUEST = 1;
const INDEX = 2;
/** … how often it was bypassed, and by which start last; the number of the last start before it was enrolled, and of its own; … */
export const BYPASSED = 3;
export const COUNTED = 4;
export const SINCE = 5;
export const START = 6;
/** … its position in the queue of the starved; how many latecomers took what it waits for; … */
export const TICKET = 7;
export const LATECOMERS = 8;
/** … the moments when it was added and when it was first parked. */
const ADDED = 9;
const WAITING_SINCE = 10;
const WIDTH = 11;

function isLater(moment: number, other: number): boolean {
  return ((moment - other) | 0) > 0;
}

export class Holders {
  size = 0;
  /** The holders whose request is taken, in no order. */
  readonly active: number[] = [];
  /** The last moment so far. Moments are compared by their difference, so that the count may overflow. */
  #moment = 0;
  /** The latest moment at which a holder was added. */
  #lastAdded = 0;
  /** The first moment at which one of the parked holders was parked, and the worst of them by its rank then; some may have left since. */
  #firstWait = 0;
  #worst = 0;
  #worstPriority = 0;
  #worstRank = 0;
  #at = new Int32Array(16 * WIDTH);
  /** Priority and rank of each, side by side. */
  #ranks = new Float64Array(32);

  /** Returns a moment later than all before. */
  tick(): number {
    this.#moment = (this.#moment + 1) | 0;
    return this.#moment;
  }

  /** `added` is the moment when the holder was added, `since` the number of the last start so far. */
  enrol(
    holder: number,
    request: number,
    priority: number,
    rank: number,
    pool: number,
    added: number,
    since: number,
  ): void {
    this.size = Math.max(this.size, holder + 1);
    this.#at = grown(this.#at, this.size * WIDTH);
    this.#ranks = grown(this.#ranks, this.size * 2);
    this.set(holder, STATE, pool << POOL);
    this.set(holder, REQUEST, request);
    this.set(holder, BYPASSED, 0);
    this.set(holder, LATECOMERS, 0);
    this.set(holder, ADDED, added);
    if (isLater(added, this.#lastAdded)) this.#lastAdded = added;
    this.set(holder, SINCE, since);
    this.setRank(holder, priority, rank);
  }

  setRank(holder: number, priority: number, rank: number): void {
    this.#ranks[holder * 2] = priority;
    this.#ranks[holder * 2 + 1] = rank;
  }

  /** Does it have this rank already? */
  isRanked(holder: number, priority: number, rank: number): boolean {
    return this.#ranks[holder * 2] === priority && this.#ranks[holder * 2 + 1] === rank;
  }

  get(holder: number, what: number): number {
    return this.#at[holder * WIDTH + what] as number;
  }

  set(holder: number, what: number, value: number): void {
    this.#at[holder * WIDTH + what] = value;
  }

  /** It wants another request, and belongs to this pool. */
  rebind(holder: number, request: number, pool: number): void {
    this.set(holder, REQUEST, request);
    this.set(holder, STATE, (this.get(holder, STATE) & ((1 << POOL) - 1)) | (pool << POOL));
  }

  requestOf(holder: number): number {
    return this.get(holder, REQUEST);
  }

  poolOf(holder: number): number {
    return this.get(holder, STATE) >> POOL;
  }

  is(holder: number, flag: number): boolean {
    return (this.get(holder, STATE) & flag) !== 0;
  }

  add(holder: number, flag: number): void {
    this.set(holder, STATE, this.get(holder, STATE) | flag);
  }

  remove(holder: number, flag: number): void {
    this.set(holder, STATE, this.get(holder, STATE) & ~flag);
  }

  /** It holds what it requests. */
  activate(holder: number): void {
    this.add(holder, HOLDING);
    this.set(holder, INDEX, this.active.push(holder) - 1);
  }

  /** It holds nothing any more. */
  deactivate(holder: number): void {
    this.remove(holder, HOLDING | WITHOUT_AMOUNTS);
    const last = this.active.pop() as number;
    if (last === holder) return;
    this.active[this.get(holder, INDEX)] = last;
    this.set(last, INDEX, this.get(holder, INDEX));
  }

  /**
   * Notes that the holder is parked; its wait counts from the first time. Returns whether it was parked before and other holders were
   * added since.
   */
  noteWait(holder: number, isOnly: boolean): boolean {
    const isAgain = this.is(holder, WAITED);
    this.add(holder, WAITED);
    if (!isAgain) this.set(holder, WAITING_SINCE, this.tick());
    const since = this.get(holder, WAITING_SINCE);
    if (isOnly || isLater(this.#firstWait, since)) this.#firstWait = since;
    if (isOnly || !this.#isBeforeWorst(holder)) {
      this.#worst = holder;
      this.#worstPriority = this.#ranks[holder * 2] as number;
      this.#worstRank = this.#ranks[holder * 2 + 1] as number;
    }
    return isAgain && isLater(this.#lastAdded, since);
  }

  /**
   * May it be a latecomer to any parked holder? A quick test against the worst and the first of those parked since the queue was
   * last empty. Where its rank has changed, it may be as soon as any holder was added later.
   */
  mayBeLatecomer(holder: number, isNew: boolean): boolean {
    if (!isNew) return isLater(this.#lastAdded, this.#firstWait);
    return isLater(this.get(holder, ADDED), this.#firstWait) && this.#isBeforeWorst(holder);
  }

  #isBeforeWorst(holder: number): boolean {
    const priority = (this.#ranks[holder * 2] as number) - this.#worstPriority;
    if (priority !== 0) return priority < 0;
    const rank = (this.#ranks[holder * 2 + 1] as number) - this.#worstRank;
    return rank === 0 ? holder < this.#worst : rank > 0;
  }

  /** Of two that were parked: was `a` parked first? */
  waitsLonger(a: number, b: number): boolean {
    return isLater(this.get(b, WAITING_SINCE), this.get(a, WAITING_SINCE));
  }

  /** Does `holder` go before `parked`, which was parked when `holder` was added? */
  isLatecomer(holder: number, parked: number): boolean {
    return isLater(this.get(holder, ADDED), this.get(parked, WAITING_SINCE)) && this.isBefore(holder, parked);
  }

  /** Smaller priority first, then larger rank, then smaller holder. A total order. */
  isBefore(a: number, b: number): boolean {
    const ranks = this.#ranks;
    const priority = (ranks[a * 2] as number) - (ranks[b * 2] as number);
    if (priority !== 0) return priority < 0;
    const rank = (ranks[a * 2 + 1] as number) - (ranks[b * 2 + 1] as number);
    return rank === 0 ? a < b : rank > 0;
  }
}
