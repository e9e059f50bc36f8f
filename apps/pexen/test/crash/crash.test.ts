/** The real command, killed at random instants and resumed. `pnpm crash` kills more. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { conditions } from '#command';
import { seed } from '#sample';
import { violationsOf } from './check.ts';
import { type CrashPlan, type CrashTask, Random } from './plan.ts';
import { plantedMistakes } from './planted.ts';
import { type Played, play, playUncut } from './play.ts';

const kills = 8;

function scratchFolder(): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'pexen-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

test(`${kills} kills of random suites lose nothing, and repeat nothing that may not be repeated`, async () => {
  const folder = scratchFolder();
  for (let [at, done] = [seed, 0]; done < kills; at++) {
    const uncut = await playUncut({ seed: at, folder, conditions });
    for (let killSeed = at; killSeed < at + 3 && done < kills; killSeed++) {
      const most = Math.min(1 + new Random(killSeed).below(8), kills - done);
      const played = await play({ seed: at, folder, kills: most, killSeed, conditions }, uncut);
      expect(violationsOf(played), `seed ${at}: ${played.printed.join('\n')}`).toEqual([]);
      done += played.kills;
    }
  }
}, 600_000);

const common: CrashTask = {
  ...{ name: '', kind: 'program', requires: [], after: [], uses: [], claims: [] },
  ...{ isRerunnable: true, retries: 0, failures: 0, breaks: false, isInGroup: false, ms: 50 },
};

/** A suite whose second task is killed while it runs. */
const once: CrashPlan = {
  seed: 0,
  tasks: [
    { ...common, name: 'build', kind: 'module' },
    { ...common, name: 'pay', requires: ['build'], isRerunnable: false, ms: 500 },
    { ...common, name: 'receipt', requires: ['build'], after: ['pay'] },
  ],
};

async function payIsKilled(plant?: string): Promise<Played> {
  const options = {
    seed: 1,
    folder: scratchFolder(),
    plan: once,
    conditions,
    ...(plant !== undefined && { plant }),
  };
  return play({ ...options, kills: 1, during: 'prog/pay.sh' }, await playUncut(options));
}

describe('a kill while a task runs that may not start twice', () => {
  test('makes it crash, without a second start', async () => {
    const played = await payIsKilled();
    expect(played.killsOfBodies).toBe(1);
    expect(violationsOf(played)).toEqual([]);
    expect(played.cases.get('prog pay.sh')).toContain('may have started in session 1');
    expect(played.ledger.filter(({ path }) => path === 'prog/pay.sh')).toHaveLength(1);
  });

  test.each(plantedMistakes)('shows that $what', async ({ what, shows }) => {
    expect(violationsOf(await payIsKilled(what)).join('\n')).toContain(shows);
  });
});
