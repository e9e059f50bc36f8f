/** Time as every package sees it: an argument, so that tests can script it. The runtime's clock is `systemClock` of `@pexen/core/timers`. */

/** Options of a timer. */
export interface TimerOptions {
  /** False: the process may end while the timer runs. Default: true. */
  readonly keepsAlive?: boolean;
}

/** Monotonic time, and delayed calls. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Milliseconds since 1970, for output that people read. */
  wallNow(): number;
  /** Calls `ring` once, `delayMs` milliseconds from now and never before. The returned function cancels the call. */
  after(delayMs: number, ring: () => void, options?: TimerOptions): () => void;
  /**
   * Calls `listener(true)` before this clock pauses and `listener(false)` after it has resumed, until the returned function is called. A
   * clock that never pauses does not have this method.
   */
  onPause?(listener: (isPaused: boolean) => void): () => void;
}
