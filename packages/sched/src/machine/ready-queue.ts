/** The ready tasks of a partition, best first. Does not know why a task is ready. */
import { ints, Table } from '@pexen/core/columns';

/** The columns by which tasks are ordered: those of smaller priority first, then those of larger rank, then those that were declared first. */
export interface Ranking {
  readonly priority: Float64Array;
  readonly order: { readonly rank: Float64Array };
}

/** Ready tasks, best first. */
export interface TaskQueue {
  push(task: number): void;
  /** The best task; -1 if there is none. */
  peek(): number;
  /** Removes the best task and returns it; -1 if there is none. */
  pop(): number;
  /** Restores the order after the ranks have changed. */
  rebuild(places: Places): void;
  /** True if task `a` precedes task `b`, in the queue or not. */
  isBefore(a: number, b: number): boolean;
}

/** True if task `a` precedes task `b`. */
function precedes({ priority, order }: Ranking, a: number, b: number): boolean {
  const first = (priority[a] as number) - (priority[b] as number);
  if (first !== 0) return first < 0;
  const second = (order.rank[b] as number) - (order.rank[a] as number);
  return second === 0 ? a < b : second < 0;
}

/** A binary heap. */
export class ReadyHeap extends Table implements TaskQueue {
  readonly #ranking: Ranking;
  protected heap: Int32Array = ints();
  #size = 0;

  constructor(ranking: Ranking) {
    super();
    this.#ranking = ranking;
  }

  push(task: number): void {
    this.reserve(this.#size + 1);
    this.#siftUp(this.#size++, task);
  }

  peek(): number {
    return this.#size === 0 ? -1 : (this.heap[0] as number);
  }

  pop(): number {
    const best = this.peek();
    if (best < 0) return best;
    const last = this.heap[--this.#size] as number;
    if (this.#size > 0) this.#siftDown(0, last);
    return best;
  }

  rebuild(): void {
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#siftDown(at, this.heap[at] as number);
  }

  isBefore(a: number, b: number): boolean {
    return precedes(this.#ranking, a, b);
  }

  #siftUp(from: number, task: number, top = 0): void {
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

  /** Moves the free place down the path of the better children to the end, and then up again: a task from the end usually belongs there. */
  #siftDown(from: number, task: number): void {
    const heap = this.heap;
    const size = this.#size;
    let at = from;
    for (let below = at * 2 + 1; below < size; below = at * 2 + 1) {
      if (below + 1 < size && this.isBefore(heap[below + 1] as number, heap[below] as number)) below++;
      heap[at] = heap[below] as number;
      at = below;
    }
    this.#siftUp(at, task, from);
  }
}

/**
 * The ready tasks of a whole pool. Those that were ranked together have places in one order, so that each is a bit, and no two are compared; tasks that
 * were added since are in a heap.
 */
export class ReadyQueue implements TaskQueue {
  readonly #ranking: Ranking;
  readonly #added: ReadyHeap;
  #places: Places;
  #ranked: PlaceSet;

  constructor(ranking: Ranking) {
    this.#ranking = ranking;
    this.#added = new ReadyHeap(ranking);
    this.#places = new Places(ranking, 0);
    this.#ranked = new PlaceSet(0);
  }

  push(task: number): void {
    if (task < this.#places.count) this.#ranked.add(this.#places.of(task));
    else this.#added.push(task);
  }

  peek(): number {
    const place = this.#ranked.first();
    const added = this.#added.peek();
    if (place < 0) return added;
    const ranked = this.#places.taskAt(place);
    return added >= 0 && precedes(this.#ranking, added, ranked) ? added : ranked;
  }

  pop(): number {
    const best = this.peek();
    if (best < 0) return best;
    if (best < this.#places.count) this.#ranked.delete(this.#places.of(best));
    else this.#added.pop();
    return best;
  }

  rebuild(places: Places): void {
    const waiting: number[] = [];
    for (let task = this.pop(); task >= 0; task = this.pop()) waiting.push(task);
    this.#places = places;
    this.#ranked = new PlaceSet(places.count);
    for (const task of waiting) this.push(task);
  }

  isBefore(a: number, b: number): boolean {
    return precedes(this.#ranking, a, b);
  }
}

/** The place of each of the first `count` tasks in their order. */
export class Places {
  readonly count: number;
  readonly #tasks: Int32Array;
  readonly #places: Int32Array;

  constructor({ priority, order }: Ranking, count: number) {
    this.count = count;
    const declared = Int32Array.from({ length: count }, (_, task) => task);
    // Stable, from the least significant to the most significant.
    this.#tasks = sorted(sorted(declared, order.rank, -1), priority, 1);
    this.#places = new Int32Array(count);
    for (let place = 0; place < count; place++) this.#places[this.#tasks[place] as number] = place;
  }

  of(task: number): number {
    return this.#places[task] as number;
  }

  taskAt(place: number): number {
    return this.#tasks[place] as number;
  }
}

/** Sorts the tasks by a column, ascending for 1 and descending for -1; equal ones keep their order. By counting: most tasks share their values. */
function sorted(tasks: Int32Array, column: Float64Array, direction: 1 | -1): Int32Array {
  const keys = column.slice(0, tasks.length);
  if (direction < 0) for (let at = 0; at < keys.length; at++) keys[at] = -(keys[at] as number);
  const distinct = distinctOf(keys);
  if (distinct.length < 2) return tasks;
  const next = new Int32Array(distinct.length + 1);
  const bucketOf = Int32Array.from(keys, (key) => placeIn(distinct, key));
  for (const bucket of bucketOf) next[bucket + 1] = (next[bucket + 1] as number) + 1;
  for (let bucket = 1; bucket < next.length; bucket++)
    next[bucket] = (next[bucket] as number) + (next[bucket - 1] as number);
  const result = new Int32Array(tasks.length);
  for (const task of tasks) {
    const bucket = bucketOf[task] as number;
    result[next[bucket] as number] = task;
    next[bucket] = (next[bucket] as number) + 1;
  }
  return result;
}

/** The distinct numbers, ascending. */
function distinctOf(numbers: Float64Array): Float64Array {
  const ascending = numbers.slice().sort();
  let count = 0;
  for (const each of ascending) if (count === 0 || each !== ascending[count - 1]) ascending[count++] = each;
  return ascending.subarray(0, count);
}

/** Where the number is among ascending ones. */
function placeIn(ascending: Float64Array, number: number): number {
  let low = 0;
  for (let high = ascending.length - 1; low < high; ) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers below a limit: bits in words, and above them bits that say which words are not 0, until one word is left. */
class PlaceSet {
  readonly #levels: readonly Int32Array[];

  constructor(limit: number) {
    const levels: Int32Array[] = [];
    let words = limit;
    do {
      words = (words + 31) >>> 5;
      levels.push(new Int32Array(words));
    } while (words > 1);
    this.#levels = levels;
  }

  add(place: number): void {
    let at = place;
    for (const level of this.#levels) {
      const word = level[at >>> 5] as number;
      level[at >>> 5] = word | (FIRST_BIT >>> (at & 31));
      if (word !== 0) return;
      at >>>= 5;
    }
  }

  delete(place: number): void {
    let at = place;
    for (const level of this.#levels) {
      const rest = (level[at >>> 5] as number) & ~(FIRST_BIT >>> (at & 31));
      level[at >>> 5] = rest;
      if (rest !== 0) return;
      at >>>= 5;
    }
  }

  /** The least number; -1 if there is none. */
  first(): number {
    let at = 0;
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      const word = this.#levels[level]?.[at] ?? 0;
      if (word === 0) return -1;
      at = at * 32 + Math.clz32(word);
    }
    return at;
  }
}

/** The bit of the least number of a word, so that `clz32` finds it. */
const FIRST_BIT = 0x80000000;
