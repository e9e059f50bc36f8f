/** Simulated runs that stop, die and lose each other, checked against what each really holds; and mistakes that the simulation must find. */
import { afterAll, expect, test } from 'vitest';
import { isWhole, sampled, seed as sampleSeed } from '#sample';
import { clear, hunt, isGone, plantedBugs } from './sim/planted.ts';
import { simulate } from './sim/simulate.ts';

afterAll(clear);

const most = isWhole ? 100_000 : 2_000;

test('on many seeds nothing is held twice, and every task gets its turn', { timeout: 300_000 }, () => {
  const first = (sampleSeed % 1_000) * 100_000;
  const broken: string[] = [];
  for (let seed = first; seed < first + most && broken.length < 5; seed++) {
    const { violation } = simulate(seed);
    if (violation !== undefined) broken.push(`seed ${seed}: ${violation}`);
  }
  expect(broken).toEqual([]);
});

test('the seeds play what they are for: tables are lost and replaced, and runs die', () => {
  const total = { grants: 0, epochs: 0, crashes: 0 };
  for (let seed = 1; seed <= 100; seed++) {
    const { grants, epochs, crashes } = simulate(seed);
    total.grants += grants;
    total.epochs += epochs;
    total.crashes += crashes;
  }
  expect(total.grants).toBeGreaterThan(500);
  expect(total.epochs).toBeGreaterThan(150);
  expect(total.crashes).toBeGreaterThan(10);
});

test('the same seed gives the same run', () => {
  const played = () => {
    const lines: string[] = [];
    simulate(7, (line) => lines.push(line));
    return lines;
  };
  expect(played()).toEqual(played());
});

test('every line in which a mistake is planted is there', () => {
  expect(plantedBugs.filter(isGone).map(({ what }) => what)).toEqual([]);
});

test.each(sampled(plantedBugs).map((bug) => [bug.what, bug] as const))('finds: %s', async (_what, bug) => {
  expect(await hunt(bug, 10_000)).toBeDefined();
});
