/** Moments at which something may be due. Entries are not taken back: whoever set them looks whether they still mean anything. */

export const TIMEOUT = 0;
export const IDLE = 1;
export const BACKOFF = 2;
/** Of the cleanup. */
export const TIDY_TIMEOUT = 3;

/** One moment. */
export interface Alarm {
  readonly atMs: number;
  readonly kind: number;
  readonly task: number;
  readonly attempt: number;
}

/** A binary heap, earliest first; equal moments in the order in which they were set. */
export class Alarms {
  #heap: (Alarm & { readonly order: number })[] = [];
  #order = 0;
  #nextSweep = 1024;

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest is due; undefined if there is none. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  /** When the next attempt of the task is due. */
  find(task: number): number | undefined {
    return this.#heap.find((alarm) => alarm.task === task && alarm.kind === BACKOFF)?.atMs;
  }

  set(atMs: number, kind: number, task: number, attempt: number): void {
    this.#heap.push({ atMs, kind, task, attempt, order: this.#order++ });
    this.#rise(this.#heap.length - 1);
  }

  /** Takes the earliest away if it is due. */
  take(nowMs: number): Alarm | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.atMs > nowMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  /** Now and then drops the entries that mean nothing any more. */
  sweep(matters: (alarm: Alarm) => boolean): void {
    if (this.#heap.length < this.#nextSweep) return;
    this.#heap = this.#heap.filter(matters).sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#nextSweep = Math.max(1024, this.#heap.length * 2);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#swapIfBefore(heap, at, above)) return;
      at = above;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let at = from; ; ) {
      const left = at * 2 + 1;
      const best =
        left + 1 < heap.length && isBefore(heap[left + 1] as Entry, heap[left] as Entry) ? left + 1 : left;
      if (best >= heap.length || !this.#swapIfBefore(heap, best, at)) return;
      at = best;
    }
  }

  #swapIfBefore(heap: Entry[], low: number, high: number): boolean {
    const a = heap[low] as Entry;
    const b = heap[high] as Entry;
    if (!isBefore(a, b)) return false;
    heap[low] = b;
    heap[high] = a;
    return true;
  }
}

type Entry = Alarm & { readonly order: number };

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
