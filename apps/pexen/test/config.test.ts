/** Options in the configuration, in its profiles, in variables and on the command line, as the command obeys them. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, pexenWith } from './command.ts';

const failing = '#!/bin/sh\nexit 1\n';

const suite = (entries: string) => `import { defineSuite, executables } from 'pexen';
export default defineSuite({ from: { '': executables({ dir: 't' }) }, ${entries} });`;

/** How often the tests were retried. */
function retriesIn(stdout: string): number {
  return stdout.match(/RETRY/g)?.length ?? 0;
}

describe.concurrent('options', () => {
  it('are obeyed by their layers: command, environment, override, profile, configuration', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      't/a.sh': failing,
      't/b.sh': failing.replace('\n', '\n# pexen: { retries: 0 }\n'),
      'pexen.config.mjs': suite(`
        retries: 1, reporters: ['lines'],
        profiles: { two: { retries: 2 }, three: { retries: 3, overrides: [{ match: 'a.sh', set: { retries: 4 } }] } },
      `),
    };
    const dir = await folder(files, onTestFinished);
    const retries = async (env: Record<string, string>, ...words: string[]): Promise<number> =>
      retriesIn((await pexenWith(env, dir, 'run', ...words)).stdout);
    expect(await retries({})).toBe(1);
    expect(await retries({}, '--profile', 'two')).toBe(2);
    expect(await retries({ PEXEN_PROFILE: 'three,two' })).toBe(4);
    // What wins over the tests themselves: both are retried.
    expect(await retries({ PEXEN_RETRIES: '5' })).toBe(10);
    expect(await retries({ PEXEN_RETRIES: '5' }, '--retries', '1')).toBe(2);
    expect(await retries({ PEXEN_PROFILE: 'two' }, '--set', 'retries=0')).toBe(0);
    const wrong = await pexenWith({ PEXEN_BAIL: 'x' }, dir, 'list', '--profile', 'thre');
    expect(wrong.stderr).toContain('PEXEN_BAIL: "x" is not a whole number, 1 or more');
    expect(wrong.stderr).toMatch(/there is no profile "thre"\n +Did you mean "three"\?/);
    expect(wrong.exitCode).toBe(2);
  });

  it('of a profile are those of a resumed run as well', async ({ expect, onTestFinished }) => {
    const files = {
      't/a.sh': '#!/bin/sh\n# pexen: { priority: -1 }\nkill -INT $(cat parent)\n',
      't/b.sh': failing,
      'pexen.config.mjs': `import { writeFileSync } from 'node:fs';
writeFileSync('t/parent', String(process.pid));
${suite(`workers: 1, spare: 0, reporters: ['lines'], profiles: { two: { retries: 2 }, other: {} }`)}`,
    };
    const dir = await folder(files, onTestFinished);
    const first = await pexen(dir, 'run', '--profile', 'two');
    expect(first.exitCode, first.stdout + first.stderr).toBe(75);
    const resumed = await pexen(dir, 'resume');
    // The first attempt may have been one of the first session.
    expect(resumed.stdout, resumed.stderr).toContain('attempt 2 failed: exit code 1; retrying');
  });

  it('that are paths start at the current folder on the command line and in variables', async ({
    expect,
    onTestFinished,
  }) => {
    const files = { 't/a.sh': '#!/bin/sh\n', 'pexen.config.mjs': suite(`stateDir: 'of-config'`) };
    const dir = await folder(files, onTestFinished);
    const deep = join(dir, 'deep');
    await mkdir(deep);
    await pexen(deep, 'run', '--state-dir', 'of-command');
    await pexenWith({ PEXEN_STATE_DIR: 'of-variable' }, deep, 'run');
    await pexen(deep, 'run');
    expect(existsSync(join(deep, 'of-command/runs'))).toBe(true);
    expect(existsSync(join(deep, 'of-variable/runs'))).toBe(true);
    expect(existsSync(join(dir, 'of-config/runs'))).toBe(true);
  });

  it('about the order, the rounds and the output work from a profile', async ({ expect, onTestFinished }) => {
    const files = {
      't/a.sh': '#!/bin/sh\n',
      'pexen.config.mjs': suite(`
        reporters: ['lines'],
        profiles: { hunt: { shuffle: true, repeat: 2, label: 'hunted', verbosity: 'quiet' }, loud: { verbosity: 'verbose' } },
      `),
    };
    const dir = await folder(files, onTestFinished);
    const { stdout, stderr } = await pexen(dir, 'run', '--profile', 'hunt');
    expect(stdout.match(/--shuffle=\S+ repeats it/g)).toHaveLength(2);
    expect(stdout).not.toMatch(/PASS/);
    expect(stderr).toContain('2 rounds, all passed.');
    const shard = await pexen(dir, 'run', '--profile', 'hunt', '--shard', '1/1');
    expect(shard.stderr).toContain('--set shuffle=false');
    expect(shard.exitCode).toBe(2);
    const normal = await pexen(dir, 'run', '--profile', 'hunt,loud', '--set', 'repeat=1');
    expect(normal.stdout).toMatch(/PASS/);
  });
});
