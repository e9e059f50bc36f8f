/** Time for a run: the seam that tests script. */

/** Milliseconds that only go forward, and one kind of timer. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Calls `ring` at `atMs` of this clock, or soon after. The returned function takes it back. */
  setAlarm(atMs: number, ring: () => void): () => void;
  /** Milliseconds since 1970, for the start of the run. */
  wallNow(): number;
}

/** Longest time a timer of the runtime can be set to; a longer one rings early, which is harmless. */
const longestMs = 2_147_483_647;

/** The runtime's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setAlarm(atMs, ring) {
    const timer = setTimeout(ring, Math.min(Math.max(0, Math.ceil(atMs - performance.now())), longestMs));
    return () => clearTimeout(timer);
  },
};
