/** Looks at what is running at intervals, only while something is running. */
import type { Clock } from '@pexen/pool-kit';

export class Tail {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #looks = new Set<() => void>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Calls `look` at every interval until the returned function is called. */
  follow(look: () => void): () => void {
    this.#looks.add(look);
    this.#cancel ??= this.#clock.after(this.#intervalMs, this.#lookAll);
    return () => this.#looks.delete(look);
  }

  /** Looks no more, and leaves no timer behind. */
  stop(): void {
    this.#looks.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The timer is not taken back with the last one to follow, since the next one mostly comes at once. */
  readonly #lookAll = (): void => {
    this.#cancel = undefined;
    for (const look of this.#looks) look();
    if (this.#looks.size > 0) this.#cancel = this.#clock.after(this.#intervalMs, this.#lookAll);
  };
}
