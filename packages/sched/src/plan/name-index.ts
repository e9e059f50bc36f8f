/** Finds the numbers of names. Knows nothing of what they are names of. */
import { ints } from '@pexen/core/columns';

/** Texts have a hash table of their own: in a `Map` they cost two to three times as much. Other names are kept in one. */
export class NameIndex {
  /** The names, by number. */
  readonly #names: readonly unknown[];
  readonly #others = new Map<unknown, number>();
  /** One more than the number of each text, at the first free place from that on which its hash says. 0 is a free place. */
  #slots = ints();
  #hashes = ints();
  #count = 0;

  /** `names` may grow: what gets a number here stands there under it. Knows none of them yet, or as many as the other. */
  constructor(names: readonly unknown[], of?: NameIndex) {
    this.#names = names;
    if (of === undefined) return;
    this.#others = new Map(of.#others);
    this.#slots = of.#slots.slice();
    this.#hashes = of.#hashes.slice();
    this.#count = of.#count;
  }

  /** The number of the name. One that has none gets that of `ifNew`; -1 gives none. */
  find(name: unknown, ifNew = -1): number {
    if (typeof name !== 'string') return this.#findOther(name, ifNew);
    const hash = hashOf(name);
    const slots = this.#slots;
    const last = slots.length - 1;
    for (let slot = hash & last, entry = slots[slot]; entry; entry = slots[slot]) {
      if (this.#hashes[slot] === hash && this.#names[entry - 1] === name) return entry - 1;
      slot = (slot + 1) & last;
    }
    if (ifNew >= 0) this.#put(ifNew + 1, hash);
    return ifNew;
  }

  /** Forgets the names whose number is not below `end`. */
  cut(end: number): void {
    for (const [name, number] of this.#others) if (number >= end) this.#others.delete(name);
    this.#rehash(this.#slots.length, end);
  }

  #findOther(name: unknown, ifNew: number): number {
    const number = this.#others.get(name) ?? ifNew;
    if (ifNew >= 0) this.#others.set(name, number);
    return number;
  }

  #put(entry: number, hash: number): void {
    if (this.#count * 2 >= this.#slots.length) this.#rehash(this.#slots.length * 2);
    const last = this.#slots.length - 1;
    let slot = hash & last;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & last;
    this.#slots[slot] = entry;
    this.#hashes[slot] = hash;
    this.#count++;
  }

  /** Makes a table of this length, a power of two. */
  #rehash(length: number, end = Number.POSITIVE_INFINITY): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Int32Array(length);
    this.#hashes = new Int32Array(length);
    this.#count = 0;
    for (const [slot, entry] of slots.entries())
      if (entry !== 0 && entry <= end) this.#put(entry, hashes[slot] as number);
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
