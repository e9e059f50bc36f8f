/** What `pexen lint` says a lock costs is what dividing it brings: both suites are run. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isWhole } from '#sample';
import { folder, pexen, pexenWith } from './command.ts';

const suite = {
  'pexen.config.mts': `import { defineSuite, modules } from 'pexen';
export default defineSuite({ from: { '': modules({ dir: 'tests' }) }, workers: 4, pool: 'inline' });`,
  'tests/shop.task.mts': `import { setTimeout as sleep } from 'node:timers/promises';
import { task } from 'pexen';
const parts = process.env.DIVIDED === '1' ? (n: number) => ['/db/' + n] : () => ['/db'];
export const schema = task({ provides: ['schema'] }, () => sleep(300));
const testOf = (n: number) => task({ name: 'db-' + n, requires: ['schema'], claims: parts(n) }, () => sleep(700));
export const [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10, d11] = Array.from({ length: 12 }, (_, n) => testOf(n));
const otherOf = (n: number) => task({ name: 'other-' + n, claims: ['/net'] }, () => sleep(400));
export const [o0, o1, o2, o3, o4] = Array.from({ length: 5 }, (_, n) => otherOf(n));`,
};

it.runIf(isWhole)(
  'names the lock that costs, and what the run takes without it, within a tenth',
  async () => {
    const dir = await folder(suite, (act) => onTestFinished(act));
    const runMs = async (divided: string, state: string): Promise<number> => {
      const times: number[] = [];
      for (let round = 0; round < 3; round++) {
        const { exitCode } = await pexenWith({ DIVIDED: divided }, dir, 'run', '--state-dir', state);
        expect(exitCode).toBe(0);
      }
      const { stdout } = await pexen(dir, 'history', '--json', '--state-dir', state);
      for (const { durationMs } of JSON.parse(stdout).runs) times.push(durationMs);
      return times.sort((one, other) => one - other)[1] as number;
    };
    const asItIsMs = await runMs('0', '.pexen');
    const dividedMs = await runMs('1', join(dir, 'divided'));
    const { findings } = JSON.parse((await pexen(dir, 'lint', '--json')).stdout);
    const locks = findings.filter(({ rule }: { rule: string }) => rule === 'costly-lock');
    expect(locks).toMatchObject([{ subject: '/db' }]);
    const [{ gainMs }] = locks;
    const measuredMs = asItIsMs - dividedMs;
    expect(gainMs / measuredMs, `said ${gainMs} ms, measured ${measuredMs} ms`).toBeGreaterThan(0.9);
    expect(gainMs / measuredMs, `said ${gainMs} ms, measured ${measuredMs} ms`).toBeLessThan(1.1);
  },
);
