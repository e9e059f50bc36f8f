/** The pools of a run as the machine sees them: which are open, how full they are, what waits for them. */
import type { PlanPool } from '../plan/planned.ts';
import type { PoolId } from './protocol.ts';
import { type Ranking, ReadyQueue } from './ready-queue.ts';

export const CLOSED = 0;
export const OPENING = 1;
export const OPEN = 2;
export const CLOSING = 3;
/** It could not be opened. */
export const FAILED = 4;

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
