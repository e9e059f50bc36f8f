/**
 * Where those who wait hang: a place is a spot (and, where units are waited for, how many) with a heap of groups. It is there while
 * somebody hangs there. When its obstacle may have gone it is loose, until it is found blocked again. Knows groups by their best
 * holder only.
 */
import { grown } from './columns.ts';
import { EMPTY, Heaps } from './heaps.ts';
import type { Holders } from './holders.ts';
import type { Obstacles } from './obstacles.ts';
import { kindOf, nodeOf, SPENT } from './spot.ts';

export class Places {
  spot: Int32Array = new Int32Array(16);
  want: Int32Array = new Int32Array(16);
  /** The best group of a place: the root of its heap. */
  head: Int32Array = new Int32Array(16);
  /** The next place at the same node. */
  next: Int32Array = new Int32Array(16);
  readonly #groups: Heaps;
  readonly #obstacles: Obstacles;
  /** The first place at each node. */
  #first = new Int32Array(16).fill(EMPTY);
  #size = 0;
  /** Places that are not there, linked by `next`. */
  #unused = EMPTY;
  isLoose: Uint8Array = new Uint8Array(16);
  readonly #loose: Heaps;
  #looseRoot = EMPTY;

  constructor(holders: Holders, groups: Heaps, obstacles: Obstacles) {
    this.#groups = groups;
    this.#obstacles = obstacles;
    this.#loose = new Heaps(holders);
  }

  /** The first place at the node, or EMPTY. */
  firstAt(node: number): number {
    return node < this.#first.length ? (this.#first[node] as number) : EMPTY;
  }

  /** The place for a spot, and for a want where units are missing; made if need be, and then to be filled at once. */
  at(spot: number, want: number): number {
    const wanted = kindOf(spot) === SPENT ? want : 0;
    let place = this.firstAt(nodeOf(spot));
    while (place !== EMPTY && !(this.spot[place] === spot && this.want[place] === wanted))
      place = this.next[place] as number;
    return place === EMPTY ? this.#make(spot, wanted) : place;
  }

  insert(place: number, group: number): void {
    this.#setHead(place, this.#groups.insert(this.head[place] as number, group));
  }

  remove(place: number, group: number): void {
    this.#setHead(place, this.#groups.remove(this.head[place] as number, group));
  }

  /** The group has a new best holder. */
  rekey(place: number, group: number, key: number): void {
    const rest = this.#groups.remove(this.head[place] as number, group);
    this.#groups.setKey(group, key);
    this.#setHead(place, this.#groups.insert(rest, group));
  }

  /** Makes those places at the node loose that are not blocked. */
  loosen(node: number): void {
    for (let place = this.firstAt(node); place !== EMPTY; place = this.next[place] as number)
      if (this.isLoose[place] === 0 && !this.isBlocked(place)) this.#setLoose(place);
  }

  /** Of the loose places that are not blocked, the one with the best holder, or EMPTY. */
  bestLoose(): number {
    while (this.#looseRoot !== EMPTY && this.isBlocked(this.#looseRoot)) {
      const place = this.#looseRoot;
      this.#looseRoot = this.#loose.remove(place, place);
      this.isLoose[place] = 0;
    }
    return this.#looseRoot;
  }

  isBlocked(place: number): boolean {
    return this.#obstacles.isBlocked(this.spot[place] as number, this.want[place] as number, false);
  }

  #setLoose(place: number): void {
    this.isLoose[place] = 1;
    this.#loose.setKey(place, this.#groups.keyOf(this.head[place] as number));
    this.#looseRoot = this.#loose.insert(this.#looseRoot, place);
  }

  #setHead(place: number, root: number): void {
    const isLoose = this.isLoose[place] === 1;
    if (isLoose) this.#looseRoot = this.#loose.remove(this.#looseRoot, place);
    this.head[place] = root;
    if (root === EMPTY) this.#unmake(place);
    else if (isLoose) this.#setLoose(place);
  }

  #make(spot: number, want: number): number {
    const place = this.#take();
    const node = nodeOf(spot);
    this.#first = grown(this.#first, node + 1, EMPTY);
    this.spot[place] = spot;
    this.want[place] = want;
    this.head[place] = EMPTY;
    this.isLoose[place] = 0;
    this.next[place] = this.#first[node] as number;
    this.#first[node] = place;
    return place;
  }

  #take(): number {
    const place = this.#unused;
    if (place !== EMPTY) {
      this.#unused = this.next[place] as number;
      return place;
    }
    const size = ++this.#size;
    this.spot = grown(this.spot, size);
    this.want = grown(this.want, size);
    this.head = grown(this.head, size);
    this.next = grown(this.next, size);
    this.isLoose = grown(this.isLoose, size);
    this.#loose.grow(size);
    return size - 1;
  }

  #unmake(place: number): void {
    const node = nodeOf(this.spot[place] as number);
    const next = this.next[place] as number;
    if (this.#first[node] === place) this.#first[node] = next;
    else {
      let at = this.#first[node] as number;
      while (this.next[at] !== place) at = this.next[at] as number;
      this.next[at] = next;
    }
    this.isLoose[place] = 0;
    this.next[place] = this.#unused;
    this.#unused = place;
  }
}
