/** A paused clock makes nothing due. */
import { afterAll, expect, test, vi } from 'vitest';
import { PausableClock } from '../src/pausable-clock.ts';

// Before the sources are loaded: they keep references of their own.
vi.hoisted(() => vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());

test('it goes on from where it stood still', () => {
  const clock = new PausableClock();
  const startedAt = clock.now();
  vi.advanceTimersByTime(10);
  clock.pause();
  vi.advanceTimersByTime(1_000);
  expect(clock.now() - startedAt).toBe(10);
  clock.goOn();
  vi.advanceTimersByTime(5);
  expect(clock.now() - startedAt).toBe(15);
});

test('what was due while it stood still comes as much later', () => {
  const clock = new PausableClock();
  const rung: string[] = [];
  clock.after(100, () => rung.push('after'));
  clock.after(150, () => rung.push('alarm'));
  const takeBack = clock.after(120, () => rung.push('taken back'));
  vi.advanceTimersByTime(60);
  clock.pause();
  vi.advanceTimersByTime(1_000);
  clock.goOn();
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(41);
  expect(rung).toEqual(['after']);
  takeBack();
  vi.advanceTimersByTime(50);
  expect(rung).toEqual(['after', 'alarm']);
  expect(vi.getTimerCount()).toBe(0);
});

test('it calls listeners when it pauses and when it resumes, once each', () => {
  const clock = new PausableClock();
  const changes: boolean[] = [];
  const forget = clock.onPause((isPaused) => changes.push(isPaused));
  clock.goOn();
  clock.pause();
  clock.pause();
  clock.goOn();
  clock.goOn();
  expect(changes).toEqual([true, false]);
  forget();
  clock.pause();
  expect(changes).toEqual([true, false]);
});
