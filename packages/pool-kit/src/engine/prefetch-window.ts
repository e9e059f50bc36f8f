/**
 * How many attempts may be in one worker at a time, the one that runs included: many while they are short, since each journey costs more than
 * such a body; one if they are long.
 */

/** What was sent ahead should be done within that time, ms: so long at most does it wait behind one that is suddenly slow. */
const horizonMs = 2;
const widest = 64;
/** So many of the last durations are looked at. */
const looked = 7;

export class PrefetchWindow {
  /** The median counts: on a busy machine some attempts take long only because they had to wait for a core. */
  readonly #lastMs: number[] = [];
  #next = 0;
  #size = 1;

  get size(): number {
    return this.#size;
  }

  /** An attempt took so long, ms. */
  note(durationMs: number): void {
    this.#lastMs[this.#next] = durationMs;
    this.#next = (this.#next + 1) % looked;
    // As the last attempts are mostly alike, it is enough to look again once in a round, or when one is slow.
    if (this.#next === 0 || durationMs > horizonMs) this.#size = this.#estimate();
  }

  #estimate(): number {
    if (this.#lastMs.length < looked) return 1;
    const medianMs = this.#lastMs.toSorted((a, b) => a - b)[looked >> 1] ?? Number.POSITIVE_INFINITY;
    return 1 + Math.min(widest - 1, Math.floor(horizonMs / Math.max(medianMs, 0.001)));
  }
}
