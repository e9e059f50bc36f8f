import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { aRun, hour, otherKind, passed, scratchHistory, start, thisKind } from './support.ts';

const roomy = { runs: 1000, days: 1000, mebibytes: 64 };

function expectedMs(history: ReturnType<typeof scratchHistory>['history'], path: string): number | undefined {
  const expected = history.expectations(thisKind).of(path);
  return expected && Math.round(expected.ms);
}

test('what was never written is empty, and reading it creates no file', () => {
  const { history, file } = scratchHistory();
  expect(history.runs()).toEqual([]);
  expect(history.latestSamples()).toEqual([]);
  expect(history.samplesOf(['a'], 10)).toEqual(new Map());
  expect(history.expectations(thisKind).of('a')).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});

test('a run is kept as it was recorded', () => {
  const { history, warnings } = scratchHistory();
  const run = aRun(1, { parent: 'run-0', shard: '1/2', workers: 4, exitCode: 1 });
  const samples = [
    passed('a', 100, { digest: 'abc', attempts: 2, tookMs: 250, verdict: 'flaky' }),
    { path: 'b', verdict: 'skip', outcome: 'skipped', attempts: 0 } as const,
  ];
  history.record(run, samples);
  expect(history.runs()).toEqual([run]);
  expect(history.paths()).toEqual(['a', 'b']);
  const found = history.samplesOf(['a', 'b'], 10);
  const of = { run: 'run-1', startedAtMs: run.startedAtMs, machine: thisKind };
  expect(found.get('a')).toEqual([{ ...samples[0], ...of }]);
  expect(found.get('b')).toEqual([{ ...samples[1], ...of }]);
  expect(warnings).toEqual([]);
});

test('from the second run on durations are known, for each kind of machine', () => {
  const { history } = scratchHistory();
  history.record(aRun(1), [passed('a', 100)]);
  expect(expectedMs(history, 'a')).toBe(100);
  history.record(aRun(2, { machine: otherKind }), [passed('a', 7000)]);
  expect(expectedMs(history, 'a')).toBe(100);
  for (let number = 3; number < 8; number++) history.record(aRun(number), [passed('a', 300)]);
  expect(expectedMs(history, 'a')).toBe(300);
  expect(history.expectations(otherKind).of('a')?.ms).toBeCloseTo(7000);
});

test('a failure often ends early: it counts only where nothing else is known', () => {
  const { history } = scratchHistory();
  const failed = { verdict: 'fail', outcome: 'failed' } as const;
  history.record(aRun(1), [passed('a', 5, failed)]);
  expect(expectedMs(history, 'a')).toBe(5);
  history.record(aRun(2), [passed('a', 2000)]);
  history.record(aRun(3), [passed('a', 5, failed)]);
  expect(expectedMs(history, 'a')).toBe(2000);
});

test('a further session of a run replaces what the run said of its tasks', () => {
  const { history } = scratchHistory();
  history.record(aRun(1, { exitCode: 75, isWhole: false }), [passed('a', 100), passed('b', 10)]);
  history.record(aRun(1, { startedAtMs: start + 5 * hour }), [passed('b', 20), passed('c', 30)]);
  expect(history.runs()).toEqual([aRun(1)]);
  const samples = [...history.samplesOf(['a', 'b', 'c'], 10).values()].flat();
  expect(samples.map(({ path, ranMs }) => [path, ranMs])).toEqual([
    ['a', 100],
    ['b', 20],
    ['c', 30],
  ]);
  expect(expectedMs(history, 'b')).toBe(20);
});

test('the latest results are those since the last whole run', () => {
  const { history } = scratchHistory();
  history.record(aRun(1), [passed('a', 1), passed('gone', 1)]);
  history.record(aRun(2), [passed('b', 2), passed('a', 2)]);
  history.record(aRun(3, { isWhole: false }), [passed('a', 3)]);
  history.record(aRun(4, { isWhole: true, shard: '1/2' }), [passed('b', 4)]);
  const latest = history.latestSamples();
  expect(latest.map(({ path, ranMs }) => [path, ranMs])).toEqual([
    ['a', 3],
    ['b', 4],
  ]);
});

test('runs beyond the limits are removed, the oldest first, but never the latest', () => {
  const { history } = scratchHistory();
  const names = (): string[] => history.runs().map(({ id }) => id);
  for (let number = 1; number <= 5; number++)
    history.record(aRun(number), [passed('a', 1), passed(`only-${number}`, 1)], { ...roomy, runs: 4 });
  expect(names()).toEqual(['run-5', 'run-4', 'run-3', 'run-2']);
  expect(history.paths()).toEqual(['a', 'only-2', 'only-3', 'only-4', 'only-5']);
  expect(history.prune({ ...roomy, days: 2 / 24 }, start + 6 * hour)).toBe(2);
  expect(names()).toEqual(['run-5', 'run-4']);
  expect(history.prune({ ...roomy, mebibytes: 0 }, start)).toBe(1);
  expect(names()).toEqual(['run-5']);
  expect(expectedMs(history, 'a')).toBe(1);
  expect(expectedMs(history, 'only-2')).toBe(1);
  expect(history.expectations(thisKind).of('only-2')?.isGuess).toBe(true);
});

test('a file that grows beyond its limit loses old runs', () => {
  const { history, file } = scratchHistory();
  const samples = Array.from({ length: 500 }, (_, at) => passed(`a rather long folder/and a name ${at}`, at));
  for (let number = 1; number <= 25; number++)
    history.record(aRun(number), samples, { ...roomy, mebibytes: 0.5 });
  const kept = history.runs();
  expect(kept.length).toBeGreaterThan(5);
  expect(kept.length).toBeLessThan(25);
  expect(kept[0]?.id).toBe('run-25');
  const database = new DatabaseSync(file);
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() ?? {};
  database.close();
  expect(Number(pages) * 4096).toBeLessThan(0.6 * 2 ** 20);
});
