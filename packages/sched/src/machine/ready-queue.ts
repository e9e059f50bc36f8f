/** Tasks that may start, best first: smaller priority, then larger rank, then declared earlier. A binary heap. */

import { ints, Table } from '@pexen/core/columns';

/** What orders the tasks. */
export interface Ranking {
  readonly priority: Float64Array;
  readonly order: { readonly rank: Float64Array };
}

export class ReadyQueue extends Table {
  readonly #ranking: Ranking;
  heap: Int32Array = ints();
  size = 0;

  constructor(ranking: Ranking) {
    super();
    this.#ranking = ranking;
  }

  push(task: number): void {
    this.reserve(this.size + 1);
    this.#rise(this.size++, task);
  }

  /** The best one, -1 if there is none. */
  peek(): number {
    return this.size === 0 ? -1 : (this.heap[0] as number);
  }

  /** Takes the best one away. */
  pop(): number {
    const best = this.peek();
    if (best < 0) return best;
    const last = this.heap[--this.size] as number;
    if (this.size > 0) this.#sink(0, last);
    return best;
  }

  /** The ranks have changed. */
  rebuild(): void {
    for (let at = (this.size >> 1) - 1; at >= 0; at--) this.#sink(at, this.heap[at] as number);
  }

  /** Does `a` go first? */
  isBefore(a: number, b: number): boolean {
    const { priority, order } = this.#ranking;
    const first = (priority[a] as number) - (priority[b] as number);
    if (first !== 0) return first < 0;
    const second = (order.rank[b] as number) - (order.rank[a] as number);
    return second === 0 ? a < b : second < 0;
  }

  #rise(from: number, task: number, top = 0): void {
    let at = from;
    while (at > top) {
      const above = (at - 1) >> 1;
      const other = this.heap[above] as number;
      if (!this.isBefore(task, other)) break;
      this.heap[at] = other;
      at = above;
    }
    this.heap[at] = task;
  }

  /** Down the path of the better children to the end, and from there up again: mostly that is where a task from the end belongs. */
  #sink(from: number, task: number): void {
    const heap = this.heap;
    const { size } = this;
    let at = from;
    for (let below = at * 2 + 1; below < size; below = at * 2 + 1) {
      if (below + 1 < size && this.isBefore(heap[below + 1] as number, heap[below] as number)) below++;
      heap[at] = heap[below] as number;
      at = below;
    }
    this.#rise(at, task, from);
  }
}
