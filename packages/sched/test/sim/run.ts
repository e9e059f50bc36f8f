/**
 * `pnpm sim [--seeds N] [--from S]`: plays many seeds and prints those that break a rule. `pnpm sim --seed S` plays one, shrinks it if
 * it fails, and prints all that happened.
 */
import { parseArgs } from 'node:util';
import { describeScenario } from './describe.ts';
import { generate } from './generate.ts';
import { shrink } from './shrink.ts';
import { play, simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    most: { type: 'string', default: '10' },
    whole: { type: 'boolean', default: false },
  },
});

if (values.seed === undefined) playMany(Number(values.from), Number(values.seeds), Number(values.most));
else show(Number(values.seed));

function playMany(from: number, count: number, most: number): void {
  const startedAt = performance.now();
  let violations = 0;
  let refused = 0;
  let steps = 0;
  let seed = from;
  const complain = (what: string): void => {
    violations++;
    console.log(`seed ${seed}: ${what}\n  again: pnpm sim --seed ${seed}`);
  };
  for (; seed < from + count && violations < most; seed++) {
    const played = simulate(seed);
    steps += played.steps;
    if (played.isRefused) refused++;
    if (played.violation !== undefined) complain(played.violation);
    else if (seed % 50 === 0 && simulate(seed).trace !== played.trace)
      complain('two runs of one seed differ');
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${seed - from} seeds (${refused} refused), ${steps} batches of facts, ${violations} violations, ` +
      `${Math.round((seed - from) / seconds)} schedules per second`,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}

/** One seed and its story; if it fails, that of the smallest scenario that fails so. */
function show(seed: number): void {
  const scenario = generate(seed);
  const { violation } = play(scenario);
  const shown = violation === undefined || values.whole ? scenario : shrink(scenario);
  const lines: string[] = [];
  const played = play(shown, (line) => lines.push(line));
  for (const line of [...describeScenario(shown), '', ...lines, '']) console.log(line);
  console.log(played.violation ?? 'no violation');
  if (violation !== undefined) process.exitCode = 1;
}
