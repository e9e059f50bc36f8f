/**
 * Who waits and who comes next. Those who were overtaken too often are starved: they are parked apart, and the head of their queue has
 * what it needs reserved. Knows not how anything is taken.
 */
import type { Demands } from './demands.ts';
import type { Footprint } from './footprint.ts';
import type { HoldCounts } from './hold-counts.ts';
import { HOLDING, type Holders, PARKED, STARVED } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Obstacles } from './obstacles.ts';
import { Overtaking } from './overtaking.ts';
import { Parking } from './parking.ts';
import type { ResourceTree } from './resource-tree.ts';
import { FREE } from './spot.ts';
import { StarvedQueue } from './starved-queue.ts';

export class Waiting {
  /** The only one that has what it needs reserved. */
  head: Holder = NONE;
  /** How many are parked. */
  count = 0;
  readonly overtaking: Overtaking;
  readonly parked: Parking;
  readonly starved: StarvedQueue = new StarvedQueue();
  /** What all that are parked want. */
  readonly wanted: HoldCounts;
  /** Those who hold everything but their amounts, and wait for these. */
  readonly returning: Set<Holder> = new Set();
  readonly #holders: Holders;
  readonly #obstacles: Obstacles;
  /** Where the head met its last obstacle. */
  #headSpot = FREE;
  /** Units came back since those who return were looked at in vain. */
  #hasUnitsBack = true;

  constructor(
    holders: Holders,
    demands: Demands,
    tree: ResourceTree,
    footprint: Footprint,
    obstacles: Obstacles,
    wanted: HoldCounts,
    overtakings: number,
  ) {
    this.#holders = holders;
    this.#obstacles = obstacles;
    this.wanted = wanted;
    this.overtaking = new Overtaking(holders, tree, footprint, overtakings);
    this.parked = new Parking(holders, demands, tree, footprint, obstacles, (holder, spot) => {
      if (!holders.is(holder, STARVED) && this.overtaking.moved(holder, spot)) this.starve(holder);
    });
  }

  /** Parks the holder at what the last `find` of its demand met. */
  park(holder: Holder): void {
    this.#count(holder, 1);
    this.#holders.add(holder, PARKED);
    this.#hasUnitsBack = true;
    if (this.#holders.is(holder, HOLDING)) this.returning.add(holder);
    else if (holder !== this.head) this.parked.park(holder);
  }

  unpark(holder: Holder): void {
    this.#count(holder, -1);
    this.#holders.remove(holder, PARKED);
    if (this.#holders.is(holder, HOLDING)) this.returning.delete(holder);
    else if (holder !== this.head) this.parked.unpark(holder);
  }

  /** The holder takes what it demands, or does not want it any more: it is not parked, and not starved. */
  leave(holder: Holder): void {
    if (this.#holders.is(holder, PARKED)) this.unpark(holder);
    if (!this.#holders.is(holder, STARVED)) return;
    this.#holders.remove(holder, STARVED);
    this.starved.remove(holder);
    if (holder !== this.head) return;
    this.head = NONE;
    this.#obstacles.reserved.count(this.#holders.demandOf(holder), -1);
  }

  /** The holder has taken what it demands: who was overtaken by that? */
  started(holder: Holder): void {
    this.elect();
    for (const other of this.overtaking.start(holder, this.parked)) this.starve(other);
  }

  /** Puts the holder at the end of the queue of the starved. */
  starve(holder: Holder): void {
    const isParked = this.#holders.is(holder, PARKED);
    if (isParked) this.parked.unpark(holder);
    this.#holders.add(holder, STARVED);
    if (this.head === NONE) this.#lead(holder);
    else this.#queueUp(holder, isParked);
  }

  /** If nobody is the head, the first of the starved is. */
  elect(): void {
    if (this.head !== NONE) return;
    const first = this.starved.shift();
    if (first === NONE) return;
    if (this.#holders.is(first, PARKED)) this.parked.unpark(first);
    this.#lead(first);
  }

  /** Something of what the demand takes was given back. */
  loosen(demand: number): void {
    this.#hasUnitsBack = true;
    this.parked.loosen(demand);
  }

  /** The parked holder to start next, or NONE. */
  candidate(): Holder {
    if (this.count === 0) return NONE;
    const returning = this.#bestReturning();
    if (returning !== NONE) return returning;
    return this.#isHeadFree() ? this.head : this.parked.candidate();
  }

  /** Does anybody else who is parked want what the holder takes? */
  isContended(holder: Holder): boolean {
    if (this.count === 0) return false;
    const isParked = this.#holders.is(holder, PARKED);
    if (isParked) this.#count(holder, -1);
    const answer = this.#obstacles.meets(this.wanted, this.#holders.demandOf(holder));
    if (isParked) this.#count(holder, 1);
    return answer;
  }

  #queueUp(holder: Holder, isParked: boolean): void {
    this.starved.push(holder);
    if (!isParked) return;
    this.#obstacles.find(this.#holders.demandOf(holder), false);
    this.parked.park(holder);
  }

  #lead(holder: Holder): void {
    this.head = holder;
    this.#headSpot = FREE;
    this.#obstacles.reserved.count(this.#holders.demandOf(holder), 1);
  }

  #isHeadFree(): boolean {
    if (this.head === NONE || !this.#holders.is(this.head, PARKED)) return false;
    const obstacles = this.#obstacles;
    if (this.#headSpot !== FREE && obstacles.isBlocked(this.#headSpot, true)) return false;
    obstacles.find(this.#holders.demandOf(this.head), true);
    this.#headSpot = obstacles.spot;
    return obstacles.spot === FREE;
  }

  #bestReturning(): Holder {
    if (this.returning.size === 0 || !this.#hasUnitsBack) return NONE;
    let best = NONE;
    for (const holder of this.returning)
      if (this.#obstacles.hasUnits(this.#holders.demandOf(holder)))
        if (best === NONE || this.#holders.isBefore(holder, best)) best = holder;
    this.#hasUnitsBack = best !== NONE;
    return best;
  }

  #count(holder: Holder, by: 1 | -1): void {
    const demand = this.#holders.demandOf(holder);
    this.count += by;
    if (this.#holders.is(holder, HOLDING)) this.wanted.countUnits(demand, by);
    else this.wanted.count(demand, by);
  }
}
