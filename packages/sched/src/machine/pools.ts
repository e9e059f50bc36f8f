/** The pools of a run as the machine sees them: which are open, how full they are, and the queue of ready tasks of each. */
import { ints, Table } from '@pexen/core/columns';
import type { ConditionId } from '../plan/graph.ts';
import { type NeedsId, NOTHING } from '../plan/node-resources.ts';
import { ANYWHERE, type ConstraintId } from '../plan/placement.ts';
import type { PlanPool } from '../plan/planned.ts';
import { type Admits, everyNode, type NodeRow, Nodes } from './nodes.ts';
import type { PoolId } from './protocol.ts';

/** The columns by which tasks are ordered. */
export interface Ranking {
  readonly priority: Float64Array;
  readonly order: { readonly rank: Float64Array };
}

/** The ready tasks of one pool, best first: a binary heap. */
export class ReadyQueue extends Table {
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

  /** The best task; -1 if there is none. */
  peek(): number {
    return this.#size === 0 ? -1 : (this.heap[0] as number);
  }

  /** Removes the best task and returns it. */
  pop(): number {
    const best = this.peek();
    if (best < 0) return best;
    const last = this.heap[--this.#size] as number;
    if (this.#size > 0) this.#siftDown(0, last);
    return best;
  }

  /** Restores the order after the ranks have changed. */
  rebuild(): void {
    for (let at = (this.#size >> 1) - 1; at >= 0; at--) this.#siftDown(at, this.heap[at] as number);
  }

  /** True if `a` precedes `b`. */
  isBefore(a: number, b: number): boolean {
    const { priority, order } = this.#ranking;
    const first = (priority[a] as number) - (priority[b] as number);
    if (first !== 0) return first < 0;
    const second = (order.rank[b] as number) - (order.rank[a] as number);
    return second === 0 ? a < b : second < 0;
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

// The phases of a pool.

export const CLOSED = 0;
export const OPENING = 1;
export const OPEN = 2;
export const CLOSING = 3;
/** The pool could not be opened. */
export const FAILED = 4;

/** Tasks that may run in the same places: their queue, and whether there is a place for the best of them. Its number is a pool of the lock table. */
export interface Partition {
  readonly id: number;
  readonly pool: PoolRow;
  readonly queue: ReadyQueue;
  /** The nodes on which they may run. */
  readonly admits: Admits;
  readonly constraint: ConstraintId;
  /** Requirements that are met on some nodes only. */
  readonly needs: readonly ConditionId[];
  /** The only node, of executions of a set-up, and of tasks that hold something of it. */
  readonly pin: NodeRow | undefined;
  /** What they need of the node that runs them. */
  readonly local: NeedsId;
  /** The nodes on which they may run and on which that is free. */
  readonly takes: Admits;
  /** They may take of it what is in an unknown state. */
  readonly mayTakePoisoned: boolean;
  readonly hasSlot: boolean;
  /** True if there is a slot, or a spare place to wait for one. */
  readonly hasPlace: boolean;
}

/** One pool: its phase, its places, how many tasks it has left, and the queue of those that may run anywhere in it. */
export class PoolRow implements Partition {
  readonly id: PoolId;
  readonly name: string;
  readonly isGroup: boolean;
  /** Nothing outside it runs while it is open. */
  readonly isExclusive: boolean;
  readonly queue: ReadyQueue;
  readonly pool: PoolRow = this;
  readonly admits: Admits = everyNode;
  readonly constraint: ConstraintId = ANYWHERE;
  readonly needs: readonly ConditionId[] = [];
  readonly pin: NodeRow | undefined = undefined;
  readonly local: NeedsId = NOTHING;
  readonly takes: Admits = everyNode;
  readonly mayTakePoisoned: boolean = false;
  /** Present for a pool that reports nodes. Its slots are theirs. */
  readonly nodes: Nodes | undefined;
  readonly #spare: number;
  readonly #mostSlots: number;
  #phase = CLOSED;
  #openings = 0;
  #slots = 0;
  #dispatched = 0;
  #unread = 0;
  #remaining = 0;

  constructor(id: PoolId, { name, group, spare, manifest }: PlanPool, ranking: Ranking) {
    this.id = id;
    this.name = name;
    this.isGroup = group !== undefined;
    this.isExclusive = group?.exclusive ?? false;
    this.#spare = spare;
    this.#mostSlots = group?.workers ?? Number.POSITIVE_INFINITY;
    this.queue = new ReadyQueue(ranking);
    this.nodes = manifest.nodes === undefined ? undefined : new Nodes(spare);
  }

  get phase(): number {
    return this.#phase;
  }

  /** How often the pool was opened. */
  get openings(): number {
    return this.#openings;
  }

  /** The slots that the pool reports, but at most as many as the group uses. */
  get slots(): number {
    return this.#slots;
  }

  /** Attempts that were dispatched to the pool and are not settled. */
  get dispatched(): number {
    return this.#dispatched;
  }

  /** Results that are not promised to the consumer yet. They keep their places, so that the run cannot outrun its consumer. */
  get unread(): number {
    return this.#unread;
  }

  /** Tasks of the pool that have no result yet. */
  get remaining(): number {
    return this.#remaining;
  }

  get hasSlot(): boolean {
    return this.hasSlotOn(everyNode);
  }

  get hasPlace(): boolean {
    return this.hasPlaceOn(everyNode);
  }

  /** The same for those that may run on these nodes only. */
  hasSlotOn(admits: Admits): boolean {
    const { nodes } = this;
    if (this.#phase !== OPEN) return false;
    if (nodes === undefined) return this.#dispatched < this.#slots;
    return this.#dispatched < this.#mostSlots && nodes.hasSlot(admits);
  }

  hasPlaceOn(admits: Admits): boolean {
    const { nodes } = this;
    if (this.#phase !== OPEN || this.#slots <= 0) return false;
    if (nodes === undefined) return this.#dispatched + this.#unread < this.#slots + this.#spare;
    const isBelow = this.#dispatched + this.#unread < this.#mostSlots + this.#spare;
    return isBelow && this.#unread < nodes.freePlaces && nodes.hasPlace(admits);
  }

  /** The pool is being opened. */
  open(): void {
    this.#phase = OPENING;
    this.#openings++;
  }

  /** The pool is being closed, opened or not. */
  close(): void {
    this.#phase = CLOSING;
  }

  /** Opening has ended with `OPEN` or `FAILED`, or closing with `CLOSED`. False if the pool is in another phase: then nothing changes. */
  settle(phase: number): boolean {
    if (this.#phase !== (phase === CLOSED ? CLOSING : OPENING)) return false;
    this.#phase = phase;
    return true;
  }

  setSlots(slots: number): void {
    this.#slots = Math.min(slots, this.#mostSlots);
  }

  taskAdded(): void {
    this.#remaining++;
  }

  taskEnded(): void {
    this.#remaining--;
  }

  attemptDispatched(): void {
    this.#dispatched++;
  }

  /** The attempt is settled: its place is free. */
  attemptSettled(): void {
    this.#dispatched--;
  }

  /** A result takes a place until it is promised to the consumer. */
  resultAdded(): void {
    this.#unread++;
  }

  resultPromised(): void {
    this.#unread--;
  }
}

/** What the tasks of a partition have in common, if they may run on some of the nodes of their pool only. */
export type PlacedAlike = Pick<
  Partition,
  'constraint' | 'needs' | 'pin' | 'local' | 'admits' | 'takes' | 'mayTakePoisoned'
>;

/** The tasks of a pool that may run on some of its nodes only, all on the same. */
export class NodePartition implements Partition {
  readonly id: number;
  readonly pool: PoolRow;
  readonly queue: ReadyQueue;
  readonly admits: Admits;
  readonly takes: Admits;
  readonly constraint: ConstraintId;
  readonly needs: readonly ConditionId[];
  readonly pin: NodeRow | undefined;
  readonly local: NeedsId;
  readonly mayTakePoisoned: boolean;

  readonly #needsSlot: boolean;

  /** `needsSlot`: they wait for no slot in the pool. */
  constructor(id: number, pool: PoolRow, ranking: Ranking, alike: PlacedAlike, needsSlot: boolean) {
    this.#needsSlot = needsSlot;
    this.constraint = alike.constraint;
    this.needs = alike.needs;
    this.pin = alike.pin;
    this.local = alike.local;
    this.admits = alike.admits;
    this.takes = alike.takes;
    this.mayTakePoisoned = alike.mayTakePoisoned;
    this.id = id;
    this.pool = pool;
    this.queue = new ReadyQueue(ranking);
  }

  get hasSlot(): boolean {
    return this.pool.hasSlotOn(this.takes);
  }

  /** Places beyond the slots are not for tasks that would hold something of a node meanwhile. */
  get hasPlace(): boolean {
    return this.pool.hasPlaceOn(this.takes) && (!this.#needsSlot || this.hasSlot);
  }
}
