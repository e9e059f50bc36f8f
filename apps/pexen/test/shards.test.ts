/** `--shard`, and `pexen report`. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, start } from './command.ts';

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

const inline = ['--pool', 'inline', '--reporter', 'lines', '-q'];

/** The test cases of a JUnit report without times, sorted. */
async function casesIn(file: string): Promise<string[]> {
  const cases = (await readFile(file, 'utf8')).match(/<testcase[\s\S]*?(?:\/>|<\/testcase>)/g) ?? [];
  return cases.map((text) => text.replaceAll(/ time="[^"]*"/g, '')).sort();
}

describe.concurrent('pexen report', () => {
  it('merges shards to the report of the whole run, from copies of their folders', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder(files, onTestFinished);
    await pexen(dir, 'run', ...inline, '--junit', 'whole.xml');
    for (const index of [1, 2, 3])
      await pexen(dir, 'run', ...inline, '--shard', `${index}/3`, '--state-dir', `machine-${index}`);
    for (const index of [1, 2, 3])
      await cp(join(dir, `machine-${index}/runs`), join(dir, 'all'), { recursive: true });
    const names = (await readdir(join(dir, 'all'))).map((name) => `all/${name}`);
    const { stdout, stderr, exitCode } = await pexen(dir, 'report', ...names, '--junit', 'merged.xml');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: 'JUnit report: merged.xml\n' });
    expect(stdout).toContain('3 runs: shards 1/3, 2/3, 3/3.');
    expect(stdout).toContain('5 tasks: 5 passed');
    expect(await casesIn(join(dir, 'merged.xml'))).toEqual(await casesIn(join(dir, 'whole.xml')));

    const part = await pexen(dir, 'report', ...names.slice(0, 2));
    expect(part.exitCode).toBe(1);
    expect(part.stderr).toMatch(/\d tasks? ha(?:s|ve) no result: shard 3\/3 is missing\./);
  });

  it('replaces the run of a shard by its rerun, and a new test belongs to one shard', async ({
    expect,
    onTestFinished,
  }) => {
    const broken = {
      'shop.task.mts': files['shop.task.mts'].replace(
        'weight: 800 }, () => {}',
        "weight: 800 }, () => { throw new Error('slow'); }",
      ),
    };
    const dir = await folder(broken, onTestFinished);
    const shards = [1, 2].map((index) => ['--shard', `${index}/2`, '--state-dir', `machine-${index}`]);
    const codes = [];
    for (const words of shards) codes.push((await pexen(dir, 'run', ...inline, ...words)).exitCode);
    expect(codes.sort()).toEqual([0, 1]);
    for (const index of [1, 2])
      await pexen(
        dir,
        'report',
        'latest',
        '--state-dir',
        `machine-${index}`,
        '--save',
        `first-${index}.json`,
      );
    expect((await pexen(dir, 'report', 'first-1.json', 'first-2.json')).exitCode).toBe(1);

    await writeFile(
      join(dir, 'shop.task.mts'),
      `${files['shop.task.mts']}\nexport const added = task({}, () => {});\n`,
    );
    for (const index of [1, 2]) {
      const again = await pexen(dir, 'run', ...inline, '--rerun', '--state-dir', `machine-${index}`);
      expect(again.exitCode, again.stdout + again.stderr).toBe(0);
      await pexen(
        dir,
        'report',
        'latest',
        '--state-dir',
        `machine-${index}`,
        '--save',
        `second-${index}.json`,
      );
    }
    const all = await pexen(
      dir,
      'report',
      'second-2.json',
      'first-1.json',
      'second-1.json',
      'first-2.json',
      '-v',
    );
    expect(all.stdout).toContain('6 tasks: 6 passed');
    expect(all.stdout.match(/shop\/added/g)).toHaveLength(1);
    expect(all.exitCode).toBe(0);
  });

  it('takes over what a resume of an interrupted shard adds', async ({ expect, onTestFinished }) => {
    const hanging = `import { setTimeout as sleep } from 'node:timers/promises';
      import { task } from 'pexen';
      export const quick = task({ weight: 10 }, () => {});
      export const slow = task({ after: [quick], weight: 1000 }, async ({ interruptions }) => {
        console.log('waits');
        if (interruptions === 0) await sleep(600_000);
      });
      export const other = task({ weight: 900 }, () => {});`;
    const dir = await folder({ 'shop.task.mts': hanging }, onTestFinished);
    const first = start(dir, 'run', '--shard', '2/2', '--reporter', 'lines', '--show-output', 'live');
    await first.sees('waits');
    first.kill('SIGKILL');
    await first.ended;
    const cut = await pexen(dir, 'report', 'latest');
    expect(cut.stdout).toContain('shop/slow  it has no result: its run was interrupted, or still goes on');
    expect(cut.exitCode).toBe(1);
    expect((await pexen(dir, 'resume', ...inline.slice(2))).exitCode).toBe(0);
    await pexen(dir, 'run', ...inline, '--shard', '1/2');
    const whole = await pexen(dir, 'report', '1', '2');
    expect(whole.stdout + whole.stderr).toContain('3 tasks: 3 passed');
    expect(whole.exitCode).toBe(0);
  });

  it('refuses runs of the same tests, unless they have labels', async ({ expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    await pexen(dir, 'run', ...inline, '--label', 'arm');
    await pexen(dir, 'run', ...inline, '--label', 'x86');
    await pexen(dir, 'run', ...inline, '--label', 'x86');
    const { stdout } = await pexen(dir, 'report', '1', '2', '-v');
    expect(stdout).toContain('arm/shop/login');
    expect(stdout).toContain('10 tasks: 10 passed');
    const same = await pexen(dir, 'report', '2', '3');
    expect(same.exitCode).toBe(2);
    expect(same.stderr).toContain('PEXEN_SAME_TASKS');
    await rm(join(dir, '.pexen'), { recursive: true });
    expect((await pexen(dir, 'report')).exitCode).toBe(2);
  });
});
