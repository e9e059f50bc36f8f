/** The pools of a run as the machine sees them: which are open, how full they are, and the queue of ready tasks of each. */
import { ints, Table } from '@pexen/core/columns';
import type { PlanPool } from '../plan/planned.ts';
import type { PoolId } from './protocol.ts';

/** What orders the tasks. */
export interface Ranking {
  readonly priority: Float64Array;
  readonly order: { readonly rank: Float64Array };
}

/** The ready tasks of one pool, best first: a heap that knows where each task stands. */
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

// How far a pool is.

export const CLOSED = 0;
export const OPENING = 1;
export const OPEN = 2;
export const CLOSING = 3;
/** It could not be opened. */
export const FAILED = 4;

/** One pool: its places, its queue, and what it has to do yet. */
export class PoolRow {
  readonly id: PoolId;
  readonly name: string;
  readonly isGroup: boolean;
  /** Nothing outside it runs while it is open. */
  readonly isExclusive: boolean;
  readonly spare: number;
  readonly queue: ReadyQueue;
  state = CLOSED;
  /** How often it was opened. */
  openings = 0;
  /** As the pool says, but at most what the group wants. */
  slots = 0;
  /** Handed out and not settled. */
  dispatched = 0;
  /** Ended, and not promised to the consumer yet: they keep their places, so that the run cannot outrun its consumer. */
  unread = 0;
  /** Its tasks that have no result yet. */
  remaining = 0;
  readonly #mostSlots: number;

  constructor(id: PoolId, { name, group, spare }: PlanPool, ranking: Ranking) {
    this.id = id;
    this.name = name;
    this.isGroup = group !== undefined;
    this.isExclusive = group?.exclusive ?? false;
    this.spare = spare;
    this.#mostSlots = group?.workers ?? Number.POSITIVE_INFINITY;
    this.queue = new ReadyQueue(ranking);
  }

  setSlots(slots: number): void {
    this.slots = Math.min(slots, this.#mostSlots);
  }

  get hasSlot(): boolean {
    return this.state === OPEN && this.dispatched < this.slots;
  }

  /** A slot, or a place to wait for one. */
  get hasPlace(): boolean {
    return this.state === OPEN && this.slots > 0 && this.dispatched + this.unread < this.slots + this.spare;
  }
}
