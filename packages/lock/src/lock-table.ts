/**
 * Who holds which resource, who waits for it, and who comes next: the table a scheduler (or `acquire`) asks. Synchronous and
 * pure. Knows holders as small integers and nothing of tasks, slots or time.
 */
import type { Resource } from '@pexen/core';
import type { Demands, LockRequest } from './demands.ts';
import { HOLDING, type Holders, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import { type DemandId, type Holder, NONE, type NodeId, RESERVED, TAKEN } from './ids.ts';
import { Inside, type LockTableOptions } from './inside.ts';
import type { Obstacles } from './obstacles.ts';
import type { Waiting } from './waiting.ts';

/** May `holder` start although it takes something that is reserved for `head`? */
export type MayOvertake = (holder: Holder, head: Holder) => boolean;

/**
 * The life of a holder: `enrol`, then `tryTake`; where that fails, `park`. A parked holder is tried again only when the table says
 * so: whenever you have room for another, ask for the `candidate`, the best parked holder for which everything is free now,
 * and `tryTake` it: it will succeed (nobody is woken in vain, nobody is promised anything, nothing is to be given back).
 * Compare it with the best of your own that was not tried yet, and try the better one first. At the end `release`.
 *
 * @example
 * while (freeSlots > 0) {
 *   const parked = table.candidate();
 *   const next = parked !== NONE && (queue.isEmpty || isBefore(parked, queue.peek())) ? parked : queue.pop();
 *   if (table.tryTake(next) === TAKEN) start(next); else table.park(next);
 * }
 */
export class LockTable {
  /** @internal */
  readonly inside: Inside;
  readonly #demands: Demands;
  readonly #holders: Holders;
  readonly #obstacles: Obstacles;
  readonly #waiting: Waiting;
  /** Calls of `tryTake`. */
  tries = 0;
  /** The candidate, while nothing has changed since. */
  #found: Holder = NONE;
  /** The holder of which `#obstacles` knows what its `tryTake` met. */
  #met: Holder = NONE;

  constructor(options: LockTableOptions = {}) {
    this.inside = new Inside(options);
    this.#demands = this.inside.demands;
    this.#holders = this.inside.holders;
    this.#obstacles = this.inside.obstacles;
    this.#waiting = this.inside.waiting;
  }

  /**
   * Names become integers here, once.
   *
   * @throws PexenError PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE: an amount of something without (that much) capacity.
   */
  compile(request: LockRequest): DemandId {
    return this.#demands.compile(request);
  }

  /** Gives back one `compile`; nodes that nobody needs any more are forgotten. Nobody may hold or wait for it. */
  forget(demand: DemandId): void {
    this.#demands.forget(demand);
  }

  /** The node of a resource: equal for equal nodes however they are spelled (`/a/b`, `path('a', 'b')`). It stays for good. */
  nodeOf(resource: Resource): NodeId {
    const node = this.inside.tree.nodeOf(resource);
    this.inside.tree.retain(node);
    return node;
  }

  /**
   * Makes the holder known. Smaller `priority` goes first, then larger `rank`, then smaller holder.
   * The holder must hold nothing and not be parked. `added` is the moment from which on it wanted this, of `tick`; now, if left out.
   */
  enrol(
    holder: Holder,
    demand: DemandId,
    priority = 0,
    rank = 0,
    lane = 0,
    added: number = this.tick(),
  ): void {
    this.#holders.enrol(holder, demand, priority, rank, lane, added, this.#waiting.starts);
    this.#waiting.ranked(holder, true);
  }

  /** A moment later than all before: to enrol holders with that were added now. */
  tick(): number {
    return this.#holders.tick();
  }

  /**
   * Opens or closes a lane; at first all are open. Holders of a closed lane stay parked where they are, but are no candidates, and to
   * start before them is not to overtake them: there is no slot for them, say.
   */
  setLane(lane: number, isOpen: boolean): void {
    if (this.#waiting.parked.isOpen(lane) === isOpen) return;
    this.#found = NONE;
    this.#waiting.parked.setLane(lane, isOpen);
  }

  /** A new rank, also while the holder is parked. */
  setRank(holder: Holder, priority: number, rank: number): void {
    if (this.#holders.isRanked(holder, priority, rank)) return;
    const wasParked = this.isParked(holder);
    this.#changed();
    this.#waiting.unpark(holder);
    this.#holders.setRank(holder, priority, rank);
    this.#waiting.ranked(holder, false);
    if (wasParked) this.park(holder);
  }

  /**
   * Takes everything the holder demands, or nothing. The answer is TAKEN, RESERVED, or the node where it met a conflict: the
   * held node, or its own where something below is held. A parked holder that succeeds is parked no more.
   *
   * A holder that kept its uses and claims (`releaseAmounts`) takes its amounts again, before any reservation.
   *
   * `mayOvertake`: may `holder` start although it takes something that is reserved for `head`? Asked instead of answering RESERVED
   * to a holder that is not parked. Without it no holder may.
   */
  tryTake(holder: Holder, mayOvertake?: MayOvertake): NodeId | typeof TAKEN | typeof RESERVED {
    this.tries++;
    if (this.isHolding(holder)) return this.#takeAmounts(holder);
    if (holder !== this.#found && this.#isBlocked(holder, mayOvertake)) {
      this.#met = holder;
      return this.#obstacles.isReservedOnly ? RESERVED : this.inside.tree.nodeAt(this.#obstacles.spot);
    }
    this.#changed();
    this.#waiting.leave(holder);
    this.#obstacles.held.count(this.#holders.demandOf(holder), 1);
    this.#holders.activate(holder);
    this.#waiting.started(holder);
    return TAKEN;
  }

  /** Demands that were looked at, by `tryTake` and in search of candidates. */
  get finds(): number {
    return this.#obstacles.finds;
  }

  /** Would `tryTake` succeed now? Changes nothing. */
  canTake(holder: Holder, mayOvertake?: MayOvertake): boolean {
    if (this.isHolding(holder)) return this.#obstacles.hasUnits(this.#holders.demandOf(holder));
    this.#met = NONE;
    return !this.#isBlocked(holder, mayOvertake);
  }

  /** Lets the holder wait at the place where it meets a conflict, until it is the `candidate`. */
  park(holder: Holder): void {
    if (this.isParked(holder)) return;
    if (this.#met !== holder) this.#obstacles.find(this.#holders.demandOf(holder), false);
    this.#changed();
    this.#waiting.park(holder);
  }

  /** It does not want any more. Harmless if it wanted nothing. What it holds, it keeps. */
  withdraw(holder: Holder): void {
    this.#changed();
    const wasHead = holder === this.#waiting.head;
    this.#waiting.leave(holder);
    if (wasHead) this.#waiting.loosen(this.#holders.demandOf(holder));
    this.#waiting.elect();
  }

  /**
   * The parked holder to start next: its lane is open, everything it demands is free, and of those it has the best rank; the head of
   * the starved goes first of all. NONE if there is none. Changes nothing that you could see: ask again after each `tryTake`.
   */
  candidate(): Holder | typeof NONE {
    if (this.#found !== NONE) return this.#found;
    this.#met = NONE;
    this.#found = this.#waiting.candidate();
    return this.#found;
  }

  /** Gives back all that the holder holds. */
  release(holder: Holder): void {
    if (!this.isHolding(holder)) return;
    this.#changed();
    const demand = this.#holders.demandOf(holder);
    this.#waiting.unpark(holder);
    if (this.#holders.is(holder, WITHOUT_AMOUNTS)) this.#obstacles.held.countUnits(demand, 1);
    this.#obstacles.held.count(demand, -1);
    this.#holders.deactivate(holder);
    if (this.#waiting.count > 0) this.#waiting.loosen(demand);
  }

  /** Gives back amounts only: an attempt ended, its uses and claims stay for the next one. */
  releaseAmounts(holder: Holder): void {
    if (!this.isHolding(holder) || this.#holders.is(holder, WITHOUT_AMOUNTS)) return;
    this.#changed();
    const demand = this.#holders.demandOf(holder);
    this.#obstacles.held.countUnits(demand, -1);
    this.#holders.add(holder, WITHOUT_AMOUNTS);
    if (this.#waiting.count > 0) this.#waiting.loosen(demand);
  }

  /** `release`, and what it used and claimed is poisoned. `exclusive` and amounts never poison. */
  releasePoisoned(holder: Holder): void {
    if (!this.isHolding(holder)) return;
    this.inside.poison.add(this.#holders.demandOf(holder), holder);
    this.release(holder);
  }

  /** Puts the holder at the end of the queue of the starved, as too many overtakings would: it waits for a slot, say. */
  starve(holder: Holder): void {
    if (this.#holders.is(holder, STARVED | HOLDING)) return;
    this.#changed();
    this.#waiting.starve(holder);
  }

  /** The only holder that has what it needs reserved, or NONE. */
  get starvedHead(): Holder | typeof NONE {
    return this.#waiting.head;
  }

  /** Does anybody else, parked, need something that conflicts with what this holder takes? */
  isContended(holder: Holder): boolean {
    return this.#waiting.isContended(holder);
  }

  /** The poisoned node that forbids this demand, or NONE. Costs nothing while nothing is poisoned. */
  poisonedNode(demand: DemandId): NodeId | typeof NONE {
    return this.inside.poison.nodeFor(demand);
  }

  /** Who poisoned the node. */
  poisonerOf(node: NodeId): Holder | typeof NONE {
    return this.inside.poison.poisonerOf(node);
  }

  /** Heals every poisoned node at or below a claim of this demand. */
  heal(demand: DemandId): void {
    this.inside.poison.heal(demand);
  }

  /** Does it hold what it demanded (amounts may have been given back)? */
  isHolding(holder: Holder): boolean {
    return this.#holders.is(holder, HOLDING);
  }

  /** Does it wait here? */
  isParked(holder: Holder): boolean {
    return this.#holders.is(holder, PARKED);
  }

  #isBlocked(holder: Holder, mayOvertake?: MayOvertake): boolean {
    const { head } = this.#waiting;
    if (!this.#obstacles.find(this.#holders.demandOf(holder), holder === head)) return false;
    if (!this.#obstacles.isReservedOnly || this.isParked(holder)) return true;
    return mayOvertake === undefined || !mayOvertake(holder, head);
  }

  #takeAmounts(holder: Holder): NodeId | typeof TAKEN {
    if (!this.#holders.is(holder, WITHOUT_AMOUNTS)) return TAKEN;
    const demand = this.#holders.demandOf(holder);
    if (!this.#obstacles.hasUnits(demand)) return this.inside.tree.nodeAt(this.#obstacles.spot);
    this.#changed();
    this.#waiting.unpark(holder);
    this.#obstacles.held.countUnits(demand, 1);
    this.#holders.remove(holder, WITHOUT_AMOUNTS);
    return TAKEN;
  }

  #changed(): void {
    this.#found = NONE;
    this.#met = NONE;
  }
}
