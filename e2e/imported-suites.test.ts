/** Suites of Kyua and Automake, and the checks around tests, as a user installs them: one suite, with the packed packages. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { published } from '../tidy/sources.ts';
import { Project } from './project.ts';

const hasAutomake = spawnSync('autoreconf', ['--version']).status === 0;
let project: Project;

beforeAll(async () => {
  project = await Project.of('imported-suites');
  await project.install(...published().map(({ manifest }) => manifest.name));
  if (!hasAutomake) return;
  const configured = await project.run('sh', '-c', 'cd automake && autoreconf -i && ./configure --quiet');
  expect(configured.code, configured.stderr).toBe(0);
});

afterAll(() => project?.[Symbol.asyncDispose]());

/** How each test of a suite ended. */
async function ends(suite: string): Promise<{ readonly [test: string]: string }> {
  const { stdout, stderr } = await project.run('npx', 'pexen', 'run', `${suite}/**`, '--failures', 'short');
  expect(stderr).toBe('');
  const lines = stdout.matchAll(/^ +(PASS|FAIL|ERROR|SKIP|WARN) .*?\] (\S+)(?: {2}(.*))?$/gm);
  return Object.fromEntries([...lines].map(([, end, name, why]) => [name, why ? `${end}: ${why}` : end]));
}

test('a Kyua tree, without Kyua', async () => {
  expect(await ends('kyua')).toEqual({
    'kyua/opens': 'PASS',
    'kyua/closes': 'FAIL: Returned non-success exit status 3',
    'kyua/counts': 'FAIL: 1 of 2 tests failed',
    'kyua/pays': "SKIP: Required program 'no-such-program' not found in PATH",
  });
});

test.skipIf(!hasAutomake)('an Automake package (needs automake and make)', async () => {
  expect(await ends('automake')).toEqual({
    'automake/make': 'PASS',
    'automake/pass.sh': 'PASS',
    'automake/fail.sh': 'FAIL: FAIL (exit status: 1)',
    'automake/skip.sh': 'SKIP: exit status 77',
    'automake/broken.sh': 'ERROR: ERROR (exit status: 99)',
    'automake/known.sh': 'PASS',
  });
});

test.skipIf(process.platform !== 'linux')(
  'the check of processes blames who left one (needs /proc)',
  async () => {
    expect(await ends('own')).toEqual({
      'own/clean.sh': 'PASS',
      'own/leaves.sh': 'FAIL: 1 of 2 findings failed',
    });
  },
);
