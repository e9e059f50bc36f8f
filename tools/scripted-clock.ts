/** The clock of tests: time passes only when a test advances it. */
import type { Clock } from '../packages/core/src/clock.ts';

interface Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

export class ScriptedClock implements Clock {
  #nowMs: number;
  readonly #alarms = new Set<Alarm>();

  /** Not 0, so that a time that is mistaken for a duration is noticed. */
  constructor(startMs = 1_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, ring: () => void): () => void {
    const alarm = { atMs: this.#nowMs + delayMs, ring };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** How many alarms are set. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Advances the time without ringing alarms before the next step. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass. Alarms ring in their order, those that are set meanwhile included. */
  step(ms: number): void {
    this.stepTo(this.#nowMs + ms);
  }

  /** Lets time pass until that moment, as `step` does. */
  stepTo(untilMs: number): void {
    while (this.#ringNext(untilMs));
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Lets time pass as `step` does, and before and after each alarm everything happen that does not wait for the clock. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    do await settle();
    while (this.#ringNext(untilMs));
    this.#nowMs = Math.max(this.#nowMs, untilMs);
    await settle();
  }

  #ringNext(untilMs: number): boolean {
    const due = [...this.#alarms].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
    if (due === undefined) return false;
    this.#nowMs = Math.max(this.#nowMs, due.atMs);
    this.#alarms.delete(due);
    due.ring();
    return true;
  }
}

/** When all that can happen without the clock has happened. */
export async function settle(): Promise<void> {
  // On a busy machine a run may leave the thread to others before each start.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
