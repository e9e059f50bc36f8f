/**
 * The program of a `LeaseGuard`. Reads lines on stdin, each a time in milliseconds and a process marker: when that time is over and no other line has
 * come, it kills all processes that carry the marker. A line without a marker ends that. Ends with its stdin.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '@pexen/core/timers';
import { sweep } from '../process-tree.ts';

/** A process that resists SIGKILL for longer is stuck in the kernel, ms. */
const timeoutMs = 10_000;

let cancel = (): void => {};

createInterface(process.stdin)
  .on('line', (line) => {
    const [ms = '', marker = ''] = line.split(' ');
    cancel();
    cancel = marker === '' ? () => {} : systemClock.after(Number(ms), () => void end(marker));
  })
  .on('close', () => process.exit(0));

async function end(marker: string): Promise<void> {
  await sweep({ pid: undefined, marker }, timeoutMs, systemClock);
}
