/** Real runs of random suites that are cut at every event and resumed, against the same runs without a cut. */
import { describe, expect, test } from 'vitest';
import { isWhole, sampled, seed } from '#sample';
import { cutEverywhere } from './cut-everywhere.ts';
import { planted } from './planted.ts';
import { differences, play } from './play.ts';
import { randomSuite, suiteWithServices } from './suite.ts';

const suites = isWhole ? 300 : 8;
/** Within so many suites every planted mistake shows. */
const mostSuites = 20;

test(`${suites} suites, cut at every event and resumed, end as without a cut`, {
  timeout: 300_000,
}, async () => {
  let compared = 0;
  for (let each = 0; each < suites; each++) {
    const found = await cutEverywhere((seed % 1_000_000) + each);
    expect(found.wrong, `seed ${(seed % 1_000_000) + each}`).toEqual([]);
    compared += found.compared;
  }
  expect(compared).toBeGreaterThan(0);
});

test(`${suites} suites with services, cut at every event and resumed, end as without a cut`, {
  timeout: 300_000,
}, async () => {
  for (let each = 0; each < suites; each++) {
    const at = (seed % 1_000_000) + each;
    expect((await cutEverywhere(at, undefined, suiteWithServices(at))).wrong, `seed ${at}`).toEqual([]);
  }
});

test('a service that no task needed makes none of its providers run again', async () => {
  expect((await cutEverywhere(214, undefined, suiteWithServices(214))).wrong).toEqual([]);
});

/** It was up before the cut. Of "two of a, b, c", the others are enough afterwards, and nothing else needs it: it ends well, and is not skipped. */
test('a service that was up and that no task needs after a cut has ended well', async () => {
  const suite = suiteWithServices(620_108);
  const uncut = await play(suite, []);
  const played = await play(suite, [13, 3, 6]);
  expect([...played.wrong, ...differences(suite, uncut, played)]).toEqual([]);
});

/** In these, cuts have found faults: of order, of poison, of provisions and teardowns, also of what may have started, of guards, and of a stop while tasks are added. */
test.each(sampled([13, 19, 50, 59, 67, 82, 1206, 1808, 3017, 5073]))(
  'suite %i, which was played wrongly once',
  async (at) => {
    expect((await cutEverywhere(at, undefined, randomSuite(at))).wrong).toEqual([]);
  },
);

/**
 * With requests for reboots: a salvage ran again for one that had nothing to salvage, and an unrecorded request counted as a start. Without:
 * a second cut forgot what an attempt had left half changed whose task then ended without another one, and a teardown that may not start twice
 * did, where the loop added it again only behind a task that ran again. With them: what a task had done that asked for a reboot, and could not
 * start again after it, was not torn down.
 */
test.each([150_246, 406_698, 409_444, 464_770, 631_570])(
  'suite %i, perhaps with reboots, which was played wrongly once',
  async (at) => {
    expect((await cutEverywhere(at)).wrong).toEqual([]);
  },
);

describe('a planted mistake is found', () => {
  test.each(sampled(planted))('$what', { timeout: 120_000 }, async ({ makeRecorder, from = 1 }) => {
    for (let at = from; at < from + mostSuites; at++) {
      const { wrong } = await cutEverywhere(at, makeRecorder);
      if (wrong.length > 0) return;
    }
    expect.fail(`not within ${mostSuites} suites`);
  });
});
