/**
 * `count.ts COUNT`: plays every shape with so many tasks and with four times as many, and counts how often each block of the scheduler's
 * code, of the locks' and of core's is entered. Prints a line of JSON for each. The counts do not depend on the machine or its load.
 */
import { Session } from 'node:inspector/promises';
import { play, plays } from './play.ts';

const ours = /\/packages\/(core|lock|sched)\/src\//;
const small = Number(process.argv[2]);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Blocks entered since the last call. */
async function entered(): Promise<number> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => ours.test(url))
    .flatMap(({ functions }) => functions)
    .flatMap(({ ranges }) => ranges)
    .reduce((sum, { count }) => sum + count, 0);
}

for (const name of plays) {
  const blocks: number[] = [];
  for (const count of [small, small * 4]) {
    await entered();
    await play(name, count);
    blocks.push(await entered());
  }
  const [few = 0, many = 0] = blocks;
  console.log(JSON.stringify({ name, perTask: few / small, growth: many / few }));
}
session.disconnect();
