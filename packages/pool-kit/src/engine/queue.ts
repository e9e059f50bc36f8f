/** The queue before the slots: first in, first out; returned entries go to the front. Entries that are over are skipped. */

/** An entry, and whether it still waits. */
export interface Entry {
  readonly isOver: boolean;
}

/** So many empty places may be at the front before they are removed. */
const mostEmpty = 1_024;

export class Queue<T extends Entry> {
  #entries: T[] = [];
  #first = 0;

  /** Includes entries that are over and were not skipped yet. */
  get length(): number {
    return this.#entries.length - this.#first;
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  /** Puts these entries before all others, in their order. */
  putBack(entries: readonly T[]): void {
    if (entries.length === 0) return;
    this.#entries = [...entries, ...this.#entries.slice(this.#first)];
    this.#first = 0;
  }

  /** Returns the first entry without removing it. */
  peek(): T | undefined {
    while (this.#entries[this.#first]?.isOver) this.#advance();
    return this.#entries[this.#first];
  }

  /** Removes and returns the first entry. */
  shift(): T | undefined {
    const entry = this.peek();
    if (entry !== undefined) this.#advance();
    return entry;
  }

  /** Removes and returns all entries that still wait. */
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
