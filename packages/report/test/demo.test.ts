/** The demo runs, in a process of its own, into a pipe. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('the simulated run, at two hundred times its speed', async () => {
  const demo = fileURLToPath(new URL('../examples/live-demo.ts', import.meta.url));
  const args = ['--conditions=@pexen/source', demo, '200'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^ {2}RUNNING 118 tasks\n/);
  expect(stdout).toMatch(/SUMMARY .* 118 tasks: 108 passed, 1 flaky/);
});
