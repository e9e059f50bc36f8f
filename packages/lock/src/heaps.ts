/**
 * Many skew heaps over one set of elements, without an object for any: an element is in one heap at most, and a heap is its root
 * (-1 is empty). Elements are ordered by the holder that is their key. Knows not what the elements are.
 */
import { grown } from './columns.ts';
import type { Holders } from './holders.ts';

/** The root of an empty heap. */
export const EMPTY = -1;

export class Heaps {
  /** The holder by which an element is ordered. To be changed only while the element is in no heap. */
  key: Int32Array = new Int32Array(16);
  left: Int32Array = new Int32Array(16);
  right: Int32Array = new Int32Array(16);
  readonly #holders: Holders;
  #up = new Int32Array(16);

  constructor(holders: Holders) {
    this.#holders = holders;
  }

  /** Makes room for elements below `size`. */
  grow(size: number): void {
    this.key = grown(this.key, size);
    this.left = grown(this.left, size);
    this.right = grown(this.right, size);
    this.#up = grown(this.#up, size);
  }

  /** The new root. */
  insert(root: number, element: number): number {
    this.left[element] = EMPTY;
    this.right[element] = EMPTY;
    this.#up[element] = EMPTY;
    return this.#meld(root, element);
  }

  /** Puts the element below a leaf that goes before it: no root changes, and nothing has to be compared. */
  append(leaf: number, element: number): void {
    this.left[element] = EMPTY;
    this.right[element] = EMPTY;
    this.left[leaf] = element;
    this.#up[element] = leaf;
  }

  /** The new root. */
  remove(root: number, element: number): number {
    const above = this.#up[element] as number;
    const rest = this.#meld(this.left[element] as number, this.right[element] as number);
    if (rest !== EMPTY) this.#up[rest] = above;
    if (above === EMPTY) return rest;
    if (this.left[above] === element) this.left[above] = rest;
    else this.right[above] = rest;
    return root;
  }

  isLeaf(element: number): boolean {
    return this.left[element] === EMPTY && this.right[element] === EMPTY;
  }

  /** Goes down along the right sides, swapping sides on the way: that keeps paths short on average. */
  #meld(one: number, other: number): number {
    if (one === EMPTY) return other;
    if (other === EMPTY) return one;
    const { left, right } = this;
    const up = this.#up;
    let at = this.#isBefore(other, one) ? other : one;
    let rest = at === one ? other : one;
    const root = at;
    for (;;) {
      let next = right[at] as number;
      right[at] = left[at] as number;
      if (next === EMPTY) break;
      if (this.#isBefore(rest, next)) [next, rest] = [rest, next];
      left[at] = next;
      up[next] = at;
      at = next;
    }
    left[at] = rest;
    up[rest] = at;
    return root;
  }

  #isBefore(a: number, b: number): boolean {
    return this.#holders.isBefore(this.key[a] as number, this.key[b] as number);
  }
}
