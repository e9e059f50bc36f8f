/** The tests for mutants load without vitest. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from './sources.ts';

test('the tests for mutants load, without the slow ones', async () => {
  const program = `
    import { load } from ${JSON.stringify(join(ROOT, 'tools/mutate/load.ts'))};
    const tests = await load(${JSON.stringify(ROOT)});
    console.log(JSON.stringify(tests.map(({ name }) => name)));`;
  const args = ['--conditions=@pexen/source', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const names = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as readonly string[];
  expect(names.length).toBeGreaterThan(200);
  expect(names).toContain('seeds from 1 on');
  expect(names.filter((name) => /^(many seeds|small cases)/.test(name))).toEqual([]);
});
