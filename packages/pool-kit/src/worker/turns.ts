/** When a worker continues after a body: as soon as all uncaught errors of the body have surfaced. Knows no bodies. */
import { startTimer } from '@pexen/core/timers';
import { activeResources, later, now } from '../own-globals.ts';

/**
 * Calls back between two callbacks of the event loop: microtasks and rejections of earlier code have been processed by then. One turn of the loop has many
 * such gaps, and each costs much less than a turn.
 */
export class Gaps {
  #callback: (() => void) | undefined;
  /** Gaps that were requested and have not come. */
  #coming = 0;

  /** Only one callback may wait. `ahead`: how many more calls will probably follow. */
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

/** Resources that end by themselves and may throw then: timers and pending requests. */
const passing = /^(?:Timeout|Immediate)$|^FSReq|Req(?:Wrap)?$|ConnectWrap$/;
const lookEveryMs = 5;

/** Waits one turn of the event loop, and then until no timer and no request is pending in this thread, at most for that time. */
export async function untilQuiet(atMostMs: number): Promise<void> {
  const untilMs = now() + atMostMs;
  await new Promise<void>((resolve) => void later(resolve));
  while (now() < untilMs && activeResources().some((kind) => passing.test(kind)))
    await new Promise<void>((resolve) => void startTimer(lookEveryMs, resolve, { keepsAlive: false }));
}
