/** The time of the system, but slower, and with jumps: what is made to wait by it waits, and what runs meanwhile really runs. */
import type { Clock } from '@pexen/pool-kit';

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

export class WarpedClock implements Clock {
  readonly #slowness: number;
  readonly #beganMs = performance.now();
  readonly #alarms = new Set<Alarm>();
  readonly #watchers = new Set<() => void>();
  #aheadMs = 0;

  /** A second of it takes so many seconds. */
  constructor(slowness = 1) {
    this.#slowness = slowness;
  }

  now(): number {
    return this.#aheadMs + (performance.now() - this.#beganMs) / this.#slowness;
  }

  wallNow(): number {
    return this.now();
  }

  after(delayMs: number, ring: () => void): () => void {
    const alarm: Alarm = {
      atMs: this.now() + delayMs,
      ring: () => {
        cancel();
        ring();
      },
    };
    const timer = setTimeout(alarm.ring, delayMs * this.#slowness);
    const cancel = (): void => {
      clearTimeout(timer);
      this.#alarms.delete(alarm);
    };
    this.#alarms.add(alarm);
    for (const look of [...this.#watchers]) look();
    return cancel;
  }

  /** Goes ahead by so much as soon as an alarm waits that rings within that time, and for longer than `above`. */
  async advanceOnceSet(ms: number, above: number): Promise<void> {
    const isSet = () =>
      [...this.#alarms].some(({ atMs }) => atMs <= this.now() + ms && atMs > this.now() + above);
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!isSet()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
    this.advance(ms);
  }

  /** Goes ahead by so much at once; alarms ring in their order, those that are set meanwhile included. */
  advance(ms: number): void {
    const endMs = this.now() + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#aheadMs += Math.max(0, next.atMs - this.now());
      next.ring();
    }
    this.#aheadMs += Math.max(0, endMs - this.now());
  }
}
