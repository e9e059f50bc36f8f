/** A clock that goes on only when it is told to. */
import type { Clock } from '../src/index.ts';

export class ScriptedClock implements Clock {
  #nowMs = 1_000;
  readonly #alarms = new Set<{ readonly atMs: number; readonly ring: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  setAlarm(atMs: number, ring: () => void): () => void {
    const alarm = { atMs, ring };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Alarms that are set. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Lets so many milliseconds pass; what is due on the way rings, and what follows from that happens. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#first(untilMs); next !== undefined; next = this.#first(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#alarms.delete(next);
      next.ring();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #first(untilMs: number): { readonly atMs: number; readonly ring: () => void } | undefined {
    return [...this.#alarms].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** When all that can happen without the clock has happened. */
export async function settled(): Promise<void> {
  // On a busy machine the run may leave the thread to others before each start.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
