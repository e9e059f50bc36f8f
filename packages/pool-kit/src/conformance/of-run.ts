/** Assignments and tickets made as those of a run are: what a pool copies of them by spread is empty. Knows no rule. */
import type { TaskUpdate, Ticket } from '@pexen/core';

/** A ticket whose signal is a getter, and whose methods need it. */
export class RunTicket implements Ticket {
  readonly #parts: Ticket;
  constructor(parts: Ticket) {
    this.#parts = parts;
  }
  get signal(): AbortSignal {
    return this.#parts.signal;
  }
  started(worker: string): void {
    this.#parts.started(worker);
  }
  report(news: TaskUpdate): void {
    this.#parts.report(news);
  }
}

/** An object that gives the same entries, none of which is its own. */
export function asGetters<T extends object>(values: T): T {
  const getters = Object.entries(values).map(([key, value]) => [key, { get: () => value }] as const);
  return Object.create(Object.defineProperties({}, Object.fromEntries(getters))) as T;
}
