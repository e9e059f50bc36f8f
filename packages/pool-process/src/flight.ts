/** One attempt that was sent to a worker, from then on until its outcome. */
import type { Ending } from './ending.ts';
import type { Job } from './job.ts';
import type { BodyOrder } from './order.ts';

export class Flight {
  /** Its number in this worker. */
  readonly id: number;
  readonly job: Job;
  readonly order: BodyOrder;
  readonly ending: Promise<Ending>;
  readonly #settle: (ending: Ending | Promise<Ending>) => void;
  isStarted = false;
  /** The hardest step that was taken to stop it, for people. */
  step: string | undefined;
  /** When it last changed hands, by the pool's clock. */
  sinceMs: number;
  #stopLadder: () => void = () => {};

  constructor(id: number, job: Job, order: BodyOrder, nowMs: number) {
    this.id = id;
    this.job = job;
    this.order = order;
    this.sinceMs = nowMs;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ending = promise;
    this.#settle = resolve;
  }

  /** Begins the steps that are to stop it, instead of those begun before. */
  climb(ladder: () => () => void): void {
    this.#stopLadder();
    this.#stopLadder = ladder();
  }

  /** Tells that its body ended and left something open, where that is not what it is for. */
  tellLeft(left: readonly string[]): void {
    if (this.order.mayLeave) return;
    const message = `It ended and left open: ${left.join(', ')}.`;
    this.job.ticket.tell({
      kind: 'finding',
      finding: { name: 'handles left open', status: 'warn', message },
    });
  }

  /** What it came to. */
  end(ending: Ending | Promise<Ending>): void {
    this.#stopLadder();
    this.job.over();
    this.#settle(ending);
  }
}
