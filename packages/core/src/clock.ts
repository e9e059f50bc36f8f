/** Time as every package sees it: an argument, so that tests script it. The runtime's own is `systemClock` of `@pexen/core/timers`. */

/** How a timer behaves beside ringing. */
export interface TimerOptions {
  /** False: the process may end while the timer runs. Default: true. */
  readonly keepsAlive?: boolean;
}

/** Milliseconds that never go back, and calls that come later. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Milliseconds since 1970, for what people read. */
  wallNow(): number;
  /** Calls `ring` once, `delayMs` milliseconds from now and never before. The returned function cancels that. */
  after(delayMs: number, ring: () => void, options?: TimerOptions): () => void;
  /**
   * Calls `listener(true)` before this clock stands still and `listener(false)` once it goes on, until the returned function is called. A
   * clock that never stands still has none.
   */
  onPause?(listener: (isPaused: boolean) => void): () => void;
}
