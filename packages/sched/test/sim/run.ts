/** `pnpm sim --seeds N [--from S] [--seconds T]`: plays many seeds and prints those that break a rule. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    most: { type: 'string', default: '10' },
  },
});

const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const most = Number(values.most);
const startedAt = performance.now();
let violations = 0;
let refused = 0;
let steps = 0;
let done = 0;
for (let seed = from; seed < from + count && violations < most; seed++) {
  const played = simulate(seed);
  done++;
  steps += played.steps;
  if (played.isRefused) refused++;
  if (seed % 50 === 0 && simulate(seed).trace !== played.trace) report(seed, 'two runs of one seed differ');
  if (played.violation !== undefined) report(seed, played.violation);
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(
  `${done} seeds (${refused} refused), ${steps} batches of facts, ${violations} violations, ` +
    `${Math.round(done / seconds)} schedules per second`,
);
process.exitCode = violations > 0 ? 1 : 0;

function report(seed: number, violation: string): void {
  violations++;
  console.log(`seed ${seed}: ${violation}\n  again: pnpm sim --seed ${seed}`);
}
