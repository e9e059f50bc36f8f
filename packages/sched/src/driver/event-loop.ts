/**
 * Turns of the event loop. Bodies that never wait run one after the other in microtasks, and until that ends no timer rings, no signal
 * of the process is heard and no file is read. Knows no bodies.
 */
import { monotonicMs } from '@pexen/core/timers';

/** Bodies may replace the global one. */
const { setImmediate } = globalThis;

/** So long may one turn be kept from ending, ms. */
const longestTurnMs = 5;

let isTurnKnown = false;
let turnStartedMs = 0;

/** Calls back in the next turn of the event loop, after what was due in this one: timers, files, sockets, signals. */
export function nextTurn(callback: () => void): void {
  setImmediate(callback);
}

/** Has this turn gone on for so long that others starve? It counts from the first time this is asked in it. */
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
