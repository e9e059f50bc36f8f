/** Which packets are too many. */
import { expect, test } from 'vitest';
import { FloodGuard } from '../src/host/flood-guard.ts';

test('a node may send 50,000 packets within a second, and others do not count', () => {
  const guard = new FloodGuard();
  for (let n = 0; n < 50_000; n++) expect(guard.admits('one', 10, 5_000 + n / 100)).toBe(true);
  expect(guard.admits('one', 10, 5_900)).toBe(false);
  expect(guard.admits('two', 10, 5_900)).toBe(true);
  expect(guard.admits('one', 10, 6_000)).toBe(true);
});

test('a node may send 256 MiB within a second', () => {
  const guard = new FloodGuard();
  const mebibyte = 1024 ** 2;
  expect(guard.admits('one', 256 * mebibyte, 0)).toBe(true);
  expect(guard.admits('one', 1, 999)).toBe(false);
  expect(guard.admits('one', 1, 1_000)).toBe(true);
});
