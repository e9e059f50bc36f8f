/**
 * Those who wait, in groups: a group is a beginning of demands, with the holders that demand just this and the groups of longer
 * beginnings. What is in the way of a beginning is in the way of all that begin so; a group hangs at the place of its obstacle, and all
 * of them move as one. So what a release costs depends on what it frees, not on how many wait. Knows nothing of fairness.
 */
import { grown } from './columns.ts';
import type { Demands } from './demands.ts';
import { EMPTY, Heaps } from './heaps.ts';
import type { Holders } from './holders.ts';
import type { Obstacles } from './obstacles.ts';
import { Places } from './places.ts';
import type { ResourceTree } from './resource-tree.ts';
import { FREE, kindOf, OPEN, spotAt } from './spot.ts';
import { ROOT } from './trie.ts';

/** Where a group is, when it hangs at no place: nobody in it waits … */
export const NOWHERE = -1;
/** … or it waits with the group of a shorter beginning. */
export const DORMANT = -2;

export class Parking {
  count = 0;
  readonly places: Places;
  readonly #holders: Holders;
  readonly #demands: Demands;
  readonly #tree: ResourceTree;
  readonly #obstacles: Obstacles;
  /** Called when a holder was looked at and moved to another spot: somebody took that before it could. */
  readonly #moved: (holder: number, spot: number) => void;
  readonly waiters: Heaps;
  readonly groups: Heaps;
  /** Of a group: its own holders, a heap … */
  queue: Int32Array = new Int32Array(16).fill(EMPTY);
  /** … the last of them that came in order, … */
  #last = new Int32Array(16).fill(EMPTY);
  /** … its dormant groups, a heap … */
  dormant: Int32Array = new Int32Array(16).fill(EMPTY);
  /** … and its place. */
  where: Int32Array = new Int32Array(16).fill(NOWHERE);
  readonly #stack: number[] = [];

  constructor(
    holders: Holders,
    demands: Demands,
    tree: ResourceTree,
    obstacles: Obstacles,
    moved: (holder: number, spot: number) => void,
  ) {
    this.#holders = holders;
    this.#demands = demands;
    this.#tree = tree;
    this.#obstacles = obstacles;
    this.#moved = moved;
    this.waiters = new Heaps(holders);
    this.groups = new Heaps(holders);
    this.places = new Places(holders, this.groups, obstacles);
  }

  /** Parks the holder at what the last `find` of its demand met. */
  park(holder: number): void {
    const demand = this.#holders.demand[holder] as number;
    const { spot, want, prefix } = this.#obstacles;
    this.#grow(holder, demand);
    this.count++;
    this.#enqueue(demand, holder);
    if (spot !== FREE) this.#hang(demand, prefix, spot, want);
    else this.#hang(demand, demand, spotAt(ROOT, OPEN), 0);
    if (spot === FREE) this.places.loosen(ROOT);
  }

  unpark(holder: number): void {
    const demand = this.#holders.demand[holder] as number;
    this.count--;
    if (this.#last[demand] === holder) this.#last[demand] = EMPTY;
    this.queue[demand] = this.waiters.remove(this.queue[demand] as number, holder);
    this.#refresh(demand);
  }

  /** Something of what the demand takes was given back: its places are worth a look. */
  loosen(demand: number): void {
    const { parent, label } = this.#demands.trie;
    const above = this.#tree.nodes.parent;
    this.places.loosen(ROOT);
    for (let at = demand; at !== ROOT; at = parent[at] as number)
      for (let node = label[at] as number; node !== ROOT; node = above[node] as number)
        this.places.loosen(node);
  }

  /** The best holder for which everything is free, or EMPTY. Groups that are looked at in vain move to what is in their way. */
  candidate(): number {
    for (let place = this.places.bestLoose(); place !== EMPTY; place = this.places.bestLoose()) {
      const group = this.places.head[place] as number;
      const holder = this.groups.keyOf(group);
      if (!this.#obstacles.find(this.#holders.demand[holder] as number, false)) return holder;
      const { spot } = this.#obstacles;
      this.#move(group, place);
      this.#moved(holder, spot);
    }
    return EMPTY;
  }

  /** The spot where the holder hangs, with its group or a shorter one. */
  spotOf(holder: number): number {
    let group = this.#holders.demand[holder] as number;
    while (this.where[group] === DORMANT) group = this.#demands.trie.parent[group] as number;
    return this.places.spot[this.where[group] as number] as number;
  }

  /** Appends those that wait at the node, at spots of some kinds (a bit each), and go before `holder`. */
  collectBetter(node: number, kinds: number, holder: number, out: number[]): void {
    const { places } = this;
    for (let place = places.firstAt(node); place !== EMPTY; place = places.next[place] as number)
      if (((kinds >> kindOf(places.spot[place] as number)) & 1) === 1)
        this.#collectGroups(places.head[place] as number, holder, out);
  }

  /** Most come in the order in which they are to go: the last of the queue takes them behind it. */
  #enqueue(group: number, holder: number): void {
    this.waiters.setKey(holder, holder);
    const last = this.#last[group] as number;
    if (last !== EMPTY && this.waiters.isLeaf(last) && this.#holders.isBefore(last, holder)) {
      this.waiters.append(last, holder);
      this.#last[group] = holder;
      return;
    }
    const queue = this.queue[group] as number;
    if (queue === EMPTY) this.#last[group] = holder;
    this.queue[group] = this.waiters.insert(queue, holder);
  }

  /** Moves a group out of the way of others: to the obstacle that the last `find` met for its best holder. */
  #move(group: number, place: number): void {
    const { spot, want, prefix } = this.#obstacles;
    const { depth, parent } = this.#demands.trie;
    if ((depth[prefix] as number) <= (depth[group] as number)) {
      this.where[group] = NOWHERE;
      this.places.remove(place, group);
      this.#hang(group, prefix, spot, want);
      return;
    }
    const above = parent[prefix] as number;
    this.dormant[above] = this.groups.remove(this.dormant[above] as number, prefix);
    this.where[prefix] = NOWHERE;
    this.#refresh(above);
    this.#hang(prefix, prefix, spot, want);
  }

  /** Lets the group wait with `prefix`, a beginning of it, which is blocked. */
  #hang(group: number, prefix: number, spot: number, want: number): void {
    let at = group;
    for (; this.where[at] === NOWHERE; at = this.#demands.trie.parent[at] as number) {
      this.groups.setKey(at, this.#best(at));
      if (at === prefix) {
        const place = this.places.at(spot, want);
        this.where[at] = place;
        this.places.insert(place, at);
        return;
      }
      this.#sleep(at);
    }
    this.#refresh(at);
  }

  #sleep(group: number): void {
    const above = this.#demands.trie.parent[group] as number;
    this.where[group] = DORMANT;
    this.dormant[above] = this.groups.insert(this.dormant[above] as number, group);
  }

  /** The holders of a group have changed: it, and the groups it waits with, get their places by their new best holders. */
  #refresh(group: number): void {
    let at = group;
    let best = this.#best(at);
    while (this.where[at] === DORMANT && best !== this.groups.keyOf(at)) {
      const above = this.#demands.trie.parent[at] as number;
      this.dormant[above] = this.groups.remove(this.dormant[above] as number, at);
      this.where[at] = NOWHERE;
      this.groups.setKey(at, best);
      if (best !== EMPTY) this.#sleep(at);
      at = above;
      best = this.#best(at);
    }
    if (best !== this.groups.keyOf(at)) this.#rekey(at, best);
  }

  /** The group hangs at a place. */
  #rekey(group: number, best: number): void {
    const place = this.where[group] as number;
    if (best === EMPTY) {
      this.where[group] = NOWHERE;
      this.places.remove(place, group);
    } else this.places.rekey(place, group, best);
  }

  /** The best of the group's own holders and of those of its dormant groups. */
  #best(group: number): number {
    const own = this.queue[group] as number;
    const dormant = this.dormant[group] as number;
    if (dormant === EMPTY) return own;
    const other = this.groups.keyOf(dormant);
    return own !== EMPTY && this.#holders.isBefore(own, other) ? own : other;
  }

  #collectGroups(root: number, holder: number, out: number[]): void {
    const stack = this.#stack;
    const base = stack.length;
    stack.push(root);
    while (stack.length > base) {
      const group = stack.pop() as number;
      if (group === EMPTY || !this.#holders.isBefore(this.groups.keyOf(group), holder)) continue;
      this.#collectHolders(this.queue[group] as number, holder, out);
      stack.push(this.groups.leftOf(group), this.groups.rightOf(group), this.dormant[group] as number);
    }
  }

  #collectHolders(root: number, holder: number, out: number[]): void {
    const stack = this.#stack;
    const base = stack.length;
    stack.push(root);
    while (stack.length > base) {
      const waiter = stack.pop() as number;
      if (waiter === EMPTY || !this.#holders.isBefore(waiter, holder)) continue;
      out.push(waiter);
      stack.push(this.waiters.leftOf(waiter), this.waiters.rightOf(waiter));
    }
  }

  #grow(holder: number, demand: number): void {
    this.waiters.grow(holder + 1);
    const size = Math.max(demand + 1, this.#demands.trie.size);
    if (size <= this.queue.length) return;
    this.groups.grow(size);
    this.queue = grown(this.queue, size, EMPTY);
    this.#last = grown(this.#last, size, EMPTY);
    this.dormant = grown(this.dormant, size, EMPTY);
    this.where = grown(this.where, size, NOWHERE);
  }
}
