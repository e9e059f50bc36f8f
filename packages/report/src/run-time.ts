/** The time of a run between its events: its events say when they were, the clock says how long ago that is. */
import type { Clock } from '@pexen/core';

export class RunTime {
  readonly #clock: Clock;
  #startedAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds since the start of the run; 0 before its first event. */
  now(): number {
    return this.#startedAt === undefined ? 0 : this.#clock.now() - this.#startedAt;
  }

  /** An event was told; the run is at least as old as that. */
  saw(atMs: number): void {
    const startedAt = this.#clock.now() - atMs;
    this.#startedAt = Math.min(this.#startedAt ?? startedAt, startedAt);
  }
}
