/**
 * The time of a suite: it stands still while the process is stopped (Ctrl-Z), so that nothing is overdue when it goes on. A clock for
 * runs and for pools. Knows no signals.
 */
import type { Clock, TimerOptions } from '@pexen/core';
import { monotonicMs, startTimer } from '@pexen/core/timers';

export class PausableClock implements Clock {
  /** How long it has stood still so far. */
  #pausedMs = 0;
  /** The runtime's time at which it was stopped. */
  #stoppedAt: number | undefined;
  readonly #tellers = new Set<(isPaused: boolean) => void>();

  /** Milliseconds since any fixed moment. */
  now(): number {
    return (this.#stoppedAt ?? monotonicMs()) - this.#pausedMs;
  }

  /** Milliseconds since 1970. */
  wallNow(): number {
    return Date.now();
  }

  /** Calls back once after so many milliseconds; the returned function takes that back. */
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

  /** Calls `tell(true)` before it stands still and `tell(false)` once it goes on, until the returned function is called. */
  onPause(tell: (isPaused: boolean) => void): () => void {
    this.#tellers.add(tell);
    return () => this.#tellers.delete(tell);
  }

  /** Stands still from now on. */
  pause(): void {
    if (this.#stoppedAt !== undefined) return;
    for (const tell of this.#tellers) tell(true);
    this.#stoppedAt = monotonicMs();
  }

  /** Goes on from where it stood still. */
  goOn(): void {
    if (this.#stoppedAt === undefined) return;
    this.#pausedMs += monotonicMs() - this.#stoppedAt;
    this.#stoppedAt = undefined;
    for (const tell of this.#tellers) tell(false);
  }
}
