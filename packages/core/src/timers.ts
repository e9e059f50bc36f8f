/**
 * The one timer of all packages, and the runtime's own clock. Delays may have any length, whereas the runtime's own timers turn
 * delays beyond 2³¹ ms (24.8 days) into 1 ms. Keeps its own references to the runtime's functions, since bodies may replace them. The
 * pure packages do not import it.
 */
import type { Clock, TimerOptions } from './clock.ts';

const { setTimeout, clearTimeout, performance } = globalThis;

/** Milliseconds since any fixed moment; never decreases. */
export const monotonicMs: () => number = performance.now.bind(performance);

/** Longest delay that the runtime's timers support. */
const longestMs = 2_147_483_647;

/**
 * Calls `ring` once, `delayMs` milliseconds from now and never before. `Infinity` never rings and does not keep the process alive; a delay that is
 * 0, negative or NaN rings in the next turn of the event loop. The returned function cancels the timer.
 *
 * @example
 * const cancel = startTimer(30 * 24 * 3_600_000, () => controller.abort());
 */
export function startTimer(
  delayMs: number,
  ring: () => void,
  { keepsAlive = true }: TimerOptions = {},
): () => void {
  if (delayMs === Infinity) return () => {};
  const dueMs = monotonicMs() + Math.max(delayMs || 0, 0);
  const look = (): void => {
    if (dueMs > monotonicMs()) wait();
    else ring();
  };
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    // The due time may have passed since it was computed.
    const leftMs = Math.max(Math.ceil(dueMs - monotonicMs()), 0);
    timer = setTimeout(look, Math.min(leftMs, longestMs));
    if (!keepsAlive) timer.unref?.();
  };
  wait();
  return () => clearTimeout(timer);
}

/** The runtime's own time. */
export const systemClock: Clock = {
  now: monotonicMs,
  wallNow: () => Date.now(),
  after: startTimer,
};

/**
 * Calls `tick` every `everyMs` milliseconds of the clock until the returned function is called, which `tick` itself may do. Does not keep
 * the process alive.
 */
export function startTicking(clock: Pick<Clock, 'after'>, everyMs: number, tick: () => void): () => void {
  let cancel: () => void;
  const wait = (): void => {
    cancel = clock.after(everyMs, ring, { keepsAlive: false });
  };
  const ring = (): void => {
    wait();
    tick();
  };
  wait();
  return () => cancel();
}
