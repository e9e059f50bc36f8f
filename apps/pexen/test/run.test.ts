/** The command in real folders: its output, its reports, its reaction to signals. */
import { existsSync, readFileSync, watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, start } from './command.ts';

const sh = (body: string) => `#!/bin/sh\n${body}\n`;

describe.concurrent('pexen run', () => {
  it('runs executables and modules side by side and leaves a JUnit report', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'passes.sh': sh('echo fine'),
      'fails.sh': sh('echo "no route to host" >&2; exit 3'),
      'skips.sh': sh('echo "needs a printer"; exit 77'),
      'tests.ts': `import { task } from 'pexen';
        export const provider = task({ provides: ['db'] }, ({ shared }) => { shared.url = 'db://'; });
        export const asks = task({ requires: ['db'] }, ({ shared }) => { if (shared.url !== 'db://') throw new Error('no'); });`,
    };
    const dir = await folder(files, onTestFinished);
    const ended = await pexen(dir, 'run', '--junit', 'out/junit.xml');
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(1);
    expect(ended.stdout).toContain('5 tasks: 3 passed, 1 failed, 1 skipped');
    expect(ended.stdout).toContain('no route to host');
    const xml = await readFile(join(dir, 'out/junit.xml'), 'utf8');
    expect(xml).toContain('fails.sh');
    expect(xml.match(/<testcase /g)).toHaveLength(5);
  });

  it('takes a failed assertion for a failed test, and any other error for a broken one', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'tests.ts': `import assert from 'node:assert';
        import { task } from 'pexen';
        export const wrong = task({ claims: ['db'] }, () => assert.equal(1, 2));
        export const after = task({ claims: ['db'], after: [wrong] }, () => {});
        export const broken = task({ claims: ['disk'] }, () => { throw new Error('oops'); });
        export const next = task({ claims: ['disk'], after: [broken] }, () => {});
        export const crashing = task({ claims: ['net'] }, () => process.exit(3));
        export const poisoned = task({ claims: ['net'], after: [crashing] }, () => {});`,
    };
    const ended = await pexen(await folder(files, onTestFinished), 'run', '--reporter', 'lines');
    expect(ended.stdout).toMatch(/FAIL .*tests\/wrong/);
    expect(ended.stdout).toMatch(/PASS .*tests\/after/);
    expect(ended.stdout).toMatch(/FAIL .*tests\/broken {2}oops/);
    expect(ended.stdout).toMatch(/PASS .*tests\/next/);
    expect(ended.stdout).toMatch(/CRASH .*tests\/crashing/);
    expect(ended.stdout).toMatch(/SKIP .*tests\/poisoned.*net/);
    expect(ended.exitCode).toBe(1);
  });

  it.for(['processes', 'threads'])(
    'is not green where bodies in %s leave errors behind, and blames no other',
    async (pool, { expect, onTestFinished }) => {
      const files = {
        'pexen.config.ts': `import { defineSuite, modules, processes, threads } from 'pexen';
        export default defineSuite({ from: { '': modules({ dir: 'suite' }) }, workers: 1, pool: () => ${pool}({ workers: 1 }) });`,
        'suite/a.task.ts': `import assert from 'node:assert/strict';
        import { setTimeout as sleep } from 'node:timers/promises';
        import { task } from 'pexen';
        export const forgets = task({ priority: 1 }, () => { void assert.rejects(async () => {}); });
        export const late = task({ priority: 2 }, () => { setTimeout(() => { throw new Error('out of a timer'); }, 50); });
        export const innocent = task({ priority: 3, claims: ['db'] }, () => sleep(200));
        export const dies = task({ priority: 4 }, () => process.exit(0));
        export const last = task({ priority: 5 }, () => { setTimeout(() => { throw new Error('after the last'); }, 150); });`,
      };
      const dir = await folder(files, onTestFinished);
      const ended = await pexen(dir, 'run', '--reporter', 'lines', '--junit', 'out/junit.xml');
      expect(ended.stdout, ended.stderr).toMatch(/FAIL .*a\/forgets {2}Missing expected rejection/);
      expect(ended.stdout).toMatch(/(PASS|WARN) .*a\/late/);
      expect(ended.stdout).toMatch(/LATE .*a\/late {2}Error: out of a timer/);
      expect(ended.stdout).toMatch(/PASS .*a\/innocent/);
      expect(ended.stdout).toMatch(/LATE .*a\/last {2}Error: after the last/);
      expect(ended.stdout.match(/CRASH/g)).toHaveLength(2);
      expect(ended.stdout).not.toContain('RETRY');
      expect(ended.stdout).toContain('2 late errors');
      expect(ended.exitCode).toBe(1);
      expect(await readFile(join(dir, 'out/junit.xml'), 'utf8')).toContain('out of a timer');
      const only = await pexen(dir, 'run', 'a/late', 'a/innocent');
      expect(only.exitCode, only.stdout).toBe(1);
    },
  );

  it('ends a hanging program and its children when its time is up', async ({ expect, onTestFinished }) => {
    // Its time must suffice for the two lines before it hangs, on any machine.
    const files = {
      'hangs.sh':
        '#!/bin/sh\n# pexen: { timeout: 5s, grace: 200ms }\nsleep 300 &\necho $! > child-pid\nwait\n',
    };
    const dir = await folder(files, onTestFinished);
    const ended = await pexen(dir, 'run');
    expect(ended.stdout, ended.stderr).toMatch(/TIMEOUT .*hangs\.sh/);
    expect(ended.exitCode).toBe(1);
    const child = Number(await readFile(join(dir, 'child-pid'), 'utf8'));
    expect(isRunning(child)).toBe(false);
  });

  it('succeeds with expected failures, and warns of expectations that match nothing', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'tests/fails.sh': sh('exit 1'),
      'pexen.config.ts': `import { defineSuite, executables } from 'pexen';
        export default defineSuite({
          from: { sys: executables({ dir: 'tests' }) },
          expectedFailures: { 'sys/fails.sh': 'known since spring', 'sys/gone.sh': 'renamed' },
        });`,
    };
    const ended = await pexen(await folder(files, onTestFinished), 'run');
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toContain('known since spring');
    expect(ended.stderr).toContain('PEXEN_UNUSED_EXPECTATION');
  });

  it('selects by pattern and tag, with what is needed', async ({ expect, onTestFinished }) => {
    const files = {
      'tests.ts': `import { task } from 'pexen';
        export const server = task({ provides: ['server'] }, () => {});
        export const stop = task({ tearsDown: 'server' }, () => {});
        export const asks = task({ requires: ['server'], tags: ['quick'] }, () => {});
        export const other = task({}, () => {});`,
    };
    const dir = await folder(files, onTestFinished);
    const ended = await pexen(dir, 'run', '--tag', 'quick');
    expect(ended.stdout, ended.stderr).toContain('3 tasks: 3 passed');
    const listed = await pexen(dir, 'list', 'tests/asks');
    expect(listed.stdout.split('\n').map((line) => line.trim())).toEqual([
      '1  tests/server  pulled in by tests/asks, which requires "server"',
      '2  tests/asks  requires "server"',
      '3  tests/stop  tears down "server" of tests/server',
      '',
    ]);
    const { stdout } = await pexen(dir, 'list', '--json');
    const list = JSON.parse(stdout);
    expect(list).toMatchObject({ version: 1, root: dir });
    expect(list.tasks).toHaveLength(4);
  });

  it('lists why each task is selected, and why it may not run', async ({ expect, onTestFinished }) => {
    const text = `import { task } from 'pexen';
      export const server = task({ provides: ['server'] }, () => {});
      export const stop = task({ tearsDown: 'server' }, () => {});
      export const asks = task({ requires: ['server'] }, () => {});
      export const rescue = task({ salvages: [asks, 'server'] }, () => {});
      export const moon = task({ when: ({ platform }) => 'no moon on ' + platform.slice(0, 0) + 'earth' }, () => {});
      export const never = task({ when: false }, () => {});`;
    const dir = await folder({ 'tests.ts': text }, onTestFinished);
    const { stdout } = await pexen(dir, 'list');
    expect(stdout.split('\n').map((line) => line.trim())).toEqual([
      '1  tests/server',
      '2  tests/asks  requires "server"',
      '3  tests/stop  tears down "server"',
      '-  tests/rescue  only if task "tests/asks" or "server" ends badly',
      '-  tests/moon  does not apply here: no moon on earth',
      '-  tests/never  does not apply here',
      '',
    ]);
    const { tasks } = JSON.parse((await pexen(dir, 'list', '--json')).stdout);
    expect(tasks[2]).toMatchObject({ path: 'tests/stop', tearsDown: ['server'], nameKind: 'export' });
    expect(tasks[2].location).toEqual({ file: 'tests.ts', line: 3, column: 27 });
    expect(tasks[3]).toMatchObject({ path: 'tests/rescue', salvages: ['task:tests/asks', 'server'] });
    expect(tasks[4]).toMatchObject({ path: 'tests/moon', reason: 'no moon on earth' });
  });

  it('refuses names in orders that no task provides, whatever is selected', async ({
    expect,
    onTestFinished,
  }) => {
    const text = `import { task } from 'pexen';
      export const build = task({ provides: ['build'] }, () => {});
      export const lint = task({ after: ['build'] }, () => {});
      export const ship = task({ before: ['lint'] }, () => {});`;
    const dir = await folder({ 'tests.ts': text }, onTestFinished);
    const lint = await pexen(dir, 'list', 'tests/lint');
    expect(lint).toMatchObject({ stderr: '', exitCode: 0 });
    const ship = await pexen(dir, 'list', 'tests/ship');
    expect(ship.stderr).toMatch(/warning PEXEN_UNKNOWN_CAPABILITY tests\/ship: .*"lint"/);
    expect(ship.stderr).toContain('The task "tests/lint" has that name');
    await writeFile(join(dir, 'tests.ts'), text.replace("after: ['build']", "after: ['biuld']"));
    const typo = await pexen(dir, 'list', 'tests/ship');
    expect(typo.exitCode).toBe(2);
    expect(typo.stderr).toMatch(/PEXEN_UNKNOWN_CAPABILITY[\s\S]*"biuld"[\s\S]*Did you mean "build"/);
  });

  it('reports that it could not run when no worker starts', async ({ expect, onTestFinished }) => {
    const files = {
      'pexen.config.ts': `import { defineSuite, processes, tree } from 'pexen';
        const pool = (request) => processes({ ...request, execArgv: ['--no-such-flag'] });
        export default defineSuite({ from: { '': tree({ dir: '.' }) }, pool, workers: 1 });`,
      'tests.ts': `import { task } from 'pexen';\nexport const one = task({}, () => {});`,
    };
    const dir = await folder(files, onTestFinished);
    const unable = await pexen(dir, 'run', 'tests');
    expect(unable.stderr).toContain('PEXEN_WORKER_START');
    expect(unable.exitCode).toBe(3);
  });

  it('reports a failure when a report cannot be written', async ({ expect, onTestFinished }) => {
    const dir = await folder({ 'passes.sh': sh('true') }, onTestFinished);
    const ended = await pexen(dir, 'run', '--junit', '/dev/null/report.xml');
    expect(ended.stderr).toContain('PEXEN_REPORTER_FAILED');
    expect(ended.exitCode).toBe(3);
  });
});

describe.concurrent('signals', () => {
  const files = {
    'tests.ts': `import { existsSync, watch, writeFileSync } from 'node:fs';
      import { task } from 'pexen';
      export const first = task({ priority: -1, grace: 100 }, () => new Promise((resolve) => {
        const watcher = watch('.', () => {
          if (!existsSync('let-go')) return;
          watcher.close();
          resolve(1);
        });
        writeFileSync('first-runs', '');
      }));
      export const second = task({}, () => writeFileSync('second-ran', ''));`,
  };

  it('the first interrupt waits for what runs and starts nothing more', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder(files, onTestFinished);
    const running = start(dir, 'run', '-j', '1', '--reporter', 'lines');
    await appears(dir, 'first-runs');
    running.kill('SIGINT');
    await running.sees('waiting for 1 running; press again');
    await writeFile(join(dir, 'let-go'), '');
    const ended = await running.ended;
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(75);
    expect(ended.stdout).toMatch(/PASS .*tests\/first/);
    expect(existsSync(join(dir, 'second-ran'))).toBe(false);
  });

  it('the second one cancels what runs', async ({ expect, onTestFinished }) => {
    const dir = await folder(files, onTestFinished);
    const running = start(dir, 'run', '-j', '1', '--reporter', 'lines');
    await appears(dir, 'first-runs');
    running.kill('SIGINT');
    await running.sees('press again');
    running.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.exitCode, ended.stdout + ended.stderr).toBe(75);
    expect(ended.stdout).toMatch(/tests\/first/);
    expect(ended.stdout).not.toMatch(/PASS .*tests\/first/);
  });
});

describe.runIf(process.platform === 'linux').concurrent('the stop key', () => {
  it('also stops running programs, until it resumes', async ({ expect, onTestFinished }) => {
    const files = {
      'a.sh':
        '#!/bin/sh\necho $$ > pid-of-program\nmv pid-of-program runs-program\nwhile [ ! -e let-go ]; do sleep 0.02; done\n',
      'tests.ts': `import { existsSync, renameSync, writeFileSync } from 'node:fs';
        import { setTimeout as sleep } from 'node:timers/promises';
        import { task } from 'pexen';
        export const body = task({}, async () => {
          writeFileSync('pid-of-body', String(process.pid));
          renameSync('pid-of-body', 'runs-body');
          while (!existsSync('let-go')) await sleep(20);
        });`,
    };
    const dir = await folder(files, onTestFinished);
    const running = start(dir, 'run', '-j', '2', '--reporter', 'lines');
    const names = ['runs-program', 'runs-body'];
    await Promise.all(names.map((name) => appears(dir, name)));
    const pids = names.map((name) => Number(readFileSync(join(dir, name), 'utf8')));
    const states = () => [running.pid ?? 0, ...pids].map(stateOf);
    const press = async () => {
      running.kill('SIGTSTP');
      await expect.poll(() => states()[0], { interval: 5 }).toBe('T');
    };
    await press();
    // A shell whose child is stopped just before it becomes "sleep" waits for it in the kernel, and is D; and a program that has
    // only just started may not be known yet. The key is then pressed again.
    while (states().some((state) => state !== 'T')) {
      running.kill('SIGCONT');
      await expect.poll(() => states()[0], { interval: 5 }).not.toBe('T');
      await press();
    }
    await writeFile(join(dir, 'let-go'), '');
    running.kill('SIGCONT');
    const ended = await running.ended;
    expect(ended.stdout, ended.stderr).toContain('2 tasks: 2 passed');
    expect(ended.exitCode).toBe(0);
  });
});

describe.concurrent('the quit key', () => {
  it('kills immediately, and reports are written nevertheless', async ({ expect, onTestFinished }) => {
    const files = { 'a.sh': '#!/bin/sh\ntrap "" TERM\ntouch runs\nwhile :; do sleep 100; done\n' };
    const dir = await folder(files, onTestFinished);
    const running = start(dir, 'run', '--reporter', 'lines', '--junit', 'out.xml');
    await appears(dir, 'runs');
    running.kill('SIGQUIT');
    const ended = await running.ended;
    expect(ended.exitCode, ended.stderr).toBe(75);
    expect(ended.stdout).toContain('Killing everything.');
    expect(existsSync(join(dir, 'out.xml'))).toBe(true);
  });
});

/** Resolves as soon as the file is there. */
function appears(dir: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dir, look);
    function look(): void {
      if (!existsSync(join(dir, name))) return;
      watcher.close();
      resolve();
    }
    look();
  });
}

/** Zombies do not run. */
function isRunning(pid: number): boolean {
  return !['Z', 'X', undefined].includes(stateOf(pid));
}

/** As the system calls it: `T` is stopped. */
function stateOf(pid: number): string | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
