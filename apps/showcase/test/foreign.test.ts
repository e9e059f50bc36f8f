/** Checks the table of third-party suites. showcase.test.ts runs its files. */
import { expect, test } from 'vitest';
import { filesOf, foreignFiles } from '../src/foreign.ts';

const modules = new URL('../node_modules', import.meta.url).pathname;

test('there are at least 100 test files of at least 8 packages', () => {
  const files = foreignFiles();
  expect(files.length).toBeGreaterThanOrEqual(100);
  expect(new Set(files.map((file) => file.package)).size).toBeGreaterThanOrEqual(8);
});

test('a table that names a missing file is refused', () => {
  expect(() => filesOf({ name: 'minimist', failing: { 'test/gone.js': 'it is gone' } }, modules)).toThrow(
    'minimist has no test file test/gone.js',
  );
  expect(() => filesOf({ name: 'minimist', tests: ['tests/*.js'] }, modules)).toThrow('has no test file');
});
