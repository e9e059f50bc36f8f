/**
 * The clock of a suite: it pauses while the process is stopped (Ctrl-Z), so that no timeout is due when the process resumes. For
 * runs and for pools. Knows no signals.
 */
import type { Clock, TimerOptions } from '@pexen/core';
import { monotonicMs, startTimer } from '@pexen/core/timers';

export class PausableClock implements Clock {
  /** How long it has been paused in total. */
  #pausedMs = 0;
  /** The runtime's time at which it was paused. */
  #stoppedAt: number | undefined;
  readonly #listeners = new Set<(isPaused: boolean) => void>();

  /** Milliseconds since any fixed moment. */
  now(): number {
    return (this.#stoppedAt ?? monotonicMs()) - this.#pausedMs;
  }

  /** Milliseconds since 1970. */
  wallNow(): number {
    return Date.now();
  }

  /** Calls back once after so many milliseconds; the returned function cancels the call. */
  after(delayMs: number, callback: () => void, options?: TimerOptions): () => void {
    const dueMs = this.now() + delayMs;
    const look = (): void => {
      const leftMs = dueMs - this.now();
      if (leftMs > 0) cancel = startTimer(leftMs, look, options);
      else callback();
    };
    let cancel = startTimer(delayMs, look, options);
    return () => cancel();
  }

  /** Calls `listener(true)` before it pauses and `listener(false)` after it has resumed, until the returned function is called. */
  onPause(listener: (isPaused: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Pauses the clock. */
  pause(): void {
    if (this.#stoppedAt !== undefined) return;
    for (const listener of this.#listeners) listener(true);
    this.#stoppedAt = monotonicMs();
  }

  /** Resumes the clock where it was paused. */
  goOn(): void {
    if (this.#stoppedAt === undefined) return;
    this.#pausedMs += monotonicMs() - this.#stoppedAt;
    this.#stoppedAt = undefined;
    for (const listener of this.#listeners) listener(false);
  }
}
