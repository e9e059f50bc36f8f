/** Decisions against an oracle that was written in another way, and mistakes in the table that this comparison has to find. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide, decideBy } from '../../src/resume/decide.ts';
import { firstDifference } from './compare.ts';
import { plantedMistakes } from './planted-mistakes.ts';
import { worldOf } from './world.ts';

/** In all 100,000 worlds, or 3,000. */
const parts = Array.from({ length: isWhole ? 10 : 1 }, (_, part) => part + 1);

test.each(parts)('decisions are those of the oracle, part %i', (part) => {
  const count = isWhole ? 10_000 : 3_000;
  expect(firstDifference(decide, seed + part * count, count)).toBeUndefined();
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
