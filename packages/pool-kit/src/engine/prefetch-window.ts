/**
 * How many attempts may be in one worker at a time, the one that runs included: many while they are short, since a message there and back costs more
 * than such a body; one if they are long.
 */

/** Prefetched attempts should be done within that time, ms, as long as no attempt is suddenly slow. */
const horizonMs = 2;
const widest = 64;
/** So many of the last durations count. */
const looked = 7;

export class PrefetchWindow {
  /** The median of these decides: on a busy machine some attempts take long only because they had to wait for a core. */
  readonly #lastMs: number[] = [];
  #next = 0;
  #size = 1;

  get size(): number {
    return this.#size;
  }

  /** Notes how long an attempt took, ms. */
  note(durationMs: number): void {
    this.#lastMs[this.#next] = durationMs;
    this.#next = (this.#next + 1) % looked;
    // The last attempts are mostly alike, so one estimate for each round is enough, and one when an attempt is slow.
    if (this.#next === 0 || durationMs > horizonMs) this.#size = this.#estimate();
  }

  #estimate(): number {
    if (this.#lastMs.length < looked) return 1;
    const medianMs = this.#lastMs.toSorted((a, b) => a - b)[looked >> 1] ?? Number.POSITIVE_INFINITY;
    return 1 + Math.min(widest - 1, Math.floor(horizonMs / Math.max(medianMs, 0.001)));
  }
}
