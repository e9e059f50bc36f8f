/** The steps of stopping, by a scripted clock. */
import { expect, test } from 'vitest';
import { bodyLadder, climb } from '../src/ladder.ts';
import { ScriptedClock } from './support/scripted-clock.ts';

/** The steps of a body with this grace, and when they are taken. */
function steps(graceMs: number): { clock: ScriptedClock; taken: [number, string][]; cancel: () => void } {
  const clock = new ScriptedClock();
  const taken: [number, string][] = [];
  const take = (step: string) => () => void taken.push([clock.now(), step]);
  const [ask, terminate, kill, giveUp] = ['ask', 'terminate', 'kill', 'give up'].map(take) as [
    () => void,
    () => void,
    () => void,
    () => void,
  ];
  const cancel = climb(clock, bodyLadder(graceMs, { ask, terminate, kill, giveUp }));
  return { clock, taken, cancel };
}

test('abort message, 2 s, SIGTERM, grace, SIGKILL, 1 s, given up', () => {
  const { clock, taken } = steps(10_000);
  clock.advance(60_000);
  expect(taken).toEqual([
    [0, 'ask'],
    [2000, 'terminate'],
    [12_000, 'kill'],
    [13_000, 'give up'],
  ]);
});

test('a grace below 2 s makes the first wait as short', () => {
  const { clock, taken } = steps(100);
  clock.advance(60_000);
  expect(taken.map(([atMs]) => atMs)).toEqual([0, 100, 200, 1200]);
});

test('without any grace everything but giving up happens at once', () => {
  const { taken } = steps(0);
  expect(taken.map(([, step]) => step)).toEqual(['ask', 'terminate', 'kill']);
});

test('whoever ends is left alone, and no alarm stays', () => {
  const { clock, taken, cancel } = steps(1000);
  clock.advance(1500);
  cancel();
  expect(clock.pending).toBe(0);
  clock.advance(60_000);
  expect(taken.map(([, step]) => step)).toEqual(['ask', 'terminate']);
});

test('a step that ends it all is the last', () => {
  const clock = new ScriptedClock();
  const taken: string[] = [];
  const cancel = climb(clock, [
    {
      afterMs: 10,
      take: () => {
        taken.push('first');
        cancel();
      },
    },
    { afterMs: 0, take: () => void taken.push('second') },
    { afterMs: 10, take: () => void taken.push('third') },
  ]);
  clock.advance(100);
  expect(taken).toEqual(['first']);
});
