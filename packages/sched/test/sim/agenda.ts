interface Entry {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cancelled. */
  act: (() => void) | undefined;
}

/** What will happen when, in the world's own time: ordered by time, then by the order of entry. */
export class Agenda {
  now = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Adds an entry; the returned function cancels it. */
  at(atMs: number, act: () => void): () => void {
    const entry: Entry = { atMs: Math.max(atMs, this.now), order: this.#order++, act };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
    return () => {
      entry.act = undefined;
    };
  }

  /** Moves on to the next entry; undefined if there is none. */
  next(): (() => void) | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      this.#removeTop();
      if (top.act === undefined) continue;
      this.now = top.atMs;
      return top.act;
    }
  }

  #removeTop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#down(0);
  }

  #up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #down(from: number): void {
    for (let at = from; ; ) {
      const left = at * 2 + 1;
      if (left >= this.#heap.length) return;
      const child = left + 1 < this.#heap.length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, at)) return;
      this.#swap(child, at);
      at = child;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return false;
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const kept = this.#heap[one] as Entry;
    this.#heap[one] = this.#heap[other] as Entry;
    this.#heap[other] = kept;
  }
}
