/**
 * Paths of integers, each prefix once: an entry is its parent and two numbers. Entries are counted and forgotten with the last
 * reference. Knows not what the numbers mean.
 */
import { grown } from '@pexen/core/columns';

/** Beginning of every path. */
export const ROOT = 0;

export class Trie {
  parent: Int32Array = new Int32Array(16).fill(-1);
  label: Int32Array = new Int32Array(16);
  sort: Int32Array = new Int32Array(16);
  /** Length of the path. */
  depth: Int32Array = new Int32Array(16);
  /** References from outside, and one for each child. */
  refs: Int32Array = new Int32Array(16);
  /** Ids are below this. */
  size = 1;
  #buckets = new Int32Array(16).fill(-1);
  #chain = new Int32Array(16);
  #used = 0;
  #free = -1;

  /** The child with these numbers, or -1. */
  find(parent: number, label: number, sort: number): number {
    let at = this.#buckets[hash(parent, label, sort) & (this.#buckets.length - 1)] as number;
    while (at >= 0 && !(this.label[at] === label && this.parent[at] === parent && this.sort[at] === sort))
      at = this.#chain[at] as number;
    return at;
  }

  /** A new child, without any reference. It must not be there yet. */
  make(parent: number, label: number, sort: number): number {
    if (this.#used >= this.#buckets.length) this.#rehash();
    const entry = this.#take();
    this.parent[entry] = parent;
    this.label[entry] = label;
    this.sort[entry] = sort;
    this.depth[entry] = (this.depth[parent] as number) + 1;
    this.refs[entry] = 0;
    this.retain(parent);
    this.#link(entry);
    return entry;
  }

  retain(entry: number): void {
    this.refs[entry] = (this.refs[entry] as number) + 1;
  }

  /** Takes one reference back. Calls `forget` with each entry that goes with it, children first, while it can still be read. */
  drop(entry: number, forget: (gone: number) => void): void {
    let at = entry;
    while (at !== ROOT) {
      const refs = (this.refs[at] as number) - 1;
      this.refs[at] = refs;
      if (refs > 0) return;
      forget(at);
      const parent = this.parent[at] as number;
      this.#remove(at);
      at = parent;
    }
  }

  /** An unused id. */
  #take(): number {
    this.#used++;
    const entry = this.#free;
    if (entry >= 0) {
      this.#free = this.#chain[entry] as number;
      return entry;
    }
    const size = this.size + 1;
    this.parent = grown(this.parent, size);
    this.label = grown(this.label, size);
    this.sort = grown(this.sort, size);
    this.depth = grown(this.depth, size);
    this.refs = grown(this.refs, size);
    this.#chain = grown(this.#chain, size);
    return this.size++;
  }

  #link(entry: number): void {
    const bucket = this.#bucketOf(entry);
    this.#chain[entry] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = entry;
  }

  #remove(entry: number): void {
    const bucket = this.#bucketOf(entry);
    const next = this.#chain[entry] as number;
    if (this.#buckets[bucket] === entry) this.#buckets[bucket] = next;
    else {
      let at = this.#buckets[bucket] as number;
      while (this.#chain[at] !== entry) at = this.#chain[at] as number;
      this.#chain[at] = next;
    }
    this.#used--;
    this.parent[entry] = -1;
    this.#chain[entry] = this.#free;
    this.#free = entry;
  }

  #rehash(): void {
    this.#buckets = new Int32Array(this.#buckets.length * 4).fill(-1);
    for (let entry = 1; entry < this.size; entry++)
      if ((this.parent[entry] as number) >= 0) this.#link(entry);
  }

  #bucketOf(entry: number): number {
    const hashed = hash(
      this.parent[entry] as number,
      this.label[entry] as number,
      this.sort[entry] as number,
    );
    return hashed & (this.#buckets.length - 1);
  }
}

function hash(parent: number, label: number, sort: number): number {
  const mixed = Math.imul(parent, 0x9e3779b1) ^ Math.imul(label, 0x85ebca6b) ^ Math.imul(sort, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> 8;
}
