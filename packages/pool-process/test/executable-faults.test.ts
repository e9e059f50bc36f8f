/** What can happen to programs, to those who start them, and to those who wait for them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { body, executable, factsOf, program, scratch, shell } from './support/attempts.ts';
import { Bench } from './support/bench.ts';
import { isTouched, python, renewing } from './support/renewing.ts';
import { isStopped, processesWith, until } from './support/strays.ts';
import { WarpedClock } from './support/warped-clock.ts';

async function withBench(
  use: (bench: Bench) => Promise<void>,
  options: ConstructorParameters<typeof Bench>[0] = {},
) {
  await new Bench(options).with(async (bench) => {
    await use(bench);
    expect(factsOf(await bench.run(shell('echo still here'))).stdout.head).toBe('still here\n');
  });
}

const quick = { graceMs: 100 };

describe('a program', () => {
  test.concurrent('that is killed by another process has facts', () =>
    withBench(async (bench) => {
      const attempt = bench.start(shell('sleep 1000'));
      process.kill(await attempt.pid(), 'SIGKILL');
      expect(factsOf(await attempt.outcome)).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    }));

  test.concurrent('that was suspended and ignores SIGTERM is killed', () =>
    withBench(async (bench) => {
      const attempt = bench.start(shell(`trap '' TERM; kill -STOP $$; while :; do sleep 1; done`, quick));
      const pid = await attempt.pid();
      await until(() => isStopped(pid));
      expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
    }));

  test.concurrent('that forked twice and left a daemon that holds its output', () =>
    withBench(async (bench) => {
      // It ends when the daemon has started completely: a process that is just starting would not be counted, or counted twice.
      const script = `cd
        setsid sh -c '(echo daemon; sleep 1000 & touch there; wait) &'
        until [ -e there ]; do sleep 0.01; done
        echo main`;
      const attempt = bench.start(shell(script));
      expect(factsOf(await attempt.outcome)).toMatchObject({ exitCode: 0, leaked: 2 });
    }));

  test.concurrent('that left 200 processes in sessions of their own', () =>
    withBench(async (bench) => {
      const facts = factsOf(
        await bench.run(shell('for i in $(seq 200); do setsid sleep 1000 & done; exit 3')),
      );
      expect(facts.exitCode).toBe(3);
      expect(facts.leaked).toBeGreaterThan(150);
    }));

  test.concurrent('that closes all its descriptors', () =>
    withBench(async (bench) => {
      expect(factsOf(await bench.run(shell('exec 0<&- 1>&- 2>&- 3>&-; exit 9')))).toMatchObject({
        exitCode: 9,
      });
    }));

  test.concurrent('that writes to its output as a file of its own', () =>
    withBench(async (bench) => {
      const facts = factsOf(
        await bench.run(shell('echo first > /dev/stdout; echo second >> /dev/stdout; echo third')),
      );
      expect(facts.stdout.head).toBe('first\nsecond\nthird\n');
    }));

  test.concurrent('whose reports never end is read up to a limit, by whole lines', () =>
    withBench(async (bench) => {
      const { report, incomplete } = factsOf(
        await bench.run(shell('yes "ok 1 - fine" | head -c 150000000 >&3')),
      );
      expect(report.length).toBeGreaterThan(67_000_000);
      expect(report.length).toBeLessThan(68_000_000);
      expect(report.endsWith('ok 1 - fine\n')).toBe(true);
      expect(incomplete).toBe('it wrote more to fd 3 than 64 MiB');
    }));

  test.concurrent('that fills its HOME with files that are hard to remove', () =>
    withBench(async (bench) => {
      const script =
        'cd; echo $HOME; mkdir -p a/b/c; touch a/b/c/d; chmod 500 a/b/c; chmod 0 a/b; ln -s / root; mkfifo f';
      const home = factsOf(await bench.run(shell(script))).stdout.head.trim();
      expect(readdirSync(home)).toEqual([]);
      expect(existsSync('/etc/passwd')).toBe(true);
    }));

  test.concurrent('that only reports shows signs of life', () =>
    withBench(async (bench) => {
      const go = join(scratch(), 'go');
      const attempt = bench.start(shell(`echo "ok 1" >&3; until [ -e ${go} ]; do sleep 0.01; done`));
      await attempt.ticket.receives(({ kind }) => kind === 'heartbeat');
      writeFileSync(go, '');
      expect(factsOf(await attempt.outcome).report).toBe('ok 1\n');
    }));

  test.concurrent('whose file another process is writing', () =>
    withBench(async (bench) => {
      const file = program(scratch(), 'busy', '');
      execFileSync('cp', ['/bin/true', file]);
      const writer = spawn('/bin/sh', ['-c', `exec 4>>${file}; echo; exec sleep 1000`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(writer.stdout, 'data');
      const outcome = await bench.run(executable(file)).finally(() => writer.kill('SIGKILL'));
      expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_CANNOT_START' } });
    }));
});

describe('a helper that starts programs', () => {
  /** The pid of the helper that started the process. */
  const parentOf = (pid: number) =>
    Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);

  test.concurrent('dies: the program is ended, and the next one has another helper', () =>
    withBench(async (bench) => {
      const attempt = bench.start(shell('setsid sleep 1000 & sleep 1000'));
      process.kill(parentOf(await attempt.pid()), 'SIGKILL');
      expect(await attempt.outcome).toMatchObject({ kind: 'crashed' });
      expect(bench.strays()).toHaveLength(0);
    }));

  test.concurrent('is suspended: the program ends in time nevertheless', () =>
    new Bench().with(async (bench) => {
      const attempt = bench.start(shell('sleep 1000', quick));
      process.kill(parentOf(await attempt.pid()), 'SIGSTOP');
      expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
    }));

  test('is suspended before it has started one: the attempt fails with that reason', async () => {
    const clock = new WarpedClock();
    await new Bench({ clock }).with(async (bench) => {
      const first = bench.start(shell('echo up; read line < /dev/zero'));
      const helper = parentOf(await first.pid());
      process.kill(await first.pid(), 'SIGKILL');
      await first.outcome;
      process.kill(helper, 'SIGSTOP');
      const second = bench.start(shell('echo never'));
      await clock.advanceOnceSet(10_000, 9_000);
      expect(await second.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_CANNOT_START' } });
      expect(factsOf(await bench.run(shell('echo again'))).stdout.head).toBe('again\n');
    });
  });
});

describe('a worker', () => {
  test('that does not start its attempts is replaced', async () => {
    const clock = new WarpedClock();
    await new Bench({ clock }).with(async (bench) => {
      const { value: pid } = (await bench.run(body('pid'))) as { value: number };
      process.kill(pid, 'SIGSTOP');
      const attempt = bench.start(body('pid'));
      await until(() => {
        clock.advance(10_100);
        return bench.lost.length > 0;
      });
      expect(await attempt.outcome).toMatchObject({ kind: 'returned', value: expect.not.closeTo(pid, 0) });
    });
  });

  test('that cannot start is an error with the reason', async () => {
    await new Bench({ execArgv: ['--no-such-option'] }).with(async (bench) => {
      const attempt = bench.start(body('nothing'));
      const outcome = await attempt.outcome;
      expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_WORKER_START' } });
      expect(String((outcome as { error: unknown }).error)).toContain('bad option: --no-such-option');
      expect(attempt.ticket.workers).toHaveLength(1);
    });
  });
});

describe('a launcher', () => {
  const run = async (launcher: string[]) => {
    let outcome: unknown;
    await new Bench({ launcher }).with(async (bench) => {
      outcome = await bench.run(body('nothing'));
    });
    return outcome;
  };

  test.concurrent('that does not exist', async () => {
    expect(await run(['/nowhere/ssh', 'host'])).toMatchObject({
      kind: 'threw',
      error: { code: 'PEXEN_WORKER_START' },
    });
  });

  test.concurrent('that fails reports why', async () => {
    const outcome = await run(['/bin/sh', '-c', 'echo Permission denied >&2; exit 255']);
    expect(String((outcome as { error: unknown }).error)).toContain('Permission denied');
  });

  test('whose other end is not an agent', async () => {
    const clock = new WarpedClock();
    await new Bench({ launcher: ['/bin/sh', '-c', 'echo hello; exec cat'], clock }).with(async (bench) => {
      const attempt = bench.start(body('nothing'));
      const isOver = attempt.outcome.then(() => true);
      while (!(await Promise.race([isOver, pause(20)]))) clock.advance(60_000);
      expect(await attempt.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_WORKER_START' } });
    });
  });

  test.concurrent('that is killed ends all its processes', () =>
    withBench(
      async (bench) => {
        const attempt = bench.start(shell('setsid sleep 1000 & echo up; sleep 1000'));
        await attempt.ticket.printed('up');
        const [agent] = processesWith('LAUNCHER=1').filter(
          (pid) =>
            bench.strays().includes(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('agent'),
        );
        process.kill(Number(agent), 'SIGKILL');
        expect(await attempt.outcome).toMatchObject({ kind: 'crashed' });
        await until(() => bench.strays().length === 0);
      },
      { launcher: ['/usr/bin/env', 'LAUNCHER=1'] },
    ));

  test.concurrent('into a pid namespace of its own', ({ skip }) => {
    try {
      execFileSync('unshare', ['--pid', '--fork', '--kill-child', 'true'], { stdio: 'ignore' });
    } catch {
      skip('unshare is not allowed here');
    }
    return withBench(
      async (bench) => {
        expect(await bench.run(body('echo', { a: 1 }))).toMatchObject({ kind: 'returned', value: { a: 1 } });
        const attempt = bench.start(
          shell(`trap '' TERM; setsid sleep 1000 & echo up; sleep 1000; sleep 1000`, quick),
        );
        await attempt.ticket.printed('up');
        expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
      },
      { launcher: ['unshare', '--pid', '--fork', '--kill-child'] },
    );
  });
});

describe('when the host is killed', () => {
  test.skipIf(python === undefined)(
    'a process that renews itself every 2 ms by fork and setsid ends (skipped without /usr/bin/python3)',
    async () => {
      const folder = scratch();
      const beat = join(scratch(), 'beat');
      writeFileSync(beat, '');
      const line = renewing(scratch(), 0.002, beat);
      const host = spawn(
        process.execPath,
        [...process.execArgv, new URL('fixtures/host.ts', import.meta.url).pathname, '[]', line],
        { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      onTestFinished(() => void host.kill('SIGKILL'));
      await once(host.stdout, 'data');
      expect(await isTouched(beat)).toBe(true);
      host.kill('SIGKILL');
      // Removed only after the sweep.
      await until(() => readdirSync(folder).length === 0);
      expect(await isTouched(beat)).toBe(false);
    },
  );

  test.each([
    ['here', []],
    ['behind a launcher', ['/usr/bin/env', 'LAUNCHED=1']],
  ])('everything %s ends, and our folder is removed', async (_where, launcher) => {
    const mark = `killed-${process.pid}-${launcher.length}`;
    const folder = scratch();
    const host = spawn(
      process.execPath,
      [...process.execArgv, new URL('fixtures/host.ts', import.meta.url).pathname, JSON.stringify(launcher)],
      {
        env: { ...process.env, TEST_MARK: mark, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void host.kill('SIGKILL'));
    await once(host.stdout, 'data');
    expect(processesWith(`TEST_MARK=${mark}`).length).toBeGreaterThan(4);
    expect(readdirSync(folder)).not.toEqual([]);
    host.kill('SIGKILL');
    await until(() => processesWith(`TEST_MARK=${mark}`).length === 0);
    await until(() => readdirSync(folder).length === 0);
    expect(tmpdir()).not.toBe(folder);
  });
});
