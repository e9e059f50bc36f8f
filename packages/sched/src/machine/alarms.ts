/** Moments at which something may be due. Entries are seldom taken back: whoever set them looks whether they still mean anything. */

export const TIMEOUT = 0;
export const IDLE = 1;
export const BACKOFF = 2;
/** Of the cleanup. */
export const TIDY_TIMEOUT = 3;

/** A pool, whose number stands for the task and whose count of openings for the attempt, must have been opened. */
export const OPENED = 4;

/** One moment. */
export interface Alarm {
  readonly atMs: number;
  readonly kind: number;
  readonly task: number;
  readonly attempt: number;
}

/** Earliest first; equal moments in the order in which they were set. Most are set to be the last. */
export class Alarms {
  #list: Alarm[] = [];
  #nextSweep = 1024;

  get size(): number {
    return this.#list.length;
  }

  /** When the earliest is due; undefined if there is none. */
  get nextMs(): number | undefined {
    return this.#list[0]?.atMs;
  }

  /** When the next attempt of the task is due. */
  find(task: number): number | undefined {
    return this.#list.find((alarm) => alarm.task === task && alarm.kind === BACKOFF)?.atMs;
  }

  set(atMs: number, kind: number, task: number, attempt: number): void {
    let low = 0;
    for (let high = this.#list.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#list[middle] as Alarm).atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#list.splice(low, 0, { atMs, kind, task, attempt });
  }

  /** Takes the earliest away if it is due. */
  take(nowMs: number): Alarm | undefined {
    return (this.nextMs ?? Infinity) <= nowMs ? this.#list.shift() : undefined;
  }

  /** Those of the task mean nothing any more. */
  drop(task: number): void {
    this.#list = this.#list.filter((alarm) => alarm.task !== task);
  }

  /** Now and then drops the entries that mean nothing any more. */
  sweep(matters: (alarm: Alarm) => boolean): void {
    if (this.#list.length < this.#nextSweep) return;
    this.#list = this.#list.filter(matters);
    this.#nextSweep = Math.max(1024, this.#list.length * 2);
  }
}
