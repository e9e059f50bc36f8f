/** A pool that returns an attempt unstarted again and again does not get it forever. */
import { expect, it } from 'vitest';
import { Scenario } from './scenario.ts';

it('an attempt that is returned unstarted a hundred times in a row has crashed', () => {
  const scenario = new Scenario();
  for (const line of ['slots 1', 'start-by-hand', 'task a', 'go']) scenario.play(line);
  for (let times = 1; times < 100; times++)
    expect(scenario.play('return-unstarted a')).toEqual(['start a#1']);
  expect(scenario.play('return-unstarted a')).toEqual(['deliver a crashed', 'end']);
});
