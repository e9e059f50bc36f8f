/** How much is sent ahead. */
import { expect, test } from 'vitest';
import { Pace } from '../src/pace.ts';

function paceAfter(...durationsMs: number[]): number {
  const pace = new Pace();
  for (const ms of durationsMs) pace.note(ms);
  return pace.ahead;
}

const seven = (ms: number) => Array(7).fill(ms);

test('nothing as long as nothing is known', () => {
  expect(paceAfter()).toBe(0);
  expect(paceAfter(0.01, 0.01)).toBe(0);
});

test('much of what is short, little of what takes a millisecond, nothing of what takes longer', () => {
  expect([0.01, 0.1, 0.5, 1, 3, 1000].map((ms) => paceAfter(...seven(ms)))).toEqual([32, 20, 4, 2, 0, 0]);
});

test('one that had to wait for a core changes nothing', () => {
  expect(paceAfter(...seven(0.01), 50, 0.01, 0.01)).toBe(32);
});

test('some that are slow in a row change everything, at once', () => {
  expect(paceAfter(...seven(0.01), 50, 50, 50, 50)).toBe(0);
});
