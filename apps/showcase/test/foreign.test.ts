/** The third-party suites by hand: that the table of src/foreign.ts says how they really end here. */
import { beforeAll, expect, test } from 'vitest';
import { filesOf, foreignFiles } from '../src/foreign.ts';
import { type ByHand, runAllByHand, tapCounts } from './by-hand.ts';

const files = foreignFiles();
let runs: readonly ByHand[] = [];

beforeAll(async () => {
  runs = await runAllByHand(files, 2);
}, 180_000);

test('there are at least 100 test files of at least 8 packages', () => {
  expect(files.length).toBeGreaterThanOrEqual(100);
  expect(new Set(files.map((file) => file.package)).size).toBeGreaterThanOrEqual(8);
});

test('those that are said to fail fail, and all others pass', () => {
  const wrong = runs.filter(({ file, exitCode }) => (exitCode === 0) !== (file.failing === undefined));
  expect(wrong.map(({ file, exitCode, stderr }) => ({ ...file, exitCode, stderr }))).toEqual([]);
});

test('nearly all of them pass', () => {
  expect(runs.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(0.9 * files.length);
});

test('they talk TAP, and an exit code of 0 goes with output that has no "not ok"', () => {
  const points = runs.map((run) => ({ ...run, ...tapCounts(run.stdout) }));
  expect(points.reduce((sum, { ok }) => sum + ok, 0)).toBeGreaterThan(1000);
  const wrong = points.filter(({ exitCode, notOk }) => exitCode === 0 && notOk > 0);
  expect(wrong.map(({ file }) => `${file.package}/${file.file}`)).toEqual([]);
});

test('a table that names a file which is not there is refused', () => {
  const modules = new URL('../node_modules', import.meta.url).pathname;
  expect(() => filesOf({ name: 'minimist', failing: { 'test/gone.js': 'it is gone' } }, modules)).toThrow(
    'minimist has no test file test/gone.js',
  );
  expect(() => filesOf({ name: 'minimist', tests: ['tests/*.js'] }, modules)).toThrow('has no test file');
});
