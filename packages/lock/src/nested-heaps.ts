/**
 * Heaps in heaps. An item is in one heap at most. A heap is a skew heap whose items are ordered by holders: a single holder by itself, a heap by
 * the best holder in it, at any depth. All items are rows of one column, so that none of them is an object. Does not know what they stand for.
 */
import { grown } from '@pexen/core/columns';
import { type Holder, NONE } from './holders.ts';

/** Not a heap, nor anything that is in one. */
export const NOTHING = 0;

/** Of each, side by side: in its heap what is below it on the left and on the right, and what is above it; … */
const LEFT = 0;
const RIGHT = 1;
const UP = 2;
/** … the holder it is ordered by, NONE of an empty heap; the top of the heap that is in it; what came last; the heap it is in; its name. */
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

  /** A new thing that goes by a holder, or a new heap, which goes by NONE as yet. Its name is yours. */
  make(name: number, best: Holder): number {
    const made = this.#size;
    this.#size += WIDTH;
    this.#at = grown(this.#at, this.#size);
    this.#at[made + NAME] = name;
    this.#at[made + BEST] = best;
    return made;
  }

  /** All that was made is below this, `WIDTH` apart. */
  get size(): number {
    return this.#size;
  }

  nameOf(one: number): number {
    return this.#at[one + NAME] as number;
  }

  /** The best holder in it, or NONE. */
  bestOf(one: number): Holder {
    return this.#at[one + BEST] as number;
  }

  /** What goes first in the heap, or NOTHING. */
  topOf(heap: number): number {
    return this.#at[heap + TOP] as number;
  }

  /** The heap it is in, or NOTHING. */
  heapOf(one: number): number {
    return this.#at[one + IN] as number;
  }

  /** Puts what is in no heap into one. */
  put(one: number, heap: number): void {
    this.#insert(one, heap);
    this.#refresh(heap, true);
  }

  /** Takes it out of its heap, if it is in one. */
  take(one: number): void {
    const heap = this.heapOf(one);
    if (heap === NOTHING) return;
    this.#remove(one);
    this.#refresh(heap, false);
  }

  /** Appends the holders in the heap, at any depth, that go before one. */
  collectBefore(heap: number, holder: Holder, out: Holder[]): void {
    const stack = this.#stack;
    let one = this.topOf(heap);
    for (; one !== NOTHING; one = stack.pop() ?? NOTHING) {
      if (!this.#goesBefore(one, holder)) continue;
      const top = this.topOf(one);
      const left = this.#at[one + LEFT] as number;
      const right = this.#at[one + RIGHT] as number;
      if (top === NOTHING) out.push(this.bestOf(one));
      else stack.push(top);
      if (left !== NOTHING) stack.push(left);
      if (right !== NOTHING) stack.push(right);
    }
  }

  /** All that is directly in the heap, in no order. */
  contentsOf(heap: number): number[] {
    const found = [this.topOf(heap)].filter((top) => top !== NOTHING);
    for (const one of found)
      for (const side of [LEFT, RIGHT]) {
        const below = this.#at[one + side] as number;
        if (below !== NOTHING) found.push(below);
      }
    return found;
  }

  /** What is in the heap has changed: if it goes by another holder now, it gets another place in the heap it is in, and so on. */
  #refresh(heap: number, isBetter: boolean): void {
    const at = this.#at;
    for (let one = heap; one !== NOTHING; ) {
      const top = at[one + TOP] as number;
      const best = top === NOTHING ? NONE : (at[top + BEST] as number);
      if (best === at[one + BEST]) return;
      const outer = at[one + IN] as number;
      const stays = outer === NOTHING || this.#mayStay(one, best, isBetter);
      if (!stays) this.#remove(one);
      at[one + BEST] = best;
      if (!stays && best !== NONE) this.#insert(one, outer);
      one = outer;
    }
  }

  /** Would it be where it belongs in its heap, if it went by that holder? */
  #mayStay(one: number, best: Holder, isBetter: boolean): boolean {
    const at = this.#at;
    if (isBetter) return at[one + UP] === NOTHING || this.#goesBefore(at[one + UP] as number, best);
    if (best === NONE) return false;
    return (
      !this.#goesBefore(at[one + LEFT] as number, best) && !this.#goesBefore(at[one + RIGHT] as number, best)
    );
  }

  #goesBefore(one: number, holder: Holder): boolean {
    return one !== NOTHING && this.#order.isBefore(this.#at[one + BEST] as number, holder);
  }

  /** Most come in the order in which they are to go: what came last takes them below it. */
  #insert(one: number, heap: number): void {
    const at = this.#at;
    const last = at[heap + LAST] as number;
    const isNext = at[last + IN] === heap && at[last + LEFT] === NOTHING && this.#isBefore(last, one);
    at[one + LEFT] = NOTHING;
    at[one + RIGHT] = NOTHING;
    at[one + UP] = isNext ? last : NOTHING;
    at[one + IN] = heap;
    if (isNext) at[last + LEFT] = one;
    else at[heap + TOP] = this.#meld(at[heap + TOP] as number, one);
    at[heap + LAST] = one;
  }

  #remove(one: number): void {
    const at = this.#at;
    const above = at[one + UP] as number;
    const rest = this.#meld(at[one + LEFT] as number, at[one + RIGHT] as number);
    if (rest !== NOTHING) at[rest + UP] = above;
    if (above === NOTHING) at[(at[one + IN] as number) + TOP] = rest;
    else at[above + (at[above + LEFT] === one ? LEFT : RIGHT)] = rest;
    at[one + IN] = NOTHING;
  }

  /** Goes down along the right sides, swapping sides on the way: that keeps paths short on average. */
  #meld(one: number, other: number): number {
    if (one === NOTHING) return other;
    if (other === NOTHING) return one;
    const at = this.#at;
    const isFirst = this.#isBefore(one, other);
    const root = isFirst ? one : other;
    let top = root;
    let rest = isFirst ? other : one;
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
