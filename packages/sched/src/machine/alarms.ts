/** The moments at which something is due: timeouts, retries, pools to be opened. Knows no clock; the time comes in as an argument. */

// What an alarm is for.

/** The attempt has reached its timeout. */
export const TIMEOUT = 0;
/** The attempt may have been silent for too long. */
export const IDLE = 1;
/** The delay before the next attempt is over. */
export const BACKOFF = 2;
/** The cleanup has reached its timeout. */
export const CLEANUP_TIMEOUT = 3;
/** A pool must have been opened. Its number stands for the task, its count of openings for the attempt. */
export const OPENED = 4;

/** Tasks have waited for a node for a while. The number of their partition stands for the task. */
export const NODE_WAIT = 6;

/** The run is cancelled, and a service that is up is stopped, whether tasks need it or not. */
export const STOP_SERVICE = 5;

/** The run is cancelled, and a teardown has waited for other runs long enough. */
export const LOCKS = 7;

/** A moment at which something may be due. The code that takes the alarm checks whether it still matters. */
export interface Alarm {
  readonly atMs: number;
  readonly kind: number;
  readonly task: number;
  readonly attempt: number;
}

/** Alarms, earliest first; equal moments in the order in which they were set. Most are set to be the last. */
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
  retryOf(task: number): number | undefined {
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

  /** Removes the earliest and returns it, if it is due. */
  take(nowMs: number): Alarm | undefined {
    return (this.nextMs ?? Infinity) <= nowMs ? this.#list.shift() : undefined;
  }

  /** Removes the alarms of the task. Not those of a pool or a partition of the same number. */
  drop(task: number): void {
    this.#list = this.#list.filter(
      (alarm) => alarm.task !== task || alarm.kind === OPENED || alarm.kind === NODE_WAIT,
    );
  }

  /** Removes the alarms that do not matter any more, once the list has doubled. */
  sweep(matters: (alarm: Alarm) => boolean): void {
    if (this.#list.length < this.#nextSweep) return;
    this.#list = this.#list.filter(matters);
    this.#nextSweep = Math.max(1024, this.#list.length * 2);
  }
}
