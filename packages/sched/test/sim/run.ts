/**
 * `pnpm sim [--seeds N] [--from S] [--workers N]`: plays many seeds and prints those that break a rule. `pnpm sim --seed S` plays one,
 * shrinks it if it fails (not with `--whole`), and prints all that happened.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { describeScenario } from './describe.ts';
import { generate } from './generate.ts';
import { playMany, type Tally } from './play-many.ts';
import { shrink } from './shrink.ts';
import { play } from './simulate.ts';

/** What a worker plays. */
interface Share {
  readonly from: number;
  readonly count: number;
  readonly most: number;
}

if (isMainThread) await main();
else playShare(workerData as Share);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '20000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      most: { type: 'string', default: '10' },
      workers: { type: 'string', default: '1' },
      whole: { type: 'boolean', default: false },
    },
  });
  if (values.seed !== undefined) show(Number(values.seed), values.whole);
  else {
    const share = { from: Number(values.from), count: Number(values.seeds), most: Number(values.most) };
    await playAll(share, Number(values.workers));
  }
}

async function playAll({ from, count, most }: Share, workers: number): Promise<void> {
  const startedAt = performance.now();
  const size = Math.ceil(count / workers);
  const shares = Array.from({ length: workers }, (_, nth) => ({
    ...{ from: from + nth * size, most },
    count: Math.min(size, count - nth * size),
  }));
  const tallies = workers === 1 ? [playMany(from, count, most)] : await Promise.all(shares.map(playApart));
  const seconds = (performance.now() - startedAt) / 1000;
  const sum = (of: (tally: Tally) => number) => tallies.reduce((all, tally) => all + of(tally), 0);
  for (const { seed, what } of tallies.flatMap(({ violations }) => violations))
    console.log(`seed ${seed}: ${what}\n  again: pnpm sim --seed ${seed}`);
  const seeds = sum((tally) => tally.seeds);
  const violations = sum((tally) => tally.violations.length);
  console.log(
    `${seeds} seeds (${sum(({ refused }) => refused)} refused), ${sum(({ steps }) => steps)} batches of facts, ` +
      `${violations} violations, ${Math.round(seeds / seconds)} schedules per second`,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}

function playApart(share: Share): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function playShare({ from, count, most }: Share): void {
  parentPort?.postMessage(playMany(from, count, most));
}

/** One seed and its log; if it fails, those of the smallest scenario that fails in the same way. */
function show(seed: number, isWhole: boolean): void {
  const scenario = generate(seed);
  const { violation } = play(scenario);
  const shown = violation === undefined || isWhole ? scenario : shrink(scenario);
  const lines: string[] = [];
  const played = play(shown, (line) => lines.push(line));
  for (const line of [...describeScenario(shown), '', ...lines, '']) console.log(line);
  console.log(played.violation ?? 'no violation');
  if (violation !== undefined) process.exitCode = 1;
}
