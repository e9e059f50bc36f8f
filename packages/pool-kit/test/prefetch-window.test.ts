/** How many attempts may be in one worker. */
import { expect, test } from 'vitest';
import { PrefetchWindow } from '../src/engine/prefetch-window.ts';

function sizeAfter(...durationsMs: number[]): number {
  const window = new PrefetchWindow();
  for (const ms of durationsMs) window.note(ms);
  return window.size;
}

const seven = (ms: number) => Array(7).fill(ms);

test('one as long as nothing is known', () => {
  expect(sizeAfter()).toBe(1);
  expect(sizeAfter(0.01, 0.01)).toBe(1);
});

test('many short ones, few that take a millisecond, one that takes longer', () => {
  expect([0.01, 0.1, 0.5, 1, 3, 1000].map((ms) => sizeAfter(...seven(ms)))).toEqual([64, 21, 5, 3, 1, 1]);
});

test('one that had to wait for a core changes nothing', () => {
  expect(sizeAfter(...seven(0.01), 50, 0.01, 0.01)).toBe(64);
});

test('several slow ones in a row change it at once', () => {
  expect(sizeAfter(...seven(0.01), 50, 50, 50, 50)).toBe(1);
});
