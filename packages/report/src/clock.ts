/** Time as reporters see it: asked for and announced, never read elsewhere, so that tests own it. */

/** A clock that can also call at intervals. */
export interface Clock {
  /** Milliseconds from some fixed moment; never goes back. */
  now(): number;
  /** Calls `tick` every `everyMs` until the returned function is called. Does not keep the process alive. */
  every(everyMs: number, tick: () => void): () => void;
}

/** The clock of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  every: (everyMs, tick) => {
    const timer = setInterval(tick, everyMs).unref();
    return () => clearInterval(timer);
  },
};
