/** An order on its way: who gave it, who listens, and what is to be done should it be stopped. */
import type { Ticket } from '@pexen/core';
import type { Order } from './order.ts';

export class Job {
  readonly order: Order;
  readonly ticket: Ticket;
  /** How many workers have died on it before it began. */
  tries = 0;
  /** Where it began; '' until then. */
  worker = '';
  #isListening = false;
  #stop: () => void = () => {};

  constructor(order: Order, ticket: Ticket) {
    this.order = order;
    this.ticket = ticket;
  }

  get isAborted(): boolean {
    return this.ticket.signal.aborted;
  }

  /** Tells the run that it begins, the first time. */
  started(worker: string): void {
    if (this.worker !== '') return;
    this.worker = worker;
    this.ticket.started(worker);
  }

  /** What to do from now on when the run wants it stopped; at once, if it does already. Takes the place of what was set before. */
  onAbort(stop: () => void): void {
    this.#stop = stop;
    if (this.isAborted) stop();
    else if (!this.#isListening) {
      this.#isListening = true;
      this.ticket.signal.addEventListener('abort', () => this.#stop(), { once: true });
    }
  }

  /** Nothing is to be done any more, or not until somebody says what. */
  over(): void {
    this.#stop = () => {};
  }
}
