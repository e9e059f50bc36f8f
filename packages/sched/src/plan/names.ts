/** Finds the numbers of names. Knows nothing of what they are names of. */
import { definitionKey, isTask, type Runnable } from '@pexen/core';
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

// Identities of tasks

/** The tasks, by number. */
export interface Known {
  readonly count: number;
  /** Undefined for one that is over and that nobody else knows any more. */
  runnableOf(task: number): Runnable | undefined;
}

export class Identities {
  readonly #known: Known;
  /** What nobody else knows any more is not named any more. */
  readonly #tasks = new WeakMap<object, number[]>();
  /** So many tasks are in there. */
  #count = 0;

  /** `known` may grow. */
  constructor(known: Known) {
    this.#known = known;
  }

  /** Takes in the tasks that came since; `onIdentity` is told of each task and everything it is. */
  update(onIdentity: (task: number, identity: object) => void): void {
    for (; this.#count < this.#known.count; this.#count++)
      for (const identity of identitiesOf(this.#known.runnableOf(this.#count))) {
        const known = this.#tasks.get(identity);
        if (known === undefined) this.#tasks.set(identity, [this.#count]);
        else known.push(this.#count);
        onIdentity(this.#count, identity);
      }
  }

  /** Forgets the tasks from this one on, of which `known` still knows what they are. */
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

/** The task itself, and what it was made from, nearest first. */
export function identitiesOf(runnable: Runnable | undefined): ReadonlySet<object> {
  if (runnable === undefined) return new Set();
  const found = new Set<object>([runnable]);
  for (const each of found) if (isTask(each)) found.add(each[definitionKey].madeFrom ?? each);
  return found;
}
