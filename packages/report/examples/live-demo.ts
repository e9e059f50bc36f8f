/**
 * Plays a rehearsed run in real time, to look at while changing the views:
 *
 *   node --conditions=@pexen/source examples/live-demo.ts [speed] [lines | live] [passes]
 *
 * `speed` 2 is twice as fast as life. The first Ctrl-C drains, as in `pexen run`, the second one stops.
 */
import { lines, live, multi, terminal } from '../src/index.ts';
import { cast } from './cast.ts';
import { Rehearsal } from './rehearsal.ts';

const speed = Number(process.argv[2] ?? 1) || 1;
const make = process.argv.includes('lines') ? lines : process.argv.includes('live') ? live : terminal;
const reporter = multi([make({ ...(process.argv.includes('passes') && { passes: true }) })], ({ error }) => {
  throw error;
});
const begun = performance.now();
const rehearsal = new Rehearsal(cast, reporter, Date.now());

const playing = setInterval(() => {
  rehearsal.advanceTo((performance.now() - begun) * speed);
  if (rehearsal.isOver) void stop();
}, 20);

let interrupts = 0;
process.on('SIGINT', () => {
  if (++interrupts > 1) return void stop();
  reporter.note(
    `Interrupted: waiting for ${rehearsal.inspect().counts.running} running; press again to stop.`,
  );
  rehearsal.drain('interrupted');
});

async function stop(): Promise<void> {
  clearInterval(playing);
  await reporter.close();
}
