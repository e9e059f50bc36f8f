/** An attempt that the pool was given, on its way to its outcome. Knows no thread. */
import type { Assignment, News, PoolOutcome, PoolOutcomeFacts, Ticket } from '@pexen/core';
import { OutputCapture } from '@pexen/pool-kit/worker';

export class Flight {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  readonly #land: (outcome: PoolOutcome) => void;
  #onAbort: (() => void) | undefined;
  /** What it printed as far as that was told: its thread may end before it can say it in the outcome. */
  #capture: OutputCapture | undefined;
  #hasStarted = false;
  #hasLanded = false;

  constructor(assignment: Assignment, ticket: Ticket, land: (outcome: PoolOutcome) => void) {
    this.assignment = assignment;
    this.ticket = ticket;
    this.#land = land;
  }

  get hasLanded(): boolean {
    return this.#hasLanded;
  }

  /** Calls `stop` when the attempt must stop, at once if it must already. Not done before it is worth it: signals cost. */
  listen(stop: (flight: Flight) => void): void {
    const { signal } = this.ticket;
    this.#onAbort = () => stop(this);
    if (signal.aborted) stop(this);
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** A thread has begun it. Saying so again changes nothing. */
  start(worker: string): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.ticket.started(worker);
  }

  /** Its body says something. */
  tell(news: News): void {
    if (news.kind === 'output') {
      this.#capture ??= new OutputCapture(() => {});
      this.#capture.write(news.stream, news.text);
    }
    this.ticket.tell(news);
  }

  /** What it printed so far. */
  get output(): Pick<PoolOutcomeFacts, 'stdout' | 'stderr'> {
    return this.#capture?.facts ?? {};
  }

  /** Settles it. Doing so again changes nothing. */
  land(outcome: PoolOutcome): void {
    if (this.#hasLanded) return;
    this.#hasLanded = true;
    if (this.#onAbort !== undefined) this.ticket.signal.removeEventListener('abort', this.#onAbort);
    this.#land(outcome);
  }

  /** Settles it as never begun. */
  giveBack(reason: string): void {
    this.land({ kind: 'not-started', reason });
  }
}
