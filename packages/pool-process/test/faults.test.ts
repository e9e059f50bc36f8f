/** What can happen to a worker process, done to real ones. Each case has a pool of its own, and leaves nothing behind. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { PoolOutcome } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { body, scratch } from './support/attempts.ts';
import { Bench } from './support/bench.ts';
import { until } from './support/strays.ts';

const quick = { graceMs: 100 };

/** A bench that afterwards shows that it still works. */
async function withBench(
  use: (bench: Bench) => Promise<void>,
  options: ConstructorParameters<typeof Bench>[0] = {},
) {
  await new Bench(options).with(async (bench) => {
    await use(bench);
    expect(await bench.run(body('echo', { still: 'here' }))).toMatchObject({
      kind: 'returned',
      value: { still: 'here' },
    });
  });
}

function crashed(reason: string): object {
  return { kind: 'crashed', reason: expect.stringContaining(reason) };
}

describe('a worker that is killed', () => {
  test.concurrent('while it is idle: only the pool notices', () =>
    withBench(async (bench) => {
      const { value } = (await bench.run(body('pid'))) as { value: number };
      process.kill(value, 'SIGKILL');
      await until(() => bench.lost.length === 1);
      expect(bench.lost[0]).toContain('SIGKILL');
    }));

  test.concurrent('at the start of an attempt', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('logAndWait'));
      process.kill(await attempt.pid(), 'SIGKILL');
      expect(await attempt.outcome).toMatchObject(crashed('was ended by SIGKILL'));
      expect(bench.lost).toHaveLength(1);
    }));

  test.concurrent('in the middle of an attempt, with others behind', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('logAndWait'));
      await attempt.ticket.logs();
      const behind = [1, 2, 3].map((n) => bench.run(body('echo', { n })));
      process.kill(await attempt.pid(), 'SIGKILL');
      expect(await attempt.outcome).toMatchObject(crashed('was ended by SIGKILL'));
      expect(await Promise.all(behind)).toMatchObject(
        [1, 2, 3].map((n) => ({ kind: 'returned', value: { n } })),
      );
    }));

  test.concurrent('while it sends a result', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('bigAfterLog', { bytes: 400 * 1024 * 1024 }));
      await attempt.ticket.logs('sending');
      process.kill(await attempt.pid(), 'SIGKILL');
      expect(await attempt.outcome).toMatchObject(crashed('was ended by SIGKILL'));
    }));

  test.concurrent('with 100 attempts in it: each has one outcome', () =>
    withBench(async (bench) => {
      await Promise.all(Array.from({ length: 300 }, () => bench.run(body('nothing'))));
      const attempts = Array.from({ length: 100 }, () => bench.start(body('nothing')));
      const pid = await attempts[0]?.pid();
      process.kill(Number(pid), 'SIGKILL');
      const kinds = (await Promise.all(attempts.map(({ outcome }) => outcome))).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind !== 'returned' && kind !== 'crashed')).toEqual([]);
      expect(kinds.filter((kind) => kind === 'crashed').length).toBeLessThan(2);
    }));
});

describe('a body that ends its worker', () => {
  const ways: [string, ReturnType<typeof body>, string][] = [
    ['exit(0)', body('exit', { code: 0 }), 'exited with code 0'],
    ['exit(7)', body('exit', { code: 7 }), 'exited with code 7'],
    ['SIGSEGV', body('killSelf', { signal: 'SIGSEGV' }), 'was ended by SIGSEGV'],
    ['abort()', body('abort'), 'was ended by SIGABRT'],
  ];
  test.concurrent.each(ways)('by %s', (_way, assignment, reason) =>
    withBench(async (bench) => {
      expect(await bench.run(assignment)).toMatchObject(crashed(reason));
      expect(bench.lost).toHaveLength(1);
    }),
  );

  test.concurrent('by using up its heap', () =>
    withBench(
      async (bench) => {
        expect(await bench.run(body('exhaust'))).toMatchObject({ kind: 'crashed' });
      },
      { memoryLimitMb: 160 }, // Some Nodes take 98 to come up.
    ));

  test.concurrent('by using up memory outside of its heap', () =>
    withBench(
      async (bench) => {
        expect(await bench.run(body('exhaustBuffers'))).toMatchObject(crashed('its limit is 192'));
      },
      { memoryLimitMb: 192 },
    ));
});

describe('a body that hangs', () => {
  const ways: [string, string][] = [
    ['in a loop', 'loopForever'],
    ['in a synchronous child process', 'blockInExec'],
    ['waiting, deaf to its signal', 'ignoreAbort'],
    ['with descendants in other sessions that ignore SIGTERM', 'startEscapees'],
  ];
  test.concurrent.each(ways)('%s', (_way, name) =>
    withBench(async (bench) => {
      const attempt = bench.start(body(name, {}, quick));
      await attempt.ticket.logs();
      expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
      expect(bench.strays()).toEqual([]);
    }),
  );

  test.concurrent('reading from a FIFO without a writer', () =>
    withBench(async (bench) => {
      const fifo = join(scratch(), 'fifo');
      execFileSync('mkfifo', [fifo]);
      const attempt = bench.start(body('blockInFifo', { fifo }, quick));
      await attempt.ticket.logs();
      expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
    }));

  test.concurrent('since its process was suspended from outside', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('loopForever', {}, quick));
      await attempt.ticket.logs();
      process.kill(await attempt.pid(), 'SIGSTOP');
      expect(await attempt.stop()).toMatchObject({ kind: 'stopped', how: 'killed' });
    }));

  test.concurrent('with the pipes to its host closed', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('closeFd', { fds: [3] }, quick));
      expect(await attempt.outcome).toMatchObject({ kind: 'returned' });
      expect(await bench.run(body('closeFd', { fds: [4] }))).toMatchObject({ kind: 'crashed' });
      expect(await bench.run(body('closeFd', { fds: [5] }))).toMatchObject({ kind: 'returned' });
      expect(await bench.run(body('closeFd', { fds: [] }))).toMatchObject({ kind: 'returned' });
    }));

  test.concurrent('no more, after it has closed its output', () =>
    withBench(async (bench) => {
      expect(await bench.run(body('closeFd', { fds: [1, 2] }))).toMatchObject({
        kind: 'returned',
        value: 'closed',
      });
    }));
});

describe('a body that floods', () => {
  test.concurrent('stdout with a million lines: the last one is there', () =>
    withBench(async (bench) => {
      const { stdout } = await bench.run(body('lines', { count: 1_000_000 }));
      expect(stdout?.head.startsWith('0\n1\n2\n')).toBe(true);
      expect(stdout?.tail.endsWith('\n999998\n999999\n')).toBe(true);
    }));

  test.concurrent('its host with updates: the first and the last arrive', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('chatter', { times: 200_000 }));
      expect(await attempt.outcome).toMatchObject({ kind: 'returned' });
      expect(attempt.ticket.updates[0]).toEqual({ kind: 'log', message: '0' });
      expect(attempt.ticket.updates.length).toBeLessThan(100_000);
    }));

  test.concurrent('itself with signals: only its own attempt is affected', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('catchSignals'));
      await attempt.ticket.logs();
      const pid = await attempt.pid();
      for (let n = 0; n < 100; n++) process.kill(pid, 'SIGUSR2');
      expect(await attempt.outcome).toMatchObject({ kind: 'returned', value: expect.any(Number) });
    }));
});

describe('a body that forges messages', () => {
  const texts: [string, string][] = [
    ['a line of text', 'hello\n'],
    ['a frame that is too long', '\xa7\xff\xff\xff\xff'],
    ['a frame that is neither JSON nor V8', '\xa7\x04\0\0\0abcd'],
    ['a frame of V8 that is broken', '\xa7\x03\0\0\0\xff\x0f\x6f'],
  ];
  test.concurrent.each(texts)('%s', (_what, text) =>
    withBench(async (bench) => {
      const outcome = bench.run(
        body('writeTo', { fd: 4, text: Buffer.from(text, 'latin1').toString('base64') }),
      );
      expect(await outcome).toMatchObject(crashed('it sent'));
    }),
  );

  const messages: [string, unknown][] = [
    ['nothing known', { is: 'unknown' }],
    [
      'the end of an attempt that does not exist',
      { is: 'ended', id: 99, out: 0, err: 0, outcome: { kind: 'returned' } },
    ],
    ['the start of one that does not exist', { is: 'started', id: 99 }],
    [
      'an outcome that only a pool can know',
      { is: 'ended', id: 0, out: 0, err: 0, outcome: { kind: 'lost', reason: '' } },
    ],
    ['an outcome without its error', { is: 'ended', id: 0, out: 0, err: 0, outcome: { kind: 'threw' } }],
    [
      'an error that is none',
      {
        is: 'ended',
        id: 0,
        out: 0,
        err: 0,
        outcome: { kind: 'threw', error: { error: { name: 1 } } },
      },
    ],
    ['updates that are invalid', { is: 'updates', id: 0, updates: [{ kind: 'finding', finding: null }] }],
    ['that it returns a running attempt', { is: 'returned', id: 0 }],
  ];
  test.concurrent.each(messages)('%s', (_what, message) =>
    withBench(async (bench) => {
      expect(await bench.run(body('forge', { message }))).toMatchObject(crashed('invalid message'));
    }),
  );

  test.concurrent('its own end: it affects only itself', () =>
    withBench(async (bench) => {
      const message = {
        is: 'ended',
        id: 0,
        out: 0,
        err: 0,
        outcome: { kind: 'returned', value: 'forged' },
      };
      expect(await bench.run(body('forge', { message }))).toMatchObject({
        kind: 'returned',
        value: 'forged',
      });
      const others = await Promise.all([1, 2, 3].map((n) => bench.run(body('echo', { n }))));
      expect(others).toMatchObject([1, 2, 3].map((n) => ({ kind: 'returned', value: { n } })));
    }));
});

describe('a body that leaves changes behind', () => {
  test.concurrent('half a character in each of two writes', () =>
    withBench(async (bench) => {
      const attempt = bench.start(body('halfCharacter'));
      expect(await attempt.outcome).toMatchObject({ stdout: { head: 'aäb' } });
      expect(attempt.ticket.stdout).toBe('aäb');
    }));

  test.concurrent('another directory, umask and environment', () =>
    withBench(async (bench) => {
      const before = (await bench.run(body('cwd'))) as PoolOutcome & { value: string };
      await bench.run(body('changeEverything'));
      expect(await bench.run(body('cwd'))).toMatchObject({ value: before.value });
    }));

  test.concurrent('a process in a session of its own: it lives as long as its worker', () =>
    new Bench().with(async (bench) => {
      await bench.run(body('leaveProcess', { isDetached: true }));
      expect(bench.strays()).not.toEqual([]);
    }));
});
