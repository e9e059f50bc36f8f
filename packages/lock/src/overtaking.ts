/**
 * Counts the overtakings: starts of worse rank that took what somebody waits for. At the limit a holder is starved. What is starved
 * is not counted any more. Knows not what becomes of the starved.
 */
import { grown } from './columns.ts';
import type { Footprint } from './footprint.ts';
import { COUNTED, type Holders, OVERTAKEN, SINCE, START } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Parking } from './parking.ts';
import type { ResourceTree } from './resource-tree.ts';
import { nodeOf } from './spot.ts';

const NOBODY: readonly Holder[] = [];

export class Overtaking {
  /** Starts so far: they are numbered from 1. */
  starts = 0;
  readonly #holders: Holders;
  readonly #tree: ResourceTree;
  readonly #footprint: Footprint;
  readonly #limit: number;
  /** Of a node, the last start that took it or something below it while others waited. */
  #lastTaker = new Int32Array(16).fill(NONE);
  /** Scratch: those that the start at hand overtakes. */
  readonly #overtaken: Holder[] = [];

  constructor(holders: Holders, tree: ResourceTree, footprint: Footprint, limit: number) {
    this.#holders = holders;
    this.#tree = tree;
    this.#footprint = footprint;
    this.#limit = limit;
  }

  /** The holder has just taken what it demands. Answers those parked that are starved by that, best first. */
  start(holder: Holder, parking: Parking): readonly Holder[] {
    this.#holders.set(holder, START, ++this.starts);
    return parking.count === 0 ? NOBODY : this.#starvedBy(holder, parking);
  }

  /**
   * A parked holder found that its way is blocked elsewhere now. True if that starves it. Without this two streams could take turns
   * in blocking it, each while it waits for the other.
   */
  moved(holder: Holder, spot: number): boolean {
    const node = this.#tree.unitsAt(spot) === undefined ? nodeOf(spot) : this.#tree.nodeAt(spot);
    const taker = this.#lastTaker[node] ?? NONE;
    if (taker === NONE || this.#holders.isBefore(taker, holder)) return false;
    const isLater = this.#holders.get(taker, START) > this.#holders.get(holder, SINCE);
    return isLater && this.#count(holder);
  }

  #starvedBy(holder: Holder, parking: Parking): readonly Holder[] {
    const overtaken = this.#overtaken;
    this.#collect(holder, parking);
    if (overtaken.length === 0) return NOBODY;
    let starved = 0;
    for (const other of overtaken) {
      if (this.#holders.get(other, COUNTED) === this.starts) continue;
      this.#holders.set(other, COUNTED, this.starts);
      if (this.#count(other)) overtaken[starved++] = other;
    }
    const all = starved === 0 ? NOBODY : overtaken.slice(0, starved);
    while (overtaken.length > 0) overtaken.pop(); // setting `length` leaves optimized code
    return starved < 2 ? all : all.toSorted((a, b) => (this.#holders.isBefore(a, b) ? -1 : 1));
  }

  /** Whoever waits at a spot that it raises, and goes before it. */
  #collect(holder: Holder, parking: Parking): void {
    const demand = this.#holders.demandOf(holder);
    this.#footprint.ofDemand(demand);
    const { spots, size } = this.#footprint;
    this.#lastTaker = grown(this.#lastTaker, this.#tree.size, NONE);
    for (let index = 0; index < size; index++) {
      const spot = spots[index] as number;
      this.#lastTaker[nodeOf(spot)] = holder;
      parking.collectBefore(spot, holder, this.#overtaken);
    }
    for (const spot of parking.shortagesOf(demand)) parking.collectBefore(spot, holder, this.#overtaken);
  }

  #count(holder: Holder): boolean {
    const count = this.#holders.get(holder, OVERTAKEN) + 1;
    this.#holders.set(holder, OVERTAKEN, count);
    return count >= this.#limit;
  }
}
