/** A network that loses, delays and doubles packets, and cuts off machines in one direction or both. */
import type { Agenda } from './agenda.ts';
import type { Random } from './random.ts';

/** How bad it is. */
export interface Weather {
  readonly loss: number;
  readonly doubling: number;
  /** How many packets take very long. */
  readonly lateness: number;
}

export class Network {
  weather: Weather = { loss: 0, doubling: 0, lateness: 0 };
  /** Cut directions, as `from>to`; `*` stands for everyone. */
  readonly cuts = new Set<string>();
  readonly #agenda: Agenda;
  readonly #random: Random;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  clear(): void {
    this.cuts.clear();
    this.weather = { loss: 0, doubling: 0, lateness: 0 };
  }

  send(from: string, to: string, deliver: () => void): void {
    this.#sendOne(from, to, deliver);
    if (this.#random.chance(this.weather.doubling)) this.#sendOne(from, to, deliver);
  }

  #sendOne(from: string, to: string, deliver: () => void): void {
    if (this.#isCut(from, to) || this.#random.chance(this.weather.loss)) return;
    const isLate = this.#random.chance(this.weather.lateness);
    const delayMs = isLate ? this.#random.between(100, 4_000) : this.#random.between(0.1, 12);
    this.#agenda.in(delayMs, () => {
      if (!this.#isCut(from, to)) deliver();
    });
  }

  #isCut(from: string, to: string): boolean {
    return this.cuts.has(`${from}>*`) || this.cuts.has(`*>${to}`) || this.cuts.has(`${from}>${to}`);
  }
}
