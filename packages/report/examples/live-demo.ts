/**
 * Plays a simulated run in real time, to see the views while changing them:
 *
 *   node --conditions=@pexen/source examples/live-demo.ts [speed] [lines | live] [passes]
 *
 * `speed` 2 is twice as fast. The first Ctrl-C drains, as in `pexen run`, the second one stops.
 */
import { lines, live, multi, terminal } from '../src/index.ts';
import { demo } from './demo-tasks.ts';
import { SimulatedRun } from './simulated-run.ts';

const speed = Number(process.argv[2] ?? 1) || 1;
const make = process.argv.includes('lines') ? lines : process.argv.includes('live') ? live : terminal;
const reporter = multi([make({ ...(process.argv.includes('passes') && { passes: true }) })], ({ error }) => {
  throw error;
});
const startedAt = performance.now();
const run = new SimulatedRun(demo, reporter, Date.now());

const playing = setInterval(() => {
  run.advanceTo((performance.now() - startedAt) * speed);
  if (run.isOver) void stop();
}, 20);

let interrupts = 0;
process.on('SIGINT', () => {
  if (++interrupts > 1) return void stop();
  reporter.note(`Interrupted: waiting for ${run.inspect().counts.running} running; press again to stop.`);
  run.drain('interrupted');
});

async function stop(): Promise<void> {
  clearInterval(playing);
  await reporter.close();
}
