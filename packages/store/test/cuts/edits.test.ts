/** Runs that are cut, and whose suite is edited in between, end with the results of the last suite. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { cutAndEdit } from './edits.ts';
import { forgettingEdits } from './planted.ts';

const suites = isWhole ? 3_000 : 60;

test(`${suites} suites, cut and edited, keep nothing of another code`, { timeout: 300_000 }, async () => {
  let compared = 0;
  for (let at = seed % 1_000_000; at < (seed % 1_000_000) + suites; at++) {
    const { wrong, isCompared } = await cutAndEdit(at);
    expect(wrong, `seed ${at}`).toEqual([]);
    compared += isCompared ? 1 : 0;
  }
  expect(compared).toBeGreaterThan(0);
});

/**
 * What a task had provided was not torn down where it ran again because of an edit, and was skipped before it started. A task that was skipped instead
 * of its next generation went on with the attempts of the one before.
 */
test.each([61, 406_745])('suite %i, which was played wrongly once', async (at) => {
  expect((await cutAndEdit(at)).wrong).toEqual([]);
});

test('the planted mistake that results of another code are kept is found', async () => {
  for (let at = 1; at < 40; at++) if ((await cutAndEdit(at, forgettingEdits)).wrong.length > 0) return;
  expect.fail('not within 40 suites');
});
