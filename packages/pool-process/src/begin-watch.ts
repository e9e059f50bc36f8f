/**
 * Looks now and then whether a worker has begun what it was sent, less and less often: a body that keeps its worker busy keeps it from
 * saying so, too. Knows no worker.
 */
import type { Clock } from './clock.ts';

const shortestMs = 2;
const longestMs = 64;

export class BeginWatch {
  readonly #clock: Clock;
  readonly #look: () => boolean;
  #cancel: (() => void) | undefined;

  /** `look` says whether it is worth looking again. */
  constructor(clock: Clock, look: () => boolean) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Begins to look, unless it does already. */
  soon(afterMs: number = shortestMs): void {
    this.#cancel ??= this.#clock.after(afterMs, () => {
      this.#cancel = undefined;
      if (this.#look()) this.soon(Math.min(afterMs * 2, longestMs));
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
