/** Decisions against an oracle that was written in another way, and mistakes in the table that this comparison has to find. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide, decideBy } from '../../src/resume/decide.ts';
import { firstDifference } from './compare.ts';
import { plantedMistakes } from './planted-mistakes.ts';
import { worldOf } from './world.ts';

test('decisions are those of the oracle', () => {
  expect(firstDifference(decide, seed, isWhole ? 100_000 : 3_000)).toBeUndefined();
});

test.each(plantedMistakes)('the oracle finds that $name', ({ table }) => {
  const difference = firstDifference((...world) => decideBy(table, ...world), 1, 20_000);
  expect(difference).toBeDefined();
});

test('the order of the suite changes no decision', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite, mode } = worldOf(world);
    // Siblings of one name are identified by their order.
    const tasks = suite.tasks.map((task) => ({ ...task, recallable: true }));
    const decisions = decide(records, { ...suite, tasks }, mode);
    const reversed = decide(records, { ...suite, tasks: tasks.toReversed() }, mode);
    const sorted = (list: typeof decisions) => list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    expect(sorted(reversed).map(({ reason: _reason, ...rest }) => rest)).toEqual(
      sorted(decisions).map(({ reason: _reason, ...rest }) => rest),
    );
  }
});

test('a dry run decides as the resume does', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite } = worldOf(world);
    expect(decide(records, suite, { kind: 'dry-run' })).toEqual(decide(records, suite, { kind: 'resume' }));
  }
});
