/** Time as a pool sees it, so that tests can script it. */
import { monotonicMs, startTimer } from '@pexen/core/timers';

/** Milliseconds that never go back, and calls that come later. */
export interface Clock {
  now(): number;
  /** Calls back once after so many milliseconds; the returned function cancels that. */
  after(delayMs: number, callback: () => void): () => void;
  /**
   * Calls `listener(true)` before this clock stands still and `listener(false)` once it goes on, until the returned function is called. A
   * clock that never stands still has none.
   */
  onPause?(listener: (isPaused: boolean) => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  now: monotonicMs,
  after: startTimer,
};
