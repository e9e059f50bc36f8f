/** When a worker goes on after a body: as soon as all that can surface of it has. Knows no bodies. */
import { startTimer } from '@pexen/core/timers';
import { activeResources, later, now } from '../own-globals.ts';

/**
 * Calls back between two callbacks of the event loop: microtasks and the rejections of what ran before have been dealt with by then. Many
 * such gaps lie in one turn of the loop, and cost much less than a turn each.
 */
export class Gaps {
  #callback: (() => void) | undefined;
  /** Gaps that were asked for and have not come. */
  #coming = 0;

  /** One callback at a time. `ahead`: how many more will probably be wanted right afterwards. */
  next(callback: () => void, ahead: number): void {
    this.#callback = callback;
    while (this.#coming <= ahead) {
      this.#coming++;
      later(this.#come);
    }
  }

  readonly #come = (): void => {
    this.#coming--;
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  };
}

/** What ends by itself, and may throw then: timers, and requests under way. */
const passing = /^(?:Timeout|Immediate)$|^FSReq|Req(?:Wrap)?$|ConnectWrap$/;
const lookEveryMs = 5;

/** Waits one turn of the event loop, and then until no timer and no request is pending in this thread, at most so long. */
export async function untilQuiet(atMostMs: number): Promise<void> {
  const untilMs = now() + atMostMs;
  await new Promise<void>((resolve) => void later(resolve));
  while (now() < untilMs && activeResources().some((kind) => passing.test(kind)))
    await new Promise<void>((resolve) => void startTimer(lookEveryMs, resolve, { keepsAlive: false }));
}
