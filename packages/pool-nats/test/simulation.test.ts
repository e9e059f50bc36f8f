/** Simulated runs over a bad network, checked against what really happened; and mistakes that the simulation must find. */
import { afterAll, expect, test } from 'vitest';
import { isWhole, sampled, seed as sampleSeed } from '#sample';
import { clear, hunt, isGone, plantedBugs } from './sim/planted.ts';
import { play, World } from './sim/world.ts';

afterAll(clear);

const most = isWhole ? 20_000 : 1_000;

test('on many seeds no attempt starts twice, none has two results, and no lock is held twice', () => {
  const first = (sampleSeed % 1_000) * 100_000;
  const broken: string[] = [];
  for (let seed = first; seed < first + most && broken.length < 5; seed++)
    for (const violation of play(seed)) broken.push(`seed ${seed}: ${violation}`);
  expect(broken).toEqual([]);
});

test('the seeds play what they are for: attempts start, are lost, are returned, and start again', () => {
  let started = 0;
  let again = 0;
  for (let seed = 1; seed <= 50; seed++) {
    const world = new World(seed);
    started += world.play().startedCount;
    again += world.attemptsAgain;
  }
  expect(started).toBeGreaterThan(500);
  expect(again).toBeGreaterThan(20);
});

test('every line in which a mistake is planted is there', () => {
  expect(plantedBugs.filter(isGone).map(({ what }) => what)).toEqual([]);
});

test.each(sampled(plantedBugs).map((bug) => [bug.what, bug] as const))('finds: %s', async (_what, bug) => {
  expect(await hunt(bug, 10_000)).toBeDefined();
});
