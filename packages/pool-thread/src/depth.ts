/**
 * How many attempts are sent to a thread ahead of being begun. One at a time, unless bodies turn out to take no time: then
 * many travel together, since each journey costs more than a body. Knows no thread.
 */

/** What counts as no time, and what as time, ms between two outcomes. */
const shortMs = 1;
const longMs = 5;
const deepest = 64;

export class Depth {
  #depth = 1;
  #lastAtMs = 0;

  /** So many may be under way. */
  get value(): number {
    return this.#depth;
  }

  /** A thread that had nothing to do was sent something. */
  busyAgain(nowMs: number): void {
    this.#lastAtMs = nowMs;
  }

  /** An outcome came. */
  ended(nowMs: number): void {
    const tookMs = nowMs - this.#lastAtMs;
    this.#lastAtMs = nowMs;
    if (tookMs < shortMs) this.#depth = Math.min(this.#depth * 2, deepest);
    else if (tookMs > longMs) this.#depth = 1;
  }
}
