/** An attempt that the pool was given, on its way to its outcome. Knows no thread. */
import type { Assignment, PoolOutcome, Ticket } from '@pexen/core';

/** What is asked of a flight's pool. */
type Stop = (flight: Flight) => void;

export class Flight {
  readonly assignment: Assignment;
  readonly ticket: Ticket;
  /** Given once, and kept by the promise of `run`. */
  readonly #land: (outcome: PoolOutcome) => void;
  readonly #onAbort: () => void;
  #hasStarted = false;
  #hasLanded = false;

  constructor(assignment: Assignment, ticket: Ticket, land: (outcome: PoolOutcome) => void, stop: Stop) {
    this.assignment = assignment;
    this.ticket = ticket;
    this.#land = land;
    this.#onAbort = () => stop(this);
    ticket.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** A thread has begun it. Saying so again changes nothing. */
  start(worker: string): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.ticket.started(worker);
  }

  /** Settles it. Doing so again changes nothing. */
  land(outcome: PoolOutcome): void {
    if (this.#hasLanded) return;
    this.#hasLanded = true;
    this.ticket.signal.removeEventListener('abort', this.#onAbort);
    this.#land(outcome);
  }

  /** Settles it as never begun. */
  giveBack(reason: string): void {
    this.land({ kind: 'not-started', reason });
  }
}
