/**
 * Turns of the event loop. Bodies that never wait run one after the other in microtasks; until that ends, no timer fires, no signal of the
 * process is delivered and no file is read. Knows nothing about bodies.
 */
import { monotonicMs } from '@pexen/core/timers';

/** Bodies may replace the global one. */
const { setImmediate } = globalThis;

/** The longest duration of one turn, ms. */
const longestTurnMs = 5;

let isTurnKnown = false;
let turnStartedMs = 0;

/** Calls back in the next turn of the event loop, after everything that is due in this one: timers, files, sockets, signals. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback);
}

/** True if the present turn is too long, so that others starve. The turn counts from the first call in it. */
export function isTurnLong(): boolean {
  const nowMs = monotonicMs();
  if (isTurnKnown) return nowMs - turnStartedMs >= longestTurnMs;
  isTurnKnown = true;
  turnStartedMs = nowMs;
  setImmediate(endTurn);
  return false;
}

function endTurn(): void {
  isTurnKnown = false;
}
