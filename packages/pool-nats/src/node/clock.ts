/** The clock of leases: unlike the clock of timers it goes on while the machine sleeps, so that a machine that wakes up knows how long it was away. */
import { readFileSync } from 'node:fs';
import { systemClock } from '@pexen/pool-kit';

/** So long a reading may stand where it need not be exact, ms: the system itself counts in steps of 10. */
const recentMs = 1;

export class LeaseClock {
  #reading = 0;
  /** When it was read, by the clock of timers. */
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds since a fixed moment. On Linux since the start of the machine; elsewhere the time during a sleep may be missing. */
  now(): number {
    this.#readAtMs = systemClock.now();
    this.#reading = sinceBoot() ?? this.#readAtMs;
    return this.#reading;
  }

  /** The same, perhaps a millisecond ago, or from before a sleep that was just now: for what starts nothing. A reading costs as much as a message. */
  recent(): number {
    return systemClock.now() - this.#readAtMs < recentMs ? this.#reading : this.now();
  }
}

function sinceBoot(): number | undefined {
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  } catch {
    return undefined; // The system has no such file.
  }
}
