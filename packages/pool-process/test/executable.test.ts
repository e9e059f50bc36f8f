/** Programs, as the pool runs them. Real ones. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPexenError, type Pool } from '@pexen/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProcessesOptions, processes } from '../src/index.ts';
import {
  executable,
  factsOf,
  opened,
  program,
  RecordingTicket,
  runOne,
  scratch,
  shell,
} from './support/attempts.ts';
import { isStopped, processesWith, until } from './support/strays.ts';
import { WarpedClock } from './support/warped-clock.ts';

describe.each(['auto', 'node'] as const)('with the helper %s', (helper) => {
  /** Marks every process of these tests. */
  const mark = `executable-${helper}-${process.pid}`;
  const open = async (options: ProcessesOptions = {}): Promise<Pool> => {
    const env = { TEST_MARK: mark };
    const fresh = processes({ workers: 2, env, outputIntervalMs: 10, helper, ...options });
    await opened(fresh);
    return fresh;
  };
  /** One for all but those that close it. */
  let pool: Pool;
  beforeAll(async () => {
    pool = processes({ workers: 2, env: { TEST_MARK: mark }, outputIntervalMs: 10, helper });
    await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
  });
  afterAll(async () => {
    await pool.close('kill');
    expect(processesWith(`TEST_MARK=${mark}`)).toEqual([]);
  });

  /** What lives of the tests before; the pool itself has helpers. */
  const strays = () => {
    const helpers = processesWith(`TEST_MARK=${mark}`).filter((pid) =>
      /spawn-helper|python/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1')),
    );
    return processesWith(`TEST_MARK=${mark}`).filter((pid) => !helpers.includes(pid));
  };

  /** The variables a program saw. */
  async function seen(names: string, given = {}, at: Pool = pool): Promise<Record<string, string>> {
    const facts = factsOf(await runOne(at, shell(`for n in ${names}; do eval echo $n=\\$$n; done`, given)));
    return Object.fromEntries(
      facts.stdout.head
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s)),
    );
  }

  describe('the facts', () => {
    test('exit code and output only', async () => {
      const facts = factsOf(await runOne(pool, shell('echo out; echo err >&2; exit 3')));
      expect(facts).toEqual({
        exitCode: 3,
        signal: null,
        stdout: { head: 'out\n', tail: '', totalBytes: 4 },
        stderr: { head: 'err\n', tail: '', totalBytes: 4 },
        report: '',
        leaked: 0,
      });
    });

    test('the signal that ended it', async () => {
      const facts = factsOf(await runOne(pool, shell('kill -SEGV $$')));
      expect(facts).toMatchObject({ exitCode: null, signal: 'SIGSEGV' });
    });

    test('output is part of the outcome, too', async () => {
      const outcome = await runOne(pool, shell('echo out'));
      expect(outcome).toMatchObject({ kind: 'returned', stdout: { head: 'out\n' }, stderr: { head: '' } });
    });

    test('reports: fd 3 first, then the file', async () => {
      const facts = factsOf(
        await runOne(pool, shell('echo from the file > $PEXEN_REPORT; echo from fd 3 >&3')),
      );
      expect(facts.report).toBe('from fd 3\nfrom the file\n');
      expect(factsOf(await runOne(pool, shell('true'))).report).toBe('');
    });

    test.each([
      ['a pipe, not a file', 'mkfifo $PEXEN_REPORT'],
      ['a directory, not a file', 'mkdir $PEXEN_REPORT'],
      ['a symbolic link, not a file', 'ln -s /etc/passwd $PEXEN_REPORT'],
    ])('a report that cannot be read is mentioned: %s', async (what, script) => {
      expect(factsOf(await runOne(pool, shell(script)))).toMatchObject({
        report: '',
        incomplete: `$PEXEN_REPORT is ${what}`,
      });
    });

    test('one attempt gets nothing of what another wrote', async () => {
      for (const word of ['a', 'b', 'c']) {
        expect(factsOf(await runOne(pool, shell(`echo ${word}; echo ${word} >&3`)))).toMatchObject({
          stdout: { head: `${word}\n` },
          report: `${word}\n`,
        });
      }
    });
  });

  describe('the environment', () => {
    test('the variables of its attempt', async () => {
      const given = { path: 'net/ping', attempt: 3, timeoutMs: 1500 };
      expect(await seen('PEXEN_TASK PEXEN_ATTEMPT_NUMBER PEXEN_TIMEOUT_MS PEXEN_SLOT', given)).toEqual({
        PEXEN_TASK: 'net/ping',
        PEXEN_ATTEMPT_NUMBER: '3',
        PEXEN_TIMEOUT_MS: '1500',
        PEXEN_SLOT: '0',
      });
      expect(await seen('PEXEN_TIMEOUT_MS')).toEqual({ PEXEN_TIMEOUT_MS: '' });
    });

    test('how often its attempt was interrupted', async () => {
      expect(await seen('PEXEN_INTERRUPTIONS')).toEqual({ PEXEN_INTERRUPTIONS: '0' });
      expect(await seen('PEXEN_INTERRUPTIONS', { interruptions: 2 })).toEqual({ PEXEN_INTERRUPTIONS: '2' });
    });

    test('the span of its attempt, unless the program states another', async () => {
      const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
      expect(await seen('TRACEPARENT TRACESTATE', { trace })).toEqual({
        TRACEPARENT: trace.traceparent,
        TRACESTATE: '',
      });
      const both = { ...trace, tracestate: 'vendor=1' };
      expect(await seen('TRACESTATE', { trace: both })).toEqual({ TRACESTATE: 'vendor=1' });
    });

    test('every attempt has a marker of its own', async () => {
      const first = await seen('PEXEN_ATTEMPT');
      const second = await seen('PEXEN_ATTEMPT');
      expect(first.PEXEN_ATTEMPT).toMatch(/[0-9a-f]{16}\/\d+$/);
      expect(second.PEXEN_ATTEMPT).not.toBe(first.PEXEN_ATTEMPT);
    });

    test('slot numbers are compact', async () => {
      const [one, two] = await Promise.all([seen('PEXEN_SLOT'), seen('PEXEN_SLOT'), seen('PEXEN_SLOT')]);
      expect([one?.PEXEN_SLOT, two?.PEXEN_SLOT].sort()).toEqual(['0', '1']);
      expect(await seen('PEXEN_SLOT')).toEqual({ PEXEN_SLOT: '0' });
    });

    test('its own environment, over that of the pool', async () => {
      expect(await seen('TEST_MARK A', { env: { A: 'a b' } })).toEqual({ TEST_MARK: mark, A: 'a b' });
      expect(await seen('TEST_MARK', { env: { TEST_MARK: 'mine' } })).toEqual({ TEST_MARK: 'mine' });
    });

    test('it runs in its directory, in a group and session of its own, with an empty stdin', async () => {
      const folder = scratch();
      const facts = factsOf(
        await runOne(
          pool,
          shell('pwd; read line || echo empty; cut -d" " -f5,6 /proc/$$/stat; echo $$', { cwd: folder }),
        ),
      );
      const [cwd, stdin, groupAndSession, pid] = facts.stdout.head.trim().split('\n');
      expect([cwd, stdin, groupAndSession]).toEqual([folder, 'empty', `${pid} ${pid}`]);
    });

    test('nothing is open but stdin, stdout, stderr and fd 3', async () => {
      const list = 'echo /proc/$$/fd/*';
      const plain = spawnSync('/bin/sh', ['-c', list], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        encoding: 'utf8',
      });
      const facts = factsOf(await runOne(pool, shell(list)));
      const numbers = (paths: string) => paths.trim().replaceAll(/\/proc\/\d+\/fd\//g, '');
      expect(numbers(facts.stdout.head)).toBe(numbers(plain.stdout));
    });

    test('no signal is ignored or blocked', async () => {
      const facts = factsOf(
        await runOne(pool, executable('/bin/grep', ['-E', '^Sig(Ign|Blk)', '/proc/self/status'])),
      );
      const masks = facts.stdout.head
        .trim()
        .split('\n')
        .map((line) => BigInt(`0x${line.split('\t')[1]}`));
      // The two above 31 are glibc's own.
      expect(masks.map((mask) => mask & 0x7fff_ffffn)).toEqual([0n, 0n]);
    });

    test('HOME and TMPDIR: private, empty, gone afterwards', async () => {
      const look =
        'echo $HOME $TMPDIR; ls -A $HOME | wc -l; stat -c %a $HOME; echo x > $HOME/x; mkdir -m 0 $HOME/d';
      for (let round = 0; round < 2; round++) {
        const [homes = '', count, mode] = factsOf(await runOne(pool, shell(look)))
          .stdout.head.trim()
          .split('\n');
        const [home = '', temp] = homes.split(' ');
        expect([temp, count, mode]).toEqual([home, '0', '700']);
        expect(readdirSync(home)).toEqual([]);
      }
    });

    test('closing leaves no folder', async () => {
      const other = await open();
      const { HOME = '' } = await seen('HOME', {}, other);
      expect(existsSync(HOME)).toBe(true);
      await other.close('drain');
      expect(existsSync(HOME)).toBe(false);
      expect(existsSync(join(HOME, '../..'))).toBe(false);
    });

    test('a program removes its HOME: the next one has one again', async () => {
      await runOne(pool, shell('rmdir $HOME'));
      expect(factsOf(await runOne(pool, shell('cd $HOME && ls -A'))).exitCode).toBe(0);
    });
  });

  describe('programs that cannot be started', () => {
    const folder = () => scratch();

    async function problemOf(assignment: ReturnType<typeof executable>): Promise<string> {
      const ticket = new RecordingTicket();
      const outcome = await runOne(pool, assignment, ticket);
      expect(ticket.workers).toHaveLength(1);
      if (outcome.kind !== 'threw' || !isPexenError(outcome.error)) throw new Error(`it ${outcome.kind}`);
      expect(outcome.error.code).toBe('PEXEN_CANNOT_START');
      return outcome.error.message;
    }

    test('no such file', async () => {
      expect(await problemOf(executable('/nowhere/at/all'))).toContain('there is no such file');
    });

    test('not executable', async () => {
      const file = program(folder(), 'plain', '#!/bin/sh\n', 0o644);
      expect(await problemOf(executable(file))).toContain(`chmod +x ${file}`);
    });

    test('a directory', async () => {
      expect(await problemOf(executable(folder()))).toContain('it is a directory');
    });

    test('an interpreter that does not exist', async () => {
      const file = program(folder(), 'bad', '#!/usr/bin/nonesuch -x\n');
      expect(await problemOf(executable(file))).toContain('"/usr/bin/nonesuch", which is not there');
    });

    test('lines that end as on Windows', async () => {
      const file = program(folder(), 'dos', '#!/bin/sh\r\necho\r\n');
      expect(await problemOf(executable(file))).toContain('plain line feeds');
    });

    test('an interpreter that may not be executed', async () => {
      const interpreter = program(folder(), 'interpreter', '', 0o644);
      const file = program(folder(), 'script', `#!${interpreter}\n`);
      expect(await problemOf(executable(file))).toContain('which is not executable');
    });

    test('no such directory', async () => {
      expect(await problemOf(shell('true', { cwd: '/nowhere' }))).toContain(
        'its directory /nowhere does not exist',
      );
    });

    test('arguments that are too long', async () => {
      expect(await problemOf(executable('/bin/true', ['x'.repeat(3_000_000)]))).toContain('too long');
    });

    test('arguments with a NUL', async () => {
      expect(await problemOf(executable('/bin/true', ['a\0b']))).toContain('null byte');
    });

    test('a script without a shebang is run by the shell', async () => {
      const file = program(folder(), 'script', 'echo shell\n');
      expect(factsOf(await runOne(pool, executable(file))).stdout.head).toBe('shell\n');
    });

    test('the slot is free again', async () => {
      for (let round = 0; round < 5; round++) await problemOf(executable('/nowhere'));
      expect(factsOf(await runOne(pool, shell('echo ok'))).stdout.head).toBe('ok\n');
    });
  });

  describe('updates', () => {
    test('output is reported while it runs, each part once', async () => {
      const go = join(scratch(), 'go');
      const ticket = new RecordingTicket();
      const outcome = pool.run(shell(`echo one; until [ -e ${go} ]; do sleep 0.01; done; echo two`), ticket);
      await ticket.printed('one\n');
      writeFileSync(go, '');
      await outcome;
      expect(ticket.stdout).toBe('one\ntwo\n');
    });

    test('a character that comes in two parts is reported whole', async () => {
      const go = join(scratch(), 'go');
      const ticket = new RecordingTicket();
      const script = `printf 'a\\303'; until [ -e ${go} ]; do sleep 0.01; done; printf '\\244b'`;
      const outcome = pool.run(shell(script), ticket);
      await ticket.printed('a');
      writeFileSync(go, '');
      expect(factsOf(await outcome).stdout.head).toBe('aäb');
      expect(ticket.stdout).toBe('aäb');
    });

    test('started once, before any update, with a useful name', async () => {
      const ticket = new RecordingTicket();
      const facts = factsOf(await runOne(pool, shell('echo $$'), ticket));
      expect(ticket.workers).toEqual([`process 0 (pid ${facts.stdout.head.trim()})`]);
    });
  });

  describe('the end', () => {
    test('it is the end of the program, not of a process that holds its output', async () => {
      const facts = factsOf(await runOne(pool, shell('sleep 1000 & echo $!')));
      expect(facts).toMatchObject({ exitCode: 0, leaked: 1 });
      expect(strays()).toEqual([]);
    });

    test('a process in a session of its own is found, too', async () => {
      const facts = factsOf(
        await runOne(
          pool,
          shell('setsid sh -c "sleep 1000 & sleep 1000" & setsid sleep 1000 & wait $!0 || :'),
        ),
      );
      expect(facts).toMatchObject({ exitCode: 0 });
      expect(facts.leaked).toBeGreaterThanOrEqual(2);
      expect(strays()).toEqual([]);
    });

    test('one that ends soon after is not a leak', async () => {
      const other = await open({ clock: new WarpedClock(100) });
      const facts = factsOf(await runOne(other, shell('(sleep 0.01; echo late) &')));
      expect(facts).toMatchObject({ leaked: 0, stdout: { head: 'late\n' } });
    });

    test('abort: SIGTERM for the whole group at once; a program that ends by itself has facts', async () => {
      const ticket = new RecordingTicket();
      const outcome = pool.run(
        shell(`trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done`, { graceMs: 10_000 }),
        ticket,
      );
      await ticket.printed('up');
      ticket.abort();
      expect(factsOf(await outcome)).toMatchObject({ exitCode: 5, stdout: { head: 'up\nbye\n' } });
    });

    test('abort: a program that is ended by SIGTERM counts as killed', async () => {
      const ticket = new RecordingTicket();
      const outcome = pool.run(shell('echo up; sleep 1000'), ticket);
      await ticket.printed('up');
      ticket.abort();
      expect(await outcome).toMatchObject({ kind: 'stopped', how: 'killed', stdout: { head: 'up\n' } });
      expect(strays()).toEqual([]);
    });

    test('abort: a program that ignores SIGTERM is killed after the grace period, with all its processes', async () => {
      const ticket = new RecordingTicket();
      const script = `trap '' TERM; setsid sleep 1000 & sleep 1000 & echo up; while :; do sleep 1000; done`;
      const outcome = pool.run(shell(script, { graceMs: 100 }), ticket);
      await ticket.printed('up');
      ticket.abort();
      expect(await outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
      expect(strays()).toEqual([]);
    });

    test('abort: a suspended program is resumed to end', async () => {
      const ticket = new RecordingTicket();
      const outcome = pool.run(
        shell(`trap 'exit 6' TERM; kill -STOP $$; sleep 1000`, { graceMs: 10_000 }),
        ticket,
      );
      const pid = await ticket.pid();
      await until(() => isStopped(pid));
      ticket.abort();
      expect(factsOf(await outcome).exitCode).toBe(6);
    });

    test('abort while it waits for a slot: not started', async () => {
      const tickets = [new RecordingTicket(), new RecordingTicket(), new RecordingTicket()];
      const outcomes = tickets.map((ticket) => pool.run(shell('sleep 1000'), ticket));
      await Promise.all(tickets.slice(0, 2).map((ticket) => ticket.isStarted));
      tickets[2]?.abort();
      expect(await outcomes[2]).toMatchObject({ kind: 'not-started' });
      expect(tickets[2]?.workers).toEqual([]);
      for (const ticket of tickets) ticket.abort();
      await Promise.all(outcomes);
    });

    test('abort before the pool gets it: never started', async () => {
      const ticket = new RecordingTicket();
      ticket.abort();
      expect(await runOne(pool, shell('true'), ticket)).toMatchObject({ kind: 'not-started' });
      expect(ticket.workers).toEqual([]);
    });

    test('abort while it is being started after a wait: killed or never started, and reported once', async () => {
      const tickets = [1, 2, 3].map(() => new RecordingTicket());
      const outcomes = tickets.map((ticket) => pool.run(shell('sleep 1000', { graceMs: 50 }), ticket));
      await Promise.all(tickets.slice(0, 2).map((ticket) => ticket.isStarted));
      tickets[0]?.abort();
      await outcomes[0];
      tickets[2]?.abort();
      const outcome = await outcomes[2];
      const hasStarted = outcome?.kind !== 'not-started';
      if (hasStarted) expect(outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
      expect(tickets[2]?.workers).toHaveLength(hasStarted ? 1 : 0);
      tickets[1]?.abort();
      await outcomes[1];
      expect(strays()).toEqual([]);
    });

    test('close, drain: running programs end by themselves, waiting ones are returned', async () => {
      const other = await open();
      const go = join(scratch(), 'go');
      const tickets = [1, 2, 3].map(() => new RecordingTicket());
      const script = `until [ -e ${go} ]; do sleep 0.01; done; echo done`;
      const outcomes = tickets.map((ticket) => other.run(shell(script), ticket));
      await Promise.all(tickets.slice(0, 2).map((ticket) => ticket.isStarted));
      const closed = other.close('drain');
      writeFileSync(go, '');
      await closed;
      expect(await Promise.all(outcomes)).toMatchObject([
        { kind: 'returned', stdout: { head: 'done\n' } },
        { kind: 'returned', stdout: { head: 'done\n' } },
        { kind: 'not-started' },
      ]);
    });

    test('close, kill: running programs are killed, waiting ones are returned, nothing is left', async () => {
      const other = await open();
      const tickets = [1, 2, 3].map(() => new RecordingTicket());
      const outcomes = tickets.map((ticket) => other.run(shell('sleep 1000'), ticket));
      await Promise.all(tickets.slice(0, 2).map((ticket) => ticket.isStarted));
      await other.close('kill');
      const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind);
      expect(kinds).toEqual(['crashed', 'crashed', 'not-started']);
      expect(strays()).toEqual([]);
    });

    test('a closed pool returns all attempts, and can be opened again', async () => {
      const other = await open();
      await other.close('drain');
      expect(await runOne(other, shell('true'))).toMatchObject({ kind: 'not-started' });
      await opened(other);
      expect(factsOf(await runOne(other, shell('exit 4'))).exitCode).toBe(4);
    });

    test('a program that kills its own group ends only itself', async () => {
      expect(factsOf(await runOne(pool, shell('kill -KILL 0')))).toMatchObject({ signal: 'SIGKILL' });
      expect(factsOf(await runOne(pool, shell('echo ok'))).stdout.head).toBe('ok\n');
    });
  });
});

test('the pool reports its number of slots', async () => {
  expect(await opened(processes({ workers: 7 }))).toBe(7);
});

test('invalid options are refused together', () => {
  expect(() => processes({ workers: 0, maxOutputBytes: -1 })).toThrow(/workers(.|\n)*maxOutputBytes/);
  expect(() => processes({ worker: 2 } as never)).toThrow(/no option "worker"(.|\n)*Did you mean "workers"/);
});
