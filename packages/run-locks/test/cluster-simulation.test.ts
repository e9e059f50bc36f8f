/** Simulated runs on several machines that die, stop and lose each other, their server and its data; and mistakes that the simulation must find. */
import { afterAll, expect, test } from 'vitest';
import { isWhole, sampled, seed as sampleSeed } from '#sample';
import { simulateCluster } from './sim/cluster.ts';
import { clear, huntInCluster, isGone, plantedInCluster } from './sim/planted.ts';

afterAll(clear);

const most = isWhole ? 5_000 : 100;

test('on many seeds nothing is held twice, and every task gets its turn', { timeout: 600_000 }, async () => {
  const first = (sampleSeed % 1_000) * 10_000;
  const broken: string[] = [];
  const total = { losses: 0, crashes: 0, wipes: 0 };
  for (let seed = first; seed < first + most && broken.length < 5; seed++) {
    const { violation, losses, crashes, wipes } = await simulateCluster(seed);
    total.losses += losses;
    total.crashes += crashes;
    total.wipes += wipes;
    if (violation !== undefined) broken.push(`seed ${seed}: ${violation}`);
  }
  expect(broken).toEqual([]);
  for (const count of Object.values(total)) expect(count).toBeGreaterThan(0);
});

test('the same seed gives the same run', async () => {
  const played = async () => {
    const lines: string[] = [];
    await simulateCluster(7, (line) => lines.push(line));
    return lines;
  };
  expect(await played()).toEqual(await played());
});

test('every line in which a mistake is planted is there', () => {
  expect(plantedInCluster.filter(isGone).map(({ what }) => what)).toEqual([]);
});

test.each(sampled(plantedInCluster).map((bug) => [bug.what, bug] as const))(
  'finds: %s',
  async (_what, bug) => {
    expect(await huntInCluster(bug, 3_000)).toBeDefined();
  },
);
