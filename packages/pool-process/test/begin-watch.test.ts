/** Looking whether a worker has begun. */
import { expect, test } from 'vitest';
import { BeginWatch } from '../src/begin-watch.ts';
import { ScriptedClock } from './support/scripted-clock.ts';

test('it looks soon, then less and less often, until it is not worth it', () => {
  const clock = new ScriptedClock();
  const looks: number[] = [];
  const watch = new BeginWatch(clock, () => {
    looks.push(clock.now());
    return clock.now() < 300;
  });
  watch.soon();
  watch.soon();
  clock.advance(10_000);
  expect(looks).toEqual([2, 6, 14, 30, 62, 126, 190, 254, 318]);
  expect(clock.pending).toBe(0);
});

test('stopped, it leaves no alarm, and may begin anew', () => {
  const clock = new ScriptedClock();
  let looks = 0;
  const watch = new BeginWatch(clock, () => {
    looks++;
    return false;
  });
  watch.soon();
  watch.stop();
  expect(clock.pending).toBe(0);
  watch.soon();
  clock.advance(2);
  expect(looks).toBe(1);
});
