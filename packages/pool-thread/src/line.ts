/** Flights that wait, the first come first; those that have landed meanwhile are left out. Knows no thread. */
import type { Flight } from './flight.ts';

/** So many places may lie empty at the front before they are cleared away. */
const mostEmpty = 1_024;

export class Line {
  #flights: Flight[] = [];
  #first = 0;

  /** May count some that have landed. */
  get length(): number {
    return this.#flights.length - this.#first;
  }

  push(flight: Flight): void {
    this.#flights.push(flight);
  }

  /** Puts them before all others, in their order. */
  putBack(flights: readonly Flight[]): void {
    this.#flights = [...flights, ...this.#flights.slice(this.#first)];
    this.#first = 0;
  }

  shift(): Flight | undefined {
    while (this.#first < this.#flights.length) {
      const flight = this.#flights[this.#first++] as Flight;
      if (this.#first > mostEmpty) this.#clearAway();
      if (!flight.hasLanded) return flight;
    }
    this.#clearAway();
    return undefined;
  }

  takeAll(): Flight[] {
    const all = this.#flights.slice(this.#first).filter(({ hasLanded }) => !hasLanded);
    this.#flights = [];
    this.#first = 0;
    return all;
  }

  #clearAway(): void {
    this.#flights = this.#flights.slice(this.#first);
    this.#first = 0;
  }
}
