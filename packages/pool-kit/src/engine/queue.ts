/** A queue of what waits for a slot: first in, first out, but what comes back goes to the front. Entries that are over are skipped. */

/** What waits, and whether it still does. */
interface Entry {
  readonly isOver: boolean;
}

/** So many empty places may lie at the front before they are cleared away. */
const mostEmpty = 1_024;

export class Queue<T extends Entry> {
  #entries: T[] = [];
  #first = 0;

  /** Counts those that are over, too, until they are met. */
  get length(): number {
    return this.#entries.length - this.#first;
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** Puts them before all others, in their order. */
  putBack(entries: readonly T[]): void {
    if (entries.length === 0) return;
    this.#entries = [...entries, ...this.#entries.slice(this.#first)];
    this.#first = 0;
  }

  /** The first one, which stays where it is. */
  peek(): T | undefined {
    while (this.#entries[this.#first]?.isOver) this.#advance();
    return this.#entries[this.#first];
  }

  /** Takes the first one out. */
  shift(): T | undefined {
    const entry = this.peek();
    if (entry !== undefined) this.#advance();
    return entry;
  }

  /** Takes everything out that still waits. */
  takeAll(): T[] {
    const all = this.#entries.slice(this.#first).filter(({ isOver }) => !isOver);
    this.#entries = [];
    this.#first = 0;
    return all;
  }

  #advance(): void {
    this.#first++;
    if (this.#first < this.#entries.length && this.#first <= mostEmpty) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
