/** `pexen bisect`: its runs are those of the command. Its search is tested in `packages/usecase-testsuite/test/bisect.test.ts`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { isWhole } from '#sample';
import { folder, pexen, start } from './command.ts';

const page = readFileSync(new URL('../../../docs/replay.md', import.meta.url), 'utf8');
const files = {
  'a.sh': '#!/bin/sh\nexit 0\n',
  'b.sh': '#!/bin/sh\nexit 1\n',
};

/** Without what differs from run to run. */
const timeless = (text: string): string =>
  text.replaceAll(/1 in [\d,]+/g, '1 in #').replaceAll(/bisect\/\w+\.json/g, 'bisect/#.json');

describe.concurrent('pexen bisect', () => {
  it('goes on after Ctrl-C, and says that a test fails by itself', async ({ expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    expect((await pexen(dir, 'run')).exitCode).toBe(1);
    const stopped = start(dir, 'bisect');
    await stopped.until(({ stdout }) => /^ +2 /m.test(stdout));
    stopped.kill('SIGINT');
    const { exitCode, stdout } = await stopped.ended;
    expect(exitCode).toBe(75);
    expect(stdout).toMatch(/Stopped after \d runs?\. The same command goes on from here\.\n$/);
    const rest = await pexen(dir, 'bisect', 'b.sh');
    expect(rest.exitCode).toBe(0);
    expect(rest.stdout).toMatch(/^The search goes on: [23] runs of it ended earlier\.$/m);
    expect(rest.stdout).toContain('NO PAIR  b.sh fails by itself, three times of three');
    expect(existsSync(join(dir, '.pexen/bisect/runs'))).toBe(false);
    expect((await pexen(dir, 'runs')).stdout.match(/failed/g), 'its runs are not in the list').toHaveLength(
      1,
    );
  });

  it('has nothing to do where nothing failed, and says why a run of it is impossible', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({ ...files, 'b.sh': '#!/bin/sh\nexit 0\n' }, onTestFinished);
    await pexen(dir, 'run');
    const none = await pexen(dir, 'bisect');
    expect(none).toMatchObject({ exitCode: 2, stdout: '' });
    expect(none.stderr).toMatch(/PEXEN_NOTHING_TO_BISECT.*no test has failed in a recorded run/);
  });

  // Seventeen runs of the command.
  it.skipIf(!isWhole)('finds the pair of the page, as on the page', async ({ expect, onTestFinished }) => {
    const [, tests = ''] = /```ts no-run\n([\s\S]*?)```/.exec(page) ?? [];
    const [, shown = ''] = /```console\n\$ pexen bisect\n([\s\S]*?)```/.exec(page) ?? [];
    const dir = await folder(
      {
        'pexen.config.mts': `import { defineSuite, modules } from 'pexen';
export default defineSuite({ from: { '': modules({ dir: '.', match: ['**/tests.ts'] }) }, workers: 2 });`,
        'shop/tests.ts': tests,
      },
      onTestFinished,
    );
    for (const seed of ['7', '1']) await pexen(dir, 'run', `--shuffle=${seed}`);
    const { stdout } = await pexen(dir, 'bisect');
    const found = /^FOUND[\s\S]*?\.json$/m;
    expect(timeless(found.exec(stdout)?.[0] ?? '')).toBe(timeless(found.exec(shown)?.[0] ?? ''));
  });
});
