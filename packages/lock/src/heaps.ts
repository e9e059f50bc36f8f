/**
 * Many skew heaps over one set of elements, without an object for any: an element is in one heap at most, and a heap is its root
 * (-1 is empty). Elements are ordered by the holder that is their key. Knows not what the elements are.
 */
import { grown } from './columns.ts';
import type { Holders } from './holders.ts';

/** The root of an empty heap. */
export const EMPTY = -1;

/** Of each element, side by side: what is below it on the left and on the right, what is above it, and its key. */
const WIDTH = 4;
const LEFT = 0;
const RIGHT = 1;
const UP = 2;
const KEY = 3;

export class Heaps {
  readonly #holders: Holders;
  #at = new Int32Array(16 * WIDTH);

  constructor(holders: Holders) {
    this.#holders = holders;
  }

  /** Makes room for elements below `size`. */
  grow(size: number): void {
    this.#at = grown(this.#at, size * WIDTH);
  }

  /** The holder by which the element is ordered. */
  keyOf(element: number): number {
    return this.#at[element * WIDTH + KEY] as number;
  }

  /** Only while the element is in no heap. */
  setKey(element: number, holder: number): void {
    this.#at[element * WIDTH + KEY] = holder;
  }

  leftOf(element: number): number {
    return this.#at[element * WIDTH + LEFT] as number;
  }

  rightOf(element: number): number {
    return this.#at[element * WIDTH + RIGHT] as number;
  }

  isLeaf(element: number): boolean {
    return this.leftOf(element) === EMPTY && this.rightOf(element) === EMPTY;
  }

  /** The new root. */
  insert(root: number, element: number): number {
    this.#isolate(element, EMPTY);
    return this.#meld(root, element);
  }

  /** Puts the element below a leaf that goes before it: no root changes, and nothing has to be compared. */
  append(leaf: number, element: number): void {
    this.#isolate(element, leaf);
    this.#at[leaf * WIDTH + LEFT] = element;
  }

  /** The new root. */
  remove(root: number, element: number): number {
    const at = this.#at;
    const base = element * WIDTH;
    const above = at[base + UP] as number;
    const rest = this.#meld(at[base + LEFT] as number, at[base + RIGHT] as number);
    if (rest !== EMPTY) at[rest * WIDTH + UP] = above;
    if (above === EMPTY) return rest;
    const side = at[above * WIDTH + LEFT] === element ? LEFT : RIGHT;
    at[above * WIDTH + side] = rest;
    return root;
  }

  #isolate(element: number, above: number): void {
    const base = element * WIDTH;
    this.#at[base + LEFT] = EMPTY;
    this.#at[base + RIGHT] = EMPTY;
    this.#at[base + UP] = above;
  }

  /** Goes down along the right sides, swapping sides on the way: that keeps paths short on average. */
  #meld(one: number, other: number): number {
    if (one === EMPTY) return other;
    if (other === EMPTY) return one;
    const at = this.#at;
    const isFirst = this.#isBefore(one, other);
    const root = isFirst ? one : other;
    let top = root;
    let rest = isFirst ? other : one;
    for (;;) {
      const base = top * WIDTH;
      const next = at[base + RIGHT] as number;
      at[base + RIGHT] = at[base + LEFT] as number;
      const isNext = next !== EMPTY && this.#isBefore(next, rest);
      const below = isNext ? next : rest;
      at[base + LEFT] = below;
      at[below * WIDTH + UP] = top;
      if (next === EMPTY) return root;
      if (!isNext) rest = next;
      top = below;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const at = this.#at;
    return this.#holders.isBefore(at[a * WIDTH + KEY] as number, at[b * WIDTH + KEY] as number);
  }
}
