/** A clock that goes only when it is told to. */
import type { Clock } from '../src/clock.ts';

interface Ticking {
  readonly everyMs: number;
  readonly tick: () => void;
  nextAt: number;
}

export class ScriptedClock implements Clock {
  #now = 0;
  readonly #ticking = new Set<Ticking>();

  now(): number {
    return this.#now;
  }

  every(everyMs: number, tick: () => void): () => void {
    const ticking = { everyMs, tick, nextAt: this.#now + everyMs };
    this.#ticking.add(ticking);
    return () => this.#ticking.delete(ticking);
  }

  /** Goes on to that moment, with every tick on the way in its turn. */
  advanceTo(moment: number): void {
    for (;;) {
      const next = [...this.#ticking].sort((a, b) => a.nextAt - b.nextAt)[0];
      if (next === undefined || next.nextAt > moment) break;
      this.#now = Math.max(this.#now, next.nextAt);
      next.nextAt += next.everyMs;
      next.tick();
    }
    this.#now = Math.max(this.#now, moment);
  }

  /** Time goes by while something is being done: nobody is called meanwhile. */
  pass(ms: number): void {
    this.#now += ms;
  }

  /** Those who still want to be called. */
  get listeners(): number {
    return this.#ticking.size;
  }
}
