import { expect, test } from 'vitest';
import {
  boundMs,
  type DurationEstimate,
  estimateDuration,
  likelyMs,
  unusualMs,
  weightOfRuns,
} from '../../src/history/duration.ts';

const estimate = (...latestFirst: number[]): DurationEstimate =>
  estimateDuration(latestFirst) as DurationEstimate;

test('without any run there is no estimate', () => {
  expect(estimateDuration([])).toBeUndefined();
});

test('a single run is believed, but not its precision', () => {
  const once = estimate(1000);
  expect(likelyMs(once)).toBeCloseTo(1000);
  expect(once.spread).toBeCloseTo(0.2);
  expect(boundMs(once)).toBeCloseTo(1000 * Math.exp(0.32));
});

test('one outlier changes nothing, even if it is the latest', () => {
  expect(likelyMs(estimate(9000, 100, 101, 99, 100, 100))).toBeCloseTo(100, -1);
});

test('a task that became slower is known as slow after three runs', () => {
  const slower = [800, 810, 790];
  expect(likelyMs(estimate(...slower, ...Array.from({ length: 20 }, () => 100)))).toBeCloseTo(800, -2);
});

test('durations below the resolution of the clock do not give a spread', () => {
  const zero = estimate(0, 0.02, 0, 0.05);
  expect(likelyMs(zero)).toBeCloseTo(0.1);
  expect(zero.spread).toBeLessThan(0.2);
});

test('unusual is never less than the double, nor than a second', () => {
  expect(unusualMs(estimate(20, 20, 20, 20))).toBe(1000);
  const steady = estimate(...Array.from({ length: 32 }, () => 5000));
  expect(unusualMs(steady)).toBeCloseTo(10_000);
  const shaky = estimate(20_000, 5000, 9000, 30_000, 6000, 12_000);
  expect(unusualMs(shaky)).toBeGreaterThan(2 * likelyMs(shaky));
});

test('the weight of an estimate has a bound', () => {
  expect(weightOfRuns(1)).toBe(1);
  expect(weightOfRuns(2)).toBeGreaterThan(1.5);
  expect(weightOfRuns(1000)).toBe(weightOfRuns(32));
  expect(weightOfRuns(32)).toBeLessThan(4.9);
});

/**
 * 400 tasks of 80 runs: durations around a level, 3 of 100 runs double or halve the level from then on, 5 of 100 take 3 to 8 times as long for
 * reasons of the machine. The error of an estimate is that against the level.
 */
test('on series with outliers and steps it is closer than the usual estimates', () => {
  const errors = new Map<string, number[]>();
  const within = { bound: [] as boolean[], usual: [] as boolean[] };
  const { uniform, normal } = random(7);
  for (let task = 0; task < 400; task++) {
    let level = Math.log(50) + 2 * normal();
    const noise = 0.1 + 0.3 * uniform();
    const known: number[] = [];
    for (let run = 0; run < 80; run++) {
      if (uniform() < 0.03) level += uniform() < 0.5 ? Math.LN2 : -Math.LN2;
      const clean = level + noise * normal();
      for (const [name, guess] of known.length === 0 ? [] : Object.entries(peers)) {
        const all = errors.get(name) ?? [];
        all.push(Math.abs(guess(known) - level));
        errors.set(name, all);
      }
      if (known.length >= 3) {
        const now = estimate(...known.map(Math.exp));
        within.bound.push(Math.exp(clean) <= boundMs(now));
        within.usual.push(Math.exp(clean) <= unusualMs(now));
      }
      known.unshift(clean + (uniform() < 0.05 ? Math.log(3 + 5 * uniform()) : 0));
    }
  }
  const mean = (name: string): number => average(errors.get(name) ?? []);
  const shares = { bound: share(within.bound), unusual: share(within.usual) };
  const line = [...errors.keys()].map((name) => `${name} ${mean(name).toFixed(3)}`).join(', ');
  console.info(`mean |ln error|: ${line}; within the bound ${shares.bound}, below unusual ${shares.unusual}`);
  expect(mean('pexen')).toBeLessThan(0.16);
  for (const peer of ['running average', 'last', 'mean'])
    expect(mean('pexen')).toBeLessThan(0.65 * mean(peer));
  expect(shares.bound).toBeGreaterThan(0.9);
  expect(shares.bound).toBeLessThan(0.97);
  expect(shares.unusual).toBeGreaterThan(0.99);
});

/** Each gets the logarithms of all earlier durations, the latest first. */
const peers: Readonly<Record<string, (latestFirst: readonly number[]) => number>> = {
  pexen: (known) => estimate(...known.map(Math.exp)).center,
  'running average': (known) => Math.log(known.map(Math.exp).reduceRight((sum, ms) => 0.7 * sum + 0.3 * ms)),
  last: ([last]) => last as number,
  mean: (known) => Math.log(average(known.map(Math.exp))),
};

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function share(values: readonly boolean[]): number {
  return Number(average(values.map(Number)).toFixed(3));
}

function random(seed: number): { readonly uniform: () => number; readonly normal: () => number } {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
