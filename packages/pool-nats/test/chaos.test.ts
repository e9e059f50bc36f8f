/** A real run while agents, connections or the server fail; and the check of its marks. `test/chaos/run.ts` plays many. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { findServer } from '../src/node.ts';
import { chaos, chaosWithResumes, taskCount, violationsOf } from './chaos/chaos.ts';

/** Each takes some seconds: an ordinary run plays one for every fourth commit. */
const runs = isWhole ? 10 : seed % 4 === 0 ? 1 : 0;

test.skipIf(runs === 0)(
  'no attempt starts twice, and no lock is held twice, whatever fails',
  async ({ skip }) => {
    const program = await findServer().catch((error) => String(error).split('\n')[0]);
    if (typeof program !== 'object') skip(program);
    else
      for (let n = 0; n < runs; n++) {
        const { violations, actions, results } = await chaos(1_000 + (seed % 100_000) + n, program.file);
        expect(violations, actions.join(', ')).toEqual([]);
        expect(Object.values(results).reduce((sum, count) => sum + count, 0)).toBe(taskCount);
      }
  },
);

/** Each takes a quarter of a minute. */
const resumed = isWhole ? 5 : seed % 16 === 1 ? 1 : 0;

test.skipIf(resumed === 0)(
  'nor if the scheduler is killed and the run resumed; results are given once',
  { timeout: 120_000 * Math.max(1, resumed) },
  async ({ skip }) => {
    const program = await findServer().catch((error) => String(error).split('\n')[0]);
    if (typeof program !== 'object') skip(program);
    else
      for (let n = 0; n < resumed; n++) {
        const { violations, actions } = await chaosWithResumes(1_000 + (seed % 100_000) + n, program.file);
        expect(violations, actions.join(', ')).toEqual([]);
      }
  },
);

test('the check finds two starts, and two bodies that hold one lock', () => {
  const marks = [
    '10 start a#1@7 /x',
    '20 runs a#1@7 /x',
    '30 start b#1@8 /x',
    '40 runs a#1@7 /x',
    '50 runs b#1@8 /x',
    '60 start a#1@9 /y',
  ];
  expect(violationsOf(marks.join('\n'))).toEqual(['a#1@7 ran while b#1@8 held /x', 'a#1 started twice']);
  expect(violationsOf(marks.slice(0, 3).join('\n'))).toEqual([]);
  const twice = '10 start a#1@7 /x\n60 start a#1@9 /y';
  expect([violationsOf(twice).length, violationsOf(twice, /^once/).length]).toEqual([1, 0]);
});
