/** The options of `pexen run` that change a run: each wins over the configuration and over what tests state. */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { basename, dirname, join, relative } from 'node:path';
import { describe, it } from 'vitest';
import { folder, pexen, start } from './command.ts';

const sh = (body: string) => `#!/bin/sh\n${body}\n`;

describe.concurrent('pexen run', () => {
  it('--bail starts nothing more after so many failures, and the run failed', async ({
    expect,
    onTestFinished,
  }) => {
    const files = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [`${name}.sh`, sh('exit 1')]),
    );
    const dir = await folder(files, onTestFinished);
    const one = await pexen(dir, 'run', '-j1', '--reporter', 'lines', '--bail');
    // What the worker has already been sent still runs: one, and one ahead.
    expect(one.stdout).toMatch(/6 tasks: [123] failed, [345] skipped/);
    expect(one.exitCode).toBe(1);
    const two = await pexen(dir, 'run', '-j1', '--reporter', 'lines', '--bail=2');
    expect(two.stdout).toMatch(/6 tasks: [234] failed, [234] skipped/);
    expect(two.stdout).toContain('stopped after 2 failures');
  });

  it('--keep keeps the private working directories of failed programs, and of no others', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'good.sh': sh('mkdir output; ls'),
      'bad.sh': sh('mkdir output; echo text > output/x; exit 1'),
      'pexen.config.ts': `import { defineSuite, executables, processes, threads } from 'pexen';
        const from = { '': executables({ dir: '.', include: ['*.sh'], cwd: 'private' }) };
        export default defineSuite({ from, pool: (request) => processes(request), pools: { threads } });`,
    };
    const dir = await folder(files, onTestFinished);
    const { stdout, exitCode } = await pexen(
      dir,
      'run',
      '--reporter',
      'lines',
      '--failures',
      'short',
      '--keep',
    );
    expect(exitCode).toBe(1);
    const kept = /working directory: (.*)/.exec(stdout)?.[1] ?? '';
    onTestFinished(() => rm(dirname(kept), { recursive: true }));
    expect(await readFile(join(kept, 'output/x'), 'utf8')).toBe('text\n');
    expect(await readdir(dirname(kept))).toEqual([basename(kept)]);
    expect(existsSync(join(dir, 'output'))).toBe(false);
    const without = await pexen(dir, 'run', '--reporter', 'lines');
    expect(without.stdout).not.toContain('working directory');
  });

  it('--retries, --timeout and --grace win over what a test states', async ({ expect, onTestFinished }) => {
    const files = {
      'tests.ts': `import { task } from 'pexen';
        export const failing = task({ retries: 7 }, () => { throw new Error('no'); });
        export const stuck = task({ timeout: 60_000, grace: 60_000 }, () => new Promise(() => setInterval(() => {}, 1000)));`,
    };
    const dir = await folder(files, onTestFinished);
    const words = ['--retries', '1', '--timeout', '300ms', '--grace', '100ms'];
    const { stdout, exitCode } = await pexen(dir, 'run', '--reporter', 'lines', ...words);
    expect(stdout.match(/RETRY .*failing/g)).toHaveLength(1);
    expect(stdout).toMatch(/TIMEOUT .*stuck {2}timed out after 300 ms/);
    expect(exitCode).toBe(1);
  });

  it('--fail-on-flaky fails a run whose test passed only at its second attempt', async ({
    expect,
    onTestFinished,
  }) => {
    const files = { 'flaky.sh': sh('[ "$PEXEN_ATTEMPT_NUMBER" = 2 ]') };
    const dir = await folder(files, onTestFinished);
    expect((await pexen(dir, 'run', '--retries', '1')).exitCode).toBe(0);
    const failed = await pexen(dir, 'run', '--retries', '1', '--fail-on-flaky');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('The run failed, since 1 test was flaky');
  });

  it('--shuffle prints its seed, which repeats the order', async ({ expect, onTestFinished }) => {
    const names = Array.from({ length: 12 }, (_, at) => `t${at}.sh`);
    const dir = await folder(Object.fromEntries(names.map((name) => [name, sh('exit 0')])), onTestFinished);
    const orderOf = (stdout: string) => [...stdout.matchAll(/PASS .* (t\d+\.sh)/g)].map(([, name]) => name);
    const first = await pexen(dir, 'run', '-j1', '--reporter', 'lines', '--shuffle');
    const [, seed = ''] = /--shuffle=(\d+) repeats it/.exec(first.stdout) ?? [];
    expect(orderOf(first.stdout)).toHaveLength(12);
    const again = await pexen(dir, 'run', '-j1', '--reporter', 'lines', `--shuffle=${seed}`);
    expect(orderOf(again.stdout)).toEqual(orderOf(first.stdout));
    const other = await pexen(dir, 'run', '-j1', '--reporter', 'lines', '--shuffle=another');
    expect(orderOf(other.stdout)).not.toEqual(orderOf(first.stdout));
    const rounds = await pexen(dir, 'run', '-j1', '--reporter', 'lines', `--shuffle=${seed}`, '--repeat=2');
    const both = orderOf(rounds.stdout);
    expect(both.slice(0, 12)).toEqual(orderOf(first.stdout));
    expect(both.slice(12)).not.toEqual(both.slice(0, 12));
    expect(rounds.stdout).toContain(`--shuffle=${seed}.2 repeats it`);
  });

  it('--repeat runs all rounds, and --until-fail stops at the first that fails', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder(
      { 'third.sh': sh('echo x >> rounds; [ "$(wc -l < rounds)" -ne 3 ]') },
      onTestFinished,
    );
    const rounds = async () => (await readFile(join(dir, 'rounds'), 'utf8')).length / 2;
    const all = await pexen(dir, 'run', '--reporter', 'lines', '--repeat', '4', '--junit', 'junit.xml');
    expect(await rounds()).toBe(4);
    expect(all.stderr).toContain('4 rounds, of which failed: 3.');
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toContain('Round 4 of 4.');
    expect(existsSync(join(dir, 'junit.4.xml'))).toBe(true);
    await writeFile(join(dir, 'rounds'), '');
    const untilFail = await pexen(dir, 'run', '--reporter', 'lines', '--until-fail');
    expect(untilFail.exitCode).toBe(1);
    expect(await rounds()).toBe(3);
  });

  it('--pool inline runs modules in this process, and programs in one of their own', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'tests.ts': `import { task } from 'pexen';
        export const pid = task({}, () => { if (process.ppid !== Number(process.env.PARENT)) throw new Error('elsewhere'); });`,
      'program.sh': sh('exit 0'),
    };
    const dir = await folder(files, onTestFinished);
    process.env.PARENT = String(process.pid);
    const inline = await pexen(dir, 'run', '--pool', 'inline');
    expect(inline.stdout, inline.stderr).toContain('2 tasks: 2 passed');
    expect((await pexen(dir, 'run', '--pool', 'processes')).stdout).toContain('1 passed, 1 failed');
  });

  it('--inspect waits for a debugger in the worker of one test', async ({ expect, onTestFinished }) => {
    const files = {
      'tests.ts': `import { service, task } from 'pexen';
        export const base = service({}, async ({ ready, signal }) => {
          ready();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        });
        export const one = task({ timeout: 1, requires: [base] }, () => {});
        export const two = task({}, () => {});`,
      'program.sh': sh('exit 0'),
    };
    const dir = await folder(files, onTestFinished);
    const several = await pexen(dir, 'run', '--inspect');
    expect(several.stderr).toContain('--inspect is for one task, and 4 are selected');
    expect(several.exitCode).toBe(2);
    const program = await pexen(dir, 'run', '--inspect', 'program.sh');
    expect(program.stderr).toContain('"program.sh" is a program');
    const base = await pexen(dir, 'run', '--inspect', 'base');
    expect(base.stderr).toMatch(/base" is a service\n +Name a task that needs it\./);
    const inline = await pexen(dir, 'run', '--inspect', '--pool', 'inline', 'one');
    expect(inline.stderr).toContain('--pool inline has none');
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(async () => void server.close());
    await once(server, 'listening');
    const { port: taken } = server.address() as AddressInfo;
    const busy = await pexen(dir, 'run', `--inspect=${taken}`, 'one');
    expect(busy.stderr).toContain(`the port ${taken} cannot be used`);
    const port = 20_000 + (process.pid % 20_000);
    const running = start(dir, 'run', '--reporter', 'lines', `--inspect=${port}`, 'one');
    await running.sees(`waits for a debugger at 127.0.0.1:${port}`);
    await running.sees('UP ['); // The service waits for no debugger.
    await untilListening(port);
    running.kill('SIGINT');
    running.kill('SIGINT');
    running.kill('SIGINT');
    expect((await running.ended).exitCode).toBe(75);
  });

  it.for([
    ['--bail=0', '"0" is not a whole number, 1 or more'],
    ['--retries=x', '"x" is not a whole number, 0 or more'],
    ['--timeout=soon', '"soon" is not a duration such as'],
    ['--timeout=0', 'above 0'],
    ['--pool=cloud', 'Allowed choices are processes, threads, inline'],
    ['--inspect=70000', '"70000" is not a port'],
  ] as const)('%s is refused with exit code 2', async ([word, message], { expect, onTestFinished }) => {
    const { stderr, exitCode } = await pexen(await folder({}, onTestFinished), 'run', word);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it('a value that may be left out stands behind "=", and the command says so', async ({
    expect,
    onTestFinished,
  }) => {
    const { stderr, exitCode } = await pexen(await folder({}, onTestFinished), 'run', '--bail', '3');
    expect(stderr).toContain('write --bail=3');
    expect(exitCode).toBe(2);
  });

  it('a run that stops early forgets no result of the tasks that it did not come to', async ({
    expect,
    onTestFinished,
  }) => {
    const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.sh`, sh('exit 1')]));
    const dir = await folder(files, onTestFinished);
    await pexen(dir, 'run');
    await pexen(dir, 'run', '-j1', '--bail');
    const { stdout } = await pexen(dir, 'list', 'status:failed');
    expect(stdout.trim().split('\n')).toHaveLength(4);
  });

  it('programs run in processes also where the configuration chooses threads', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'pexen.config.ts': `import { defineSuite, threads, tree } from 'pexen';
        export default defineSuite({ from: { '': tree({ dir: 'tests' }) }, pool: threads });`,
      'tests/program.sh': sh('exit 0'),
      'tests/tests.ts': "import { task } from 'pexen'; export const one = task({}, () => {});",
    };
    const { stdout, stderr } = await pexen(await folder(files, onTestFinished), 'run');
    expect(stdout, stderr).toContain('2 tasks: 2 passed');
  });

  it('shows which options may go without a value', async ({ expect, onTestFinished }) => {
    const { stdout } = await pexen(await folder({}, onTestFinished), 'run', '--help');
    for (const term of ['--bail[=n]', '--shuffle[=seed]', '--inspect[=port]']) expect(stdout).toContain(term);
  });
});

describe.concurrent('the output of tests', () => {
  const outDir = async (dir: string): Promise<string> => {
    const [run = ''] = await readdir(join(dir, '.pexen/runs'));
    return join(dir, '.pexen/runs', run, 'out');
  };

  it('is in files, one for each attempt and stream, which the failure and JUnit name', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'pexen.config.ts': `import { defineSuite, tree } from 'pexen';
        export default defineSuite({ from: { '': tree({ dir: 't' }) } });`,
      't/bad.sh': sh('seq 3000; echo "attempt $PEXEN_ATTEMPT_NUMBER" >&2; exit 1'),
      't/flood.sh': sh('seq 900000'),
      't/good.sh': sh('echo fine'),
      't/mute.sh': sh('exit 0'),
      't/more.task.ts': `import { task } from 'pexen';
        export const speaks = task({}, () => { console.log('from a body'); });`,
    };
    const dir = await folder(files, onTestFinished);
    const words = ['--reporter', 'lines', '--junit', 'junit.xml', '--retries', '1'];
    const { stdout } = await pexen(dir, 'run', ...words);
    const out = await outDir(dir);
    expect((await readdir(out)).sort()).toEqual([
      ...['bad.sh-s1-a1.stderr', 'bad.sh-s1-a1.stdout', 'bad.sh-s1-a2.stderr', 'bad.sh-s1-a2.stdout'],
      ...['flood.sh-s1-a1.stdout', 'good.sh-s1-a1.stdout', 'more.speaks-s1-a1.stdout'],
    ]);
    const numbers = (to: number): string => Array.from({ length: to }, (_, at) => `${at + 1}\n`).join('');
    expect(await readFile(join(out, 'bad.sh-s1-a1.stdout'), 'utf8')).toBe(numbers(3000));
    expect(await readFile(join(out, 'bad.sh-s1-a2.stderr'), 'utf8')).toBe('attempt 2\n');
    expect(await readFile(join(out, 'flood.sh-s1-a1.stdout'), 'utf8')).toBe(numbers(900_000));
    expect(await readFile(join(out, 'more.speaks-s1-a1.stdout'), 'utf8')).toBe('from a body\n');
    const named = relative(dir, join(out, 'bad.sh-s1-a2.stdout'));
    expect(stdout).toContain(`output: ${named}\n`);
    expect(await readFile(join(dir, 'junit.xml'), 'utf8')).toContain(`[[ATTACHMENT|${named}]]`);
  });

  it('is shown as --show-output, -v and -q say, which win over the configuration; JUnit says where it is', async ({
    expect,
    onTestFinished,
  }) => {
    const files = {
      'pexen.config.ts': `import { defineSuite, tree } from 'pexen';
        export default defineSuite({
          from: { '': tree({ dir: 't' }) },
          reporters: [['lines', { showOutput: 'all' }]],
        });`,
      't/bad.sh': sh('echo bad; exit 1'),
      't/good.sh': sh('echo fine'),
    };
    const dir = await folder(files, onTestFinished);
    const shown = async (...words: string[]) => (await pexen(dir, 'run', ...words)).stdout;
    expect(await shown()).toContain('│ fine');
    expect(await shown('--show-output=failed')).not.toContain('│ fine');
    expect(await shown('--show-output', 'live')).toContain('good.sh │ fine\n');
    expect(await shown('-q')).not.toContain('PASS');
    expect(await shown('-v', '--show-output=failed')).not.toContain('│ fine');
    const both = await pexen(dir, 'run', '-q', '-v');
    expect(both.exitCode).toBe(2);
    const { stderr } = await pexen(dir, 'run', '--junit', 'out/junit.xml');
    expect(stderr).toBe('JUnit report: out/junit.xml\n');
  });

  it('costs a warning where the folder cannot be written, and nothing else', async ({
    expect,
    onTestFinished,
  }) => {
    const dir = await folder({ 'a.sh': sh('echo a; exit 1'), '.pexen': 'a file' }, onTestFinished);
    const { stdout, stderr, exitCode } = await pexen(dir, 'run', '--reporter', 'lines');
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain('output:');
    expect(stderr.match(/PEXEN_STATE_NOT_KEPT/g)).toHaveLength(1);
  });
});

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
  }
}
