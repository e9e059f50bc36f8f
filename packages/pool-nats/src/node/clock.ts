/** The clock of leases: unlike the clock of timers it goes on while the machine sleeps, so that a machine that wakes up knows how long it was away. */
import { readFileSync } from 'node:fs';
import { systemClock } from '@pexen/pool-kit';

/** Milliseconds since a fixed moment. On Linux since the start of the machine; elsewhere the time during a sleep may be missing. */
export function leaseNow(): number {
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
    if (Number.isFinite(seconds)) return seconds * 1000;
  } catch {
    // The system has no such file.
  }
  return systemClock.now();
}
