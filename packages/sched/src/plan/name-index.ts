/** Finds the numbers of names. Knows nothing of what they are names of. */
import { ints } from './columns.ts';

/** Texts have a hash table of their own: in a `Map` they cost two to three times as much. Other names are kept in one. */
export class NameIndex {
  /** The names, by number. */
  readonly #names: readonly unknown[];
  readonly #others = new Map<unknown, number>();
  /** One more than the number of each text, at the first free place from that on which its hash says. 0 is a free place. */
  #slots = ints();
  #hashes = ints();
  #count = 0;

  /** `names` may grow: what is added here stands there under its number. */
  constructor(names: readonly unknown[]) {
    this.#names = names;
  }

  get(name: unknown): number | undefined {
    if (typeof name !== 'string') return this.#others.get(name);
    const entry = this.#slots[this.#find(name, hashOf(name))] as number;
    return entry === 0 ? undefined : entry - 1;
  }

  /** Gives the name this number, unless it has one. Answers with the number that it has now. */
  add(name: unknown, number: number): number {
    if (typeof name !== 'string') return this.#addOther(name, number);
    if (this.#count * 2 >= this.#slots.length) this.#rehash(this.#slots.length * 4);
    const hash = hashOf(name);
    const slot = this.#find(name, hash);
    if (this.#slots[slot] === 0) this.#fill(slot, number + 1, hash);
    return (this.#slots[slot] as number) - 1;
  }

  /** Forgets the names whose number is not below `end`. */
  cut(end: number): void {
    for (const [name, number] of this.#others) if (number >= end) this.#others.delete(name);
    this.#rehash(this.#slots.length, end);
  }

  #addOther(name: unknown, number: number): number {
    const known = this.#others.get(name);
    if (known === undefined) this.#others.set(name, number);
    return known ?? number;
  }

  /** The place of the text, or where it would have to be put. */
  #find(text: string, hash: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    let slot = hash & last;
    for (let entry = slots[slot] as number; entry !== 0; entry = slots[slot] as number) {
      if (this.#hashes[slot] === hash && this.#names[entry - 1] === text) break;
      slot = (slot + 1) & last;
    }
    return slot;
  }

  #fill(slot: number, entry: number, hash: number): void {
    this.#slots[slot] = entry;
    this.#hashes[slot] = hash;
    this.#count++;
  }

  /** Makes a table of this length, a power of two. */
  #rehash(length: number, end: number = Number.POSITIVE_INFINITY): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    this.#slots = new Int32Array(length);
    this.#hashes = new Int32Array(length);
    this.#count = 0;
    for (let old = 0; old < slots.length; old++) {
      const entry = slots[old] as number;
      if (entry === 0 || entry > end) continue;
      let slot = (hashes[old] as number) & (length - 1);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (length - 1);
      this.#fill(slot, entry, hashes[old] as number);
    }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
