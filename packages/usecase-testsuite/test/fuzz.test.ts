/** Random runs, played for real and checked; each commit plays different ones. `pnpm fuzz` plays more. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isWhole, sampled, seed } from '#sample';
import { plantedMistakes } from './fuzz/planted.ts';

const program = fileURLToPath(new URL('./fuzz/run.ts', import.meta.url));
const plant = new URL('./fuzz/plant.ts', import.meta.url).href;

/** In a process of its own, since the whole process is searched for what a run leaves behind. */
function fuzz(args: readonly string[], env: NodeJS.ProcessEnv = {}, nodeArgs: readonly string[] = []) {
  return new Promise<{ readonly code: unknown; readonly text: string }>((resolve) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    const argv = ['--conditions=@pexen/source', ...nodeArgs, program, ...args];
    execFile(process.execPath, argv, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

describe('random runs break no rule', () => {
  test.each([
    ['inline', isWhole ? 400 : 60],
    ['threads', isWhole ? 40 : 4],
    ['processes', isWhole ? 15 : 2],
  ])('%s, %i runs', async (pool, runs) => {
    const { code, text } = await fuzz(['--seed', `${seed % 1_000_000}`, '--runs', `${runs}`, '--pool', pool]);
    expect(text).toMatch(/ 0 violations, 0 hangs/);
    expect(code).toBe(0);
  });
});

describe('a planted mistake is found:', () => {
  test.each(sampled(plantedMistakes))('$what', async ({ what, pool }) => {
    const args = ['--runs', '400', '--most', '1', '--pool', pool];
    const { code, text } = await fuzz(args, { PEXEN_PLANT: what }, ['--import', plant]);
    expect(text).toMatch(/ 1 violations/);
    expect(code).toBe(1);
  });
});
