/**
 * Those who wait. What is in the way of the beginning of a demand is in the way of all demands that begin so: a group is such a
 * beginning, with the holders and longer groups that were found blocked there, and it hangs at the spot that is in its way. All of a
 * group move as one, so that what a release costs depends on what it frees, not on how many wait. Knows nothing of fairness.
 */

import { grown } from '@pexen/core/columns';
import { Boxes, NOTHING, WIDTH } from './boxes.ts';
import type { Demands } from './demands.ts';
import type { Footprint } from './footprint.ts';
import { type Holders, STARVED } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Obstacles } from './obstacles.ts';
import { HOUSE, type ResourceTree } from './resource-tree.ts';
import { CLAIMED_WITHIN, FREE, spotAt } from './spot.ts';
import { CLAIM, USE_ONE } from './wants.ts';

/** In nobody's way, ever: for those who are parked although all is free. */
const OPEN = spotAt(HOUSE, CLAIMED_WITHIN);

const NO_SPOTS: readonly number[] = [];

/** What a place is called in the boxes, to tell it from a group: that goes by its beginning, which is not below 0. */
function placeNameOf(spot: number): number {
  return -1 - spot;
}

export class Parking {
  count = 0;
  /** By rank. */
  readonly boxes: Boxes;
  /** The same boxes, with the same things in them, by how long they wait; undefined until that matters. Places are in no box here. */
  ages: Boxes | undefined;
  /** Of each lane, the places whose spot may be free. A place that is not in here is blocked. */
  readonly loose: readonly number[];
  /** Those of the lanes that are open. */
  readonly open: number;
  /** Of each spot so many places as there are rows: boxes of groups. */
  places: Int32Array = new Int32Array(16);
  readonly #holders: Holders;
  readonly #demands: Demands;
  readonly #tree: ResourceTree;
  readonly #footprint: Footprint;
  readonly #obstacles: Obstacles;
  /**
   * The starved are kept apart, since nobody overtakes them, and so are the lanes: two rows for each, of those who are not starved
   * and of those who are.
   */
  readonly #rows: number;
  readonly #isClosed: boolean[] = [];
  /** Of each beginning of a demand a group for each row, boxes of holders and of groups. */
  #groups = new Int32Array(16);
  /** Of each holder, what stands for it in the boxes. */
  #waiters = new Int32Array(16);
  /** Of a node, the spots where somebody waits, or waited, for its units. */
  readonly #shortages = new Map<number, Set<number>>();

  constructor(
    holders: Holders,
    demands: Demands,
    tree: ResourceTree,
    footprint: Footprint,
    obstacles: Obstacles,
    lanes: number,
  ) {
    this.#holders = holders;
    this.#demands = demands;
    this.#tree = tree;
    this.#footprint = footprint;
    this.#obstacles = obstacles;
    this.boxes = new Boxes(holders);
    this.loose = Array.from({ length: lanes }, () => this.#make(NONE, NONE));
    this.open = this.#make(NONE, NONE);
    this.#rows = lanes * 2;
  }

  /** Parks the holder at what the last `find` of its demand met. */
  park(holder: Holder): void {
    const demand = this.#holders.demandOf(holder);
    this.#waiters = grown(this.#waiters, holder + 1);
    this.#groups = grown(this.#groups, this.#demands.trie.size * this.#rows);
    if (this.#waiters[holder] === NOTHING) this.#waiters[holder] = this.#make(holder, holder);
    this.count++;
    if (this.#obstacles.spot === FREE) this.#obstacles.spot = OPEN;
    this.#hang(this.#waiters[holder] as number, demand, holder);
    this.#loosenSpot(OPEN);
  }

  unpark(holder: Holder): void {
    this.count--;
    this.#take(this.#waiters[holder] as number);
  }

  /** Something of what the demand takes was given back: those who wait for it are worth a look. */
  loosen(demand: number): void {
    if (this.count === 0) return;
    this.#footprint.ofDemand(demand);
    const { spots, size } = this.#footprint;
    for (let index = 0; index < size; index++) this.#loosenSpot(spots[index] as number);
    for (const spot of this.shortagesOf(demand)) this.#loosenSpot(spot);
  }

  /**
   * The best holder for which everything is free, or NONE. Groups that are looked at in vain move to what is in their way, and
   * `moved` is told: somebody took that before they could.
   */
  candidate(moved: (holder: Holder, spot: number) => void): Holder | typeof NONE {
    for (;;) {
      const lane = this.boxes.topOf(this.open);
      if (lane === NOTHING) return NONE;
      const place = this.boxes.topOf(lane);
      const holder = this.boxes.bestOf(place);
      if (this.#obstacles.isBlocked(this.#spotOfPlace(place), false)) this.boxes.take(place);
      else if (this.#obstacles.find(this.#holders.demandOf(holder), false)) {
        this.#move(holder);
        moved(holder, this.#obstacles.spot);
      } else return holder;
    }
  }

  /** Holders of a closed lane are no candidates. */
  setLane(lane: number, isOpen: boolean): void {
    this.#isClosed[lane] = !isOpen;
    const loose = this.loose[lane] as number;
    if (!isOpen) this.boxes.take(loose);
    else this.#openUp(loose);
  }

  isOpen(lane: number): boolean {
    return !this.#isClosed[lane];
  }

  isOpenTo(holder: Holder): boolean {
    return this.isOpen(this.#holders.laneOf(holder));
  }

  /** The spot where the holder hangs, with its group. */
  spotOf(holder: Holder): number {
    let one = this.#waiters[holder] as number;
    while (this.boxes.nameOf(one) >= 0) one = this.boxes.boxOf(one);
    return this.#spotOfPlace(one);
  }

  /**
   * Appends those that wait at the spot in open lanes, are not starved, and are overtaken if `holder` takes it: all that go before it,
   * and the one that waits longest, if `holder` is a latecomer to that.
   */
  collectOvertaken(spot: number, holder: Holder, out: Holder[]): void {
    for (let row = 0; row < this.#rows; row += 2)
      if (this.#isOpenPlace(spot, row))
        this.boxes.collectBefore(this.places[spot * this.#rows + row] as number, holder, out);
    const longest = this.longestAt(spot);
    if (longest !== NONE && this.#holders.isLatecomer(holder, longest)) out.push(longest);
  }

  /** From now on it matters who waits longest. */
  useAges(): void {
    if (this.ages !== undefined) return;
    const { boxes } = this;
    const holders = this.#holders;
    const ages = new Boxes({ isBefore: (one, other) => holders.waitsLonger(one, other) });
    this.ages = ages;
    for (let one = WIDTH; one < boxes.size; one += WIDTH) {
      const name = boxes.nameOf(one);
      ages.make(name, this.#waiters[name] === one ? name : NONE);
    }
    for (const place of this.places) if (place !== NOTHING) this.#mirror(place, ages);
  }

  #mirror(box: number, ages: Boxes): void {
    for (const one of this.boxes.contentsOf(box)) {
      if (this.boxes.topOf(one) !== NOTHING) this.#mirror(one, ages);
      ages.put(one, box);
    }
  }

  /** Who waits longest of those that wait at the spot in open lanes and are not starved, or NONE. */
  longestAt(spot: number): Holder | typeof NONE {
    const { ages } = this;
    let longest: Holder = NONE;
    if (ages === undefined) return longest;
    for (let row = 0; row < this.#rows; row += 2) {
      if (!this.#isOpenPlace(spot, row)) continue;
      const first = ages.bestOf(this.places[spot * this.#rows + row] as number);
      if (longest === NONE || this.#holders.waitsLonger(first, longest)) longest = first;
    }
    return longest;
  }

  /** The spots where somebody waits for units of what the demand takes units of, or claims. */
  shortagesOf(demand: number): readonly number[] {
    if (this.#shortages.size === 0) return NO_SPOTS;
    const found: number[] = [];
    for (const { node, want } of this.#demands.needsOf(demand))
      if (want === CLAIM || want >= USE_ONE)
        for (const spot of this.#shortages.get(node) ?? NO_SPOTS) found.push(spot);
    return found;
  }

  #loosenSpot(spot: number): void {
    for (let row = 0; row < this.#rows; row++) this.#loosenPlace(spot, row);
  }

  #loosenPlace(spot: number, row: number): void {
    const index = spot * this.#rows + row;
    if (!this.#isUsed(index) || this.#obstacles.isBlocked(spot, false)) return;
    const place = this.places[index] as number;
    if (this.boxes.boxOf(place) !== NOTHING) return;
    const loose = this.loose[row >> 1] as number;
    this.boxes.put(place, loose);
    if (this.isOpen(row >> 1)) this.#openUp(loose);
  }

  /** Empty lanes stay outside. */
  #openUp(loose: number): void {
    const isIn = this.boxes.boxOf(loose) !== NOTHING || this.boxes.topOf(loose) === NOTHING;
    if (!isIn) this.boxes.put(loose, this.open);
  }

  /** Where the holder belongs among the boxes of a spot, or of a beginning. */
  #rowOf(holder: Holder): number {
    return this.#holders.laneOf(holder) * 2 + Number(this.#holders.is(holder, STARVED));
  }

  /** The holder was looked at in vain: it moves, with as many as share the beginning that is blocked. */
  #move(holder: Holder): void {
    const { prefix } = this.#obstacles;
    const { depth } = this.#demands.trie;
    let one = this.#waiters[holder] as number;
    let beginning = this.#holders.demandOf(holder);
    for (;;) {
      const group = this.boxes.boxOf(one);
      const name = this.boxes.nameOf(group);
      if (name < 0 || (depth[name] as number) < (depth[prefix] as number)) break;
      one = group;
      beginning = name;
    }
    this.#take(one);
    this.#hang(one, beginning, holder);
  }

  /**
   * Lets a holder, or the group it is in, wait with the longest beginning of its own that somebody waits with, or else at the spot
   * itself.
   */
  #hang(one: number, beginning: number, holder: Holder): void {
    const { prefix, spot } = this.#obstacles;
    const row = this.#rowOf(holder);
    let at = beginning;
    while (at !== prefix && this.boxes.boxOf(this.#groups[at * this.#rows + row] as number) === NOTHING)
      at = this.#demands.trie.parent[at] as number;
    const group = this.#box(this.#groups, at * this.#rows + row, at);
    if (group !== one) this.#put(one, group);
    if (this.boxes.boxOf(group) !== NOTHING) return;
    this.places = grown(this.places, (spot + 1) * this.#rows);
    this.#put(group, this.#box(this.places, spot * this.#rows + row, placeNameOf(spot)));
    if (this.#tree.unitsAt(spot) !== undefined) this.#noteShortage(spot);
  }

  #box(boxes: Int32Array, index: number, name: number): number {
    if (boxes[index] === NOTHING) boxes[index] = this.#make(name, NONE);
    return boxes[index] as number;
  }

  /** It is called the same among the boxes by rank and among those by age, since both are always made together. */
  #make(name: number, best: Holder): number {
    this.ages?.make(name, best);
    return this.boxes.make(name, best);
  }

  #put(one: number, box: number): void {
    this.boxes.put(one, box);
    this.ages?.put(one, box);
  }

  #take(one: number): void {
    this.boxes.take(one);
    this.ages?.take(one);
  }

  /** Forgets those where nobody waits any more. */
  #noteShortage(spot: number): void {
    const node = this.#tree.nodeAt(spot);
    const known = this.#shortages.get(node) ?? new Set();
    for (const other of known) if (!this.#isUsedAt(other)) known.delete(other);
    this.#shortages.set(node, known.add(spot));
  }

  /** Does anybody wait at the spot? */
  #isUsedAt(spot: number): boolean {
    for (let row = 0; row < this.#rows; row++) if (this.#isUsed(spot * this.#rows + row)) return true;
    return false;
  }

  /** Does anybody wait at the spot who is not starved, in that row, and is the lane open? */
  #isOpenPlace(spot: number, row: number): boolean {
    return this.#isUsed(spot * this.#rows + row) && this.isOpen(row >> 1);
  }

  /** Does anybody wait at the place? */
  #isUsed(index: number): boolean {
    return this.boxes.topOf(this.places[index] ?? NOTHING) !== NOTHING;
  }

  #spotOfPlace(place: number): number {
    return -1 - this.boxes.nameOf(place);
  }
}
