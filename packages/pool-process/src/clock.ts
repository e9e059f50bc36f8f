/** Time as the pool sees it, so that tests can script it. */
import { monotonicMs, startTimer } from '@pexen/core/timers';

/** Milliseconds that never go back, and calls that come later. */
export interface Clock {
  now(): number;
  /** Calls back once after so many milliseconds; the returned function takes that back. */
  after(delayMs: number, callback: () => void): () => void;
  /**
   * Calls `tell(true)` before this clock stands still and `tell(false)` once it goes on, until the returned function is called. One
   * that never does has none.
   */
  onPause?(tell: (isPaused: boolean) => void): () => void;
}

/** The real one. */
export const systemClock: Clock = {
  now: monotonicMs,
  after: startTimer,
};

/** Resolves after so many milliseconds. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
