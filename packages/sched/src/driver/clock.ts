/** Time for a run: the seam that tests script. */
import { monotonicMs, startTimer } from '@pexen/core/timers';

/** Milliseconds that only go forward, and one kind of timer. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Calls `ring` at `atMs` of this clock, or soon after. The returned function takes it back. */
  setAlarm(atMs: number, ring: () => void): () => void;
  /** Milliseconds since 1970, for the start of the run. */
  wallNow(): number;
}

/** The runtime's own time. */
export const systemClock: Clock = {
  now: monotonicMs,
  wallNow: () => Date.now(),
  setAlarm: (atMs, ring) => startTimer(atMs - monotonicMs(), ring),
};
