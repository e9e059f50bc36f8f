/** `--shard`, and `pexen report`. */
import { describe, it } from 'vitest';
import { folder, pexen } from './command.ts';

const files = {
  'shop.task.mts': `import { task } from 'pexen';
    export const setup = task({ provides: ['users'], weight: 400 }, () => {});
    export const login = task({ requires: ['users'], weight: 900 }, () => {});
    export const search = task({ requires: ['users'], weight: 800 }, () => {});
    export const deploy = task({ rerunnable: false, weight: 300 }, () => {});
    export const smoke = task({ requires: [deploy], weight: 200 }, () => {});`,
};

describe.concurrent('--shard', () => {
  it('runs and lists one part of the suite; one without tasks is a success', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder(files, onTestFinished);
    const list = await pexen(dir, 'list', '--shard', '1/2');
    expect(list.stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      'Shard 1/2 owns 1 of 5 tasks. Expected durations of the shards: 1.4 s, 1.1 s.',
      '1  shop/setup  copy, owned by shard 2; pulled in by shop/login, which requires "users"',
      '2  shop/login  owned; requires "users"',
      '',
    ]);
    const run = await pexen(dir, 'run', '--shard', '1/2', '--pool', 'inline', '--reporter', 'lines');
    expect(run.stdout).toContain('Shard 1/2 owns 1 of 5 tasks, and runs 1 more that they need.');
    expect(run.stdout).toContain('2 tasks: 2 passed');
    const empty = await pexen(dir, 'run', '--shard', '8/8', '--reporter', 'lines');
    expect(empty.stdout).toContain('Shard 8/8 owns none of the 5 tasks: nothing to run.');
    expect(empty.exitCode).toBe(0);
  });

  it('is refused where machines would not agree', async ({ expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    for (const words of [['4/3'], ['0/3'], ['x'], ['1/2', '--shuffle'], ['1/2', '--weights', 'none']]) {
      const { exitCode, stderr } = await pexen(dir, 'run', '--shard', ...words);
      expect({ words, exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('error'),
      });
    }
    expect((await pexen(dir, 'list', '--weights', 'x')).exitCode).toBe(2);
  });
});
