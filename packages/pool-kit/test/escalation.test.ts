/** The steps of stopping, by a scripted clock. */

import { expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { escalate, hastySteps, usualSteps } from '../src/engine/escalation.ts';
import type { Step } from '../src/index.ts';

/** Takes the steps, and notes when each is taken. */
function taking(steps: readonly Step[]): {
  clock: ScriptedClock;
  taken: [number, string][];
  cancel: () => void;
} {
  const clock = new ScriptedClock(0);
  const taken: [number, string][] = [];
  const cancel = escalate(clock, steps, (action) => void taken.push([clock.now(), action]));
  return { clock, taken, cancel };
}

test('abort, after 2 s terminate, after the grace period kill, then abandon', async () => {
  const { clock, taken } = taking(usualSteps(10_000, 1_000, true));
  await clock.advance(60_000);
  expect(taken).toEqual([
    [0, 'abort'],
    [2000, 'terminate'],
    [12_000, 'kill'],
    [13_000, 'abandon'],
  ]);
});

test('a worker without `terminate` is killed after the grace period', async () => {
  const { clock, taken } = taking(usualSteps(10_000, 2_000, false));
  await clock.advance(60_000);
  expect(taken).toEqual([
    [0, 'abort'],
    [10_000, 'kill'],
    [12_000, 'abandon'],
  ]);
});

test('a grace period below 2 s shortens the first wait', async () => {
  const { clock, taken } = taking(usualSteps(100, 1_000, true));
  await clock.advance(60_000);
  expect(taken.map(([atMs]) => atMs)).toEqual([0, 100, 200, 1200]);
});

test('without a grace period everything but abandoning happens at once', () => {
  const { taken } = taking(usualSteps(0, 1_000, true));
  expect(taken.map(([, step]) => step)).toEqual(['abort', 'terminate', 'kill']);
});

test('a body that cannot listen to its signal has 250 ms', async () => {
  const { clock, taken } = taking(hastySteps(10_000, 1_000, true));
  await clock.advance(60_000);
  expect(taken).toEqual([
    [0, 'abort'],
    [0, 'terminate'],
    [250, 'kill'],
    [1250, 'abandon'],
  ]);
});

test('an attempt that has ended is left alone, and no timer stays', async () => {
  const { clock, taken, cancel } = taking(usualSteps(1_000, 1_000, true));
  await clock.advance(1_500);
  cancel();
  expect(clock.pending).toBe(0);
  await clock.advance(60_000);
  expect(taken.map(([, step]) => step)).toEqual(['abort', 'terminate']);
});

test('a step that ends the attempt is the last', async () => {
  const clock = new ScriptedClock(0);
  const taken: string[] = [];
  const steps: readonly Step[] = [
    { afterMs: 10, action: 'abort' },
    { afterMs: 0, action: 'terminate' },
    { afterMs: 10, action: 'kill' },
  ];
  const cancel = escalate(clock, steps, (action) => {
    taken.push(action);
    cancel();
  });
  await clock.advance(100);
  expect(taken).toEqual(['abort']);
});
