/** How many attempts are sent to a worker ahead of the one that runs: many while they are short, none if they are long. */

/** What is sent ahead should be worked off in that time, ms: so long at most it waits behind one that is suddenly slow. */
const horizonMs = 2;
const mostAhead = 32;
const shareOfLast = 0.2;

export class Pace {
  /** Mean of how long attempts took, the last ones counting most; nothing is known at first. */
  #meanMs = Number.POSITIVE_INFINITY;

  note(ms: number): void {
    this.#meanMs = Number.isFinite(this.#meanMs) ? this.#meanMs + shareOfLast * (ms - this.#meanMs) : ms;
  }

  get ahead(): number {
    return Math.min(mostAhead, Math.floor(horizonMs / Math.max(this.#meanMs, 0.001)));
  }
}
