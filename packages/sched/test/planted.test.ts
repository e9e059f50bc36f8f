/** Tests the tests: the simulator must find every planted bug. docs/proof.md summarizes them. */

import { afterAll, expect, test } from 'vitest';
import { sampled } from '#sample';
import { acrossRunsBugs } from './sim/planted/across-runs-bugs.ts';
import { allBugs } from './sim/planted/all-bugs.ts';
import { graphBugs } from './sim/planted/graph-bugs.ts';
import { lockBugs } from './sim/planted/lock-bugs.ts';
import { beyondTheSimulator, machineBugs } from './sim/planted/machine-bugs.ts';
import { nodeBugs } from './sim/planted/node-bugs.ts';
import { nodeLockBugs } from './sim/planted/node-lock-bugs.ts';
import { nodeRankBugs } from './sim/planted/node-rank-bugs.ts';
import { clear, hunt, isGone, readFoundAt } from './sim/planted/plant.ts';
import { serviceBugs } from './sim/planted/service-bugs.ts';
import { setupBugs } from './sim/planted/setup-bugs.ts';

const mostSeeds = 10_000;
const foundAt = readFoundAt();
const seedsNeeded: string[] = [];

afterAll(() => {
  clear();
  console.info(seedsNeeded.join('\n'));
});

test('there are at least 40 planted bugs', () => {
  expect(allBugs.length).toBeGreaterThanOrEqual(40);
  expect(new Set(allBugs.map(({ what }) => what)).size).toBe(allBugs.length);
});

test('every line in which a bug is planted is there', () => {
  const planted = [...allBugs, ...beyondTheSimulator];
  expect(planted.filter(isGone).map(({ file, what }) => `${file} has changed: ${what}`)).toEqual([]);
});

const bugs = [
  lockBugs,
  graphBugs,
  machineBugs,
  serviceBugs,
  nodeBugs,
  setupBugs,
  nodeLockBugs,
  nodeRankBugs,
  acrossRunsBugs,
].flatMap(sampled);
/** Two at a time: each hunt is a process of its own. */
const pairs = Array.from({ length: Math.ceil(bugs.length / 2) }, (_, at) => bugs.slice(at * 2, at * 2 + 2));

test.each(pairs.map((pair) => [pair.map(({ what }) => what).join(' · '), pair] as const))(
  '%s',
  { timeout: 150_000 },
  async (_what, pair) => {
    const hunts = await Promise.all(
      pair.map((bug) => hunt(bug, `${allBugs.indexOf(bug)}`, mostSeeds, foundAt)),
    );
    for (const { bug, seeds } of hunts) seedsNeeded.push(`${seeds ?? 'not found'}: ${bug.what}`);
    expect(
      hunts.filter(({ seeds }) => seeds === undefined).map(({ bug, reported }) => `${bug.what}: ${reported}`),
    ).toEqual([]);
  },
);
