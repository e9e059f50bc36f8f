/** Shards of random suites, merged, against the same suites run as a whole. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { merge } from '../../src/index.ts';
import { isPossible, reportOf, seenOf, suiteOf } from './sharded-runs.ts';

const suites = isWhole ? 1_000 : 100;

test('the reports of all shards together are that of the whole run', async () => {
  let [played, copies] = [0, 0];
  for (let at = seed; played < suites; at++) {
    if (!isPossible(suiteOf(at))) continue;
    played++;
    const count = 2 + (at % 3);
    const whole = await reportOf(suiteOf(at));
    const parts = [];
    for (let index = 1; index <= count; index++) parts.push([await reportOf(suiteOf(at), { index, count })]);
    const merged = merge(...parts);
    copies += merged.copies;
    expect(seenOf(merged.tasks), `seed ${at}`).toEqual(seenOf(merge([whole]).tasks));
  }
  expect(copies).toBeGreaterThan(suites);
}, 300_000);
