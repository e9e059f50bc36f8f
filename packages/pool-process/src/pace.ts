/** How many attempts are sent to a worker ahead of the one that runs: many while they are short, none if they are long. */

/** What is sent ahead should be worked off in that time, ms: so long at most it waits behind one that is suddenly slow. */
const horizonMs = 2;
const mostAhead = 32;
/** So many of the last attempts are looked at. */
const looked = 7;

export class Pace {
  /** The median is what counts: on a busy machine some attempts take long only because they had to wait for a core. */
  readonly #lastMs: number[] = [];
  #next = 0;
  #ahead = 0;

  note(ms: number): void {
    this.#lastMs[this.#next] = ms;
    this.#next = (this.#next + 1) % looked;
    // As the last attempts are mostly alike, it is enough to look again once in a round, or when one is slow.
    if (this.#next === 0 || ms > horizonMs) this.#ahead = this.#estimate();
  }

  get ahead(): number {
    return this.#ahead;
  }

  #estimate(): number {
    if (this.#lastMs.length < looked) return 0;
    const medianMs = this.#lastMs.toSorted((a, b) => a - b)[looked >> 1] ?? Number.POSITIVE_INFINITY;
    return Math.min(mostAhead, Math.floor(horizonMs / Math.max(medianMs, 0.001)));
  }
}
