import { expect, test } from 'vitest';
import { type DurationEstimate, estimateDuration } from '../../src/history/duration.ts';
import { Expectations, type KnownEstimate } from '../../src/history/expectations.ts';

const here = 1;
const there = 2;

function known(path: string, machine: number, ...latestFirst: readonly number[]): KnownEstimate {
  return { path, machine, ...(estimateDuration(latestFirst) as DurationEstimate) };
}

/** Ten tasks that ran on both kinds of machines; there they took half as long. */
const common = Array.from({ length: 10 }, (_, at) => [
  known(`common/${at}`, here, 200 + at, 200 + at),
  known(`common/${at}`, there, 100 + at / 2, 100 + at / 2),
]).flat();

function expectedMs(estimates: readonly KnownEstimate[], path: string): string {
  const { ms, isGuess } = new Expectations(estimates, here).of(path) ?? {};
  return ms === undefined ? 'unknown' : `${isGuess ? 'guess ' : ''}${ms.toFixed(0)}`;
}

test('a task is expected to take what it took on this kind of machine', () => {
  expect(expectedMs([known('a', here, 500, 500), known('a', there, 20, 20)], 'a')).toBe('500');
});

test('what ran only elsewhere is expected to take longer by as much as others do', () => {
  expect(expectedMs([...common, known('a', there, 1000, 1000)], 'a')).toBe('2000');
});

test('a single run here yields to many runs on a kind that can be compared only if these are more certain', () => {
  const steady = Array.from({ length: 30 }, () => 1000);
  const both = [...common, known('a', here, 3000), known('a', there, ...steady)];
  expect(expectedMs(both, 'a')).toBe('3000');
  const wide = [...common, { ...known('a', here, 3000), spread: 0.5 }, known('a', there, ...steady)];
  expect(expectedMs(wide, 'a')).toBe('2000');
});

test('kinds with fewer than ten common tasks are not compared, but give an order', () => {
  const few = [...common.slice(0, 18), known('a', there, 1000, 1000)];
  expect(expectedMs(few, 'a')).toBe('1000');
  const { boundMs = 0 } = new Expectations(few, here).of('a') ?? {};
  const compared = new Expectations([...common, known('a', there, 1000, 1000)], here).of('a');
  expect(boundMs / 1000).toBeGreaterThan((compared?.boundMs ?? 0) / 2000);
});

test('of several other kinds the one with the most common tasks counts', () => {
  const third = 3;
  expect(expectedMs([...common, known('a', third, 7, 7), known('a', there, 1000, 1000)], 'a')).toBe('2000');
});

test('a task without any run takes the median of the nearest folder with runs', () => {
  const suite = [
    known('net/slow/a', here, 900, 900),
    known('net/b', here, 10, 10),
    known('net/c', here, 20, 20),
  ];
  expect(expectedMs(suite, 'net/slow/new')).toBe('guess 900');
  expect(expectedMs(suite, 'net/new')).toBe('guess 20');
  expect(expectedMs(suite, 'other/new/task')).toBe('guess 20');
  expect(expectedMs([], 'new')).toBe('unknown');
});

test('a slash in a name separates nothing', () => {
  const suite = [
    known('net/a\\/b', here, 900, 900),
    known('net/c', here, 10, 10),
    known('net/d', here, 10, 10),
  ];
  expect(expectedMs(suite, 'net/a\\/x')).toBe('guess 10');
});
