/** What is known of each holder, in columns, and who goes before whom. Knows no nodes. */
import { grown } from './columns.ts';

/** What a holder is doing, as bits. */
export const HOLDING = 1;
export const PARKED = 2;
/** It holds, but gave its amounts back. */
export const WITHOUT_AMOUNTS = 4;
/** It was overtaken too often, and stands in the queue of the starved. */
export const STARVED = 8;

export class Holders {
  size = 0;
  /** Those who hold something, or nothing, in no order. */
  readonly active: number[] = [];
  state: Uint8Array = new Uint8Array(16);
  demand: Int32Array = new Int32Array(16);
  /** How often it was overtaken. */
  overtaken: Int32Array = new Int32Array(16);
  /** The last start that was counted as overtaking it. */
  counted: Int32Array = new Int32Array(16);
  /** Starts are numbered; the last one before it was enrolled … */
  since: Int32Array = new Int32Array(16);
  /** … and its own. */
  start: Int32Array = new Int32Array(16);
  /** Where in `active` it stands. */
  #index = new Int32Array(16);
  /** Priority and rank of each, side by side. */
  #ranks = new Float64Array(32);

  enrol(holder: number, demand: number, priority: number, rank: number, since: number): void {
    if (holder >= this.size) this.#grow(holder + 1);
    this.state[holder] = 0;
    this.demand[holder] = demand;
    this.overtaken[holder] = 0;
    this.since[holder] = since;
    this.setRank(holder, priority, rank);
  }

  setRank(holder: number, priority: number, rank: number): void {
    this.#ranks[holder * 2] = priority;
    this.#ranks[holder * 2 + 1] = rank;
  }

  is(holder: number, flag: number): boolean {
    return ((this.state[holder] as number) & flag) !== 0;
  }

  add(holder: number, flag: number): void {
    this.state[holder] = (this.state[holder] as number) | flag;
  }

  remove(holder: number, flag: number): void {
    this.state[holder] = (this.state[holder] as number) & ~flag;
  }

  /** It holds what it demands. */
  activate(holder: number): void {
    this.add(holder, HOLDING);
    this.#index[holder] = this.active.length;
    this.active.push(holder);
  }

  /** It holds nothing any more. */
  deactivate(holder: number): void {
    this.remove(holder, HOLDING | WITHOUT_AMOUNTS);
    const last = this.active.pop() as number;
    if (last === holder) return;
    const index = this.#index[holder] as number;
    this.active[index] = last;
    this.#index[last] = index;
  }

  /** Smaller priority first, then larger rank, then smaller holder. A total order. */
  isBefore(a: number, b: number): boolean {
    const ranks = this.#ranks;
    const priority = (ranks[a * 2] as number) - (ranks[b * 2] as number);
    if (priority !== 0) return priority < 0;
    const rank = (ranks[a * 2 + 1] as number) - (ranks[b * 2 + 1] as number);
    return rank === 0 ? a < b : rank > 0;
  }

  #grow(size: number): void {
    this.size = size;
    this.state = grown(this.state, size);
    this.demand = grown(this.demand, size);
    this.overtaken = grown(this.overtaken, size);
    this.counted = grown(this.counted, size);
    this.since = grown(this.since, size);
    this.start = grown(this.start, size);
    this.#index = grown(this.#index, size);
    this.#ranks = grown(this.#ranks, size * 2);
  }
}
