/**
 * Heaps in heaps. An item is in at most one heap. A heap is a skew heap whose items are ordered by holders: a single holder by itself, a heap
 * by the best holder in it, at any depth. All items are rows of one column, so that none is an object. Does not know what they stand for.
 */
import { grown } from '@pexen/core/columns';
import { type Holder, NONE } from './holders.ts';

/** Not an item. */
export const NOTHING = 0;

/** The fields of an item: its left and right child in its heap, and its parent; … */
const LEFT = 0;
const RIGHT = 1;
const UP = 2;
/** … the holder it is ordered by, NONE of an empty heap; its own top item; the item inserted last; the heap it is in; its name. */
const BEST = 3;
const TOP = 4;
const LAST = 5;
const IN = 6;
const NAME = 7;
export const WIDTH = 8;

/** Which of two holders goes first. */
export interface Order {
  isBefore(holder: Holder, other: Holder): boolean;
}

export class NestedHeaps {
  #at = new Int32Array(16 * WIDTH);
  #size = WIDTH;
  readonly #order: Order;
  readonly #stack: number[] = [];

  constructor(order: Order) {
    this.#order = order;
  }

  /** Makes an item: one that is ordered by a holder, or an empty heap (`best` NONE). The caller chooses the name. */
  make(name: number, best: Holder): number {
    const made = this.#size;
    this.#size += WIDTH;
    this.#at = grown(this.#at, this.#size);
    this.#at[made + NAME] = name;
    this.#at[made + BEST] = best;
    return made;
  }

  /** All items are below this, `WIDTH` apart. */
  get size(): number {
    return this.#size;
  }

  nameOf(item: number): number {
    return this.#at[item + NAME] as number;
  }

  /** The best holder in the item, or NONE. */
  bestOf(item: number): Holder {
    return this.#at[item + BEST] as number;
  }

  /** The first item of the heap, or NOTHING. */
  topOf(heap: number): number {
    return this.#at[heap + TOP] as number;
  }

  /** The heap that the item is in, or NOTHING. */
  heapOf(item: number): number {
    return this.#at[item + IN] as number;
  }

  /** Puts an item that is in no heap into one. */
  put(item: number, heap: number): void {
    this.#insert(item, heap);
    this.#refresh(heap, true);
  }

  /** Takes the item out of its heap, if it is in one. */
  take(item: number): void {
    const heap = this.heapOf(item);
    if (heap === NOTHING) return;
    this.#remove(item);
    this.#refresh(heap, false);
  }

  /** Appends the holders in the heap, at any depth, that go before `holder`. */
  collectBefore(heap: number, holder: Holder, out: Holder[]): void {
    const stack = this.#stack;
    let item = this.topOf(heap);
    for (; item !== NOTHING; item = stack.pop() ?? NOTHING) {
      if (!this.#goesBefore(item, holder)) continue;
      const top = this.topOf(item);
      const left = this.#at[item + LEFT] as number;
      const right = this.#at[item + RIGHT] as number;
      if (top === NOTHING) out.push(this.bestOf(item));
      else stack.push(top);
      if (left !== NOTHING) stack.push(left);
      if (right !== NOTHING) stack.push(right);
    }
  }

  /** The items directly in the heap, in no order. */
  contentsOf(heap: number): number[] {
    const found = [this.topOf(heap)].filter((top) => top !== NOTHING);
    for (const item of found)
      for (const side of [LEFT, RIGHT]) {
        const below = this.#at[item + side] as number;
        if (below !== NOTHING) found.push(below);
      }
    return found;
  }

  /** After a change in the heap: if its best holder is another now, moves it within the heap it is in, and so on outwards. */
  #refresh(heap: number, isBetter: boolean): void {
    const at = this.#at;
    for (let item = heap; item !== NOTHING; ) {
      const top = at[item + TOP] as number;
      const best = top === NOTHING ? NONE : (at[top + BEST] as number);
      if (best === at[item + BEST]) return;
      const outer = at[item + IN] as number;
      const stays = outer === NOTHING || this.#mayStay(item, best, isBetter);
      if (!stays) this.#remove(item);
      at[item + BEST] = best;
      if (!stays && best !== NONE) this.#insert(item, outer);
      item = outer;
    }
  }

  /** Would the item be in order in its heap with that best holder? */
  #mayStay(item: number, best: Holder, isBetter: boolean): boolean {
    const at = this.#at;
    if (isBetter) return at[item + UP] === NOTHING || this.#goesBefore(at[item + UP] as number, best);
    if (best === NONE) return false;
    return (
      !this.#goesBefore(at[item + LEFT] as number, best) &&
      !this.#goesBefore(at[item + RIGHT] as number, best)
    );
  }

  #goesBefore(item: number, holder: Holder): boolean {
    return item !== NOTHING && this.#order.isBefore(this.#at[item + BEST] as number, holder);
  }

  /** Most items arrive in order: such an item becomes the child of the one inserted last. */
  #insert(item: number, heap: number): void {
    const at = this.#at;
    const last = at[heap + LAST] as number;
    const isNext = at[last + IN] === heap && at[last + LEFT] === NOTHING && this.#isBefore(last, item);
    at[item + LEFT] = NOTHING;
    at[item + RIGHT] = NOTHING;
    at[item + UP] = isNext ? last : NOTHING;
    at[item + IN] = heap;
    if (isNext) at[last + LEFT] = item;
    else at[heap + TOP] = this.#meld(at[heap + TOP] as number, item);
    at[heap + LAST] = item;
  }

  #remove(item: number): void {
    const at = this.#at;
    const above = at[item + UP] as number;
    const rest = this.#meld(at[item + LEFT] as number, at[item + RIGHT] as number);
    if (rest !== NOTHING) at[rest + UP] = above;
    if (above === NOTHING) at[(at[item + IN] as number) + TOP] = rest;
    else at[above + (at[above + LEFT] === item ? LEFT : RIGHT)] = rest;
    at[item + IN] = NOTHING;
  }

  /** Merges two heaps along their right sides and swaps children on the way, which keeps paths short on average. */
  #meld(item: number, other: number): number {
    if (item === NOTHING) return other;
    if (other === NOTHING) return item;
    const at = this.#at;
    const isFirst = this.#isBefore(item, other);
    const root = isFirst ? item : other;
    let top = root;
    let rest = isFirst ? other : item;
    for (;;) {
      const next = at[top + RIGHT] as number;
      at[top + RIGHT] = at[top + LEFT] as number;
      const isNext = next !== NOTHING && this.#isBefore(next, rest);
      const below = isNext ? next : rest;
      at[top + LEFT] = below;
      at[below + UP] = top;
      if (next === NOTHING) return root;
      if (!isNext) rest = next;
      top = below;
    }
  }

  #isBefore(a: number, b: number): boolean {
    return this.#order.isBefore(this.#at[a + BEST] as number, this.#at[b + BEST] as number);
  }
}
