/** Maps names to numbers, and objects to the tasks that they identify. */
import { identitiesOf, type Runnable } from '@pexen/core';
import { ints } from '@pexen/core/columns';

/** Strings have a hash table of their own: in a `Map` they cost two to three times as much. Other names are kept in a `Map`. */
export class NameIndex {
  /** The names, by number. */
  readonly #names: readonly unknown[];
  readonly #others = new Map<unknown, number>();
  /** One more than the number of each string, at the first free slot from its hash on. 0 is a free slot. */
  #slots = ints();
  #hashes = ints();
  #count = 0;

  /** `names` may grow: a name that gets a number here stands there at this index. Starts empty, or as a copy. */
  constructor(names: readonly unknown[], of?: NameIndex) {
    this.#names = names;
    if (of === undefined) return;
    this.#others = new Map(of.#others);
    this.#slots = of.#slots.slice();
    this.#hashes = of.#hashes.slice();
    this.#count = of.#count;
  }

  /** The number of the name. A new name gets the number `ifNew`, unless that is -1. */
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

  /** Removes the names whose number is `end` or larger. */
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

/** The tasks, by number. */
export interface Known {
  readonly count: number;
  /** Undefined for a task that is over and that has no other reference. */
  runnableOf(task: number): Runnable | undefined;
}

export class Identities {
  readonly #known: Known;
  /** Weak, so that a task without other references can be collected. */
  readonly #tasks = new WeakMap<object, number[]>();
  /** How many tasks are included. */
  #count = 0;

  /** Which tasks an object identifies: the task itself, and the tasks made from it. Reads the tasks lazily. `known` may grow. */
  constructor(known: Known) {
    this.#known = known;
  }

  /** Includes the tasks added since the last call. Calls `onIdentity` for each identity of each of them. */
  update(onIdentity: (task: number, identity: object) => void): void {
    for (; this.#count < this.#known.count; this.#count++)
      for (const identity of identitiesOf(this.#known.runnableOf(this.#count))) {
        const known = this.#tasks.get(identity);
        if (known === undefined) this.#tasks.set(identity, [this.#count]);
        else known.push(this.#count);
        onIdentity(this.#count, identity);
      }
  }

  /** Removes the tasks from this one on. `known` must still have them. */
  cut(end: number): void {
    while (this.#count > end)
      for (const identity of identitiesOf(this.#known.runnableOf(--this.#count)))
        this.#tasks.get(identity)?.pop();
  }

  /** In the order of declaration. */
  tasksOf(identity: object): readonly number[] {
    return this.#tasks.get(identity) ?? [];
  }
}
