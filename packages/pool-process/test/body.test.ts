/** Bodies in worker processes. */
import { execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import type { Pool } from '@pexen/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProcessesOptions, processes } from '../src/index.ts';
import {
  body,
  factsOf,
  opened,
  RecordingTicket,
  returnOf,
  runOne,
  scratch,
  shell,
} from './support/attempts.ts';
import { isStopped, processesWith, until } from './support/strays.ts';
import { WarpedClock } from './support/warped-clock.ts';

const mark = `body-${process.pid}`;
const open = async (options: ProcessesOptions = {}): Promise<Pool> => {
  const fresh = processes({ workers: 1, env: { TEST_MARK: mark }, outputIntervalMs: 10, ...options });
  await opened(fresh);
  return fresh;
};
/** One for all but those that close it. */
let pool: Pool;
beforeAll(async () => {
  pool = processes({ workers: 1, env: { TEST_MARK: mark }, outputIntervalMs: 10 });
  await pool.open({ slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} });
});
afterAll(async () => {
  await pool.close('kill');
  expect(strays()).toEqual([]);
});

const strays = () => processesWith(`TEST_MARK=${mark}`);

describe('a body', () => {
  test('gets its args and returns', async () => {
    expect(await runOne(pool, body('echo', { a: [1, 'b'] }))).toEqual({
      kind: 'returned',
      value: { a: [1, 'b'] },
      ranMs: expect.any(Number),
    });
    expect(await runOne(pool, body('nothing'))).toEqual({ kind: 'returned', ranMs: expect.any(Number) });
  });

  test('runs in a reused process', async () => {
    const first = await returnOf(pool, body('pid'));
    expect(first).not.toBe(process.pid);
    expect(await returnOf(pool, body('pid'))).toBe(first);
  });

  test('knows its slot', async () => {
    expect(await returnOf(pool, body('slot'))).toBe('0');
  });

  test('values keep their types', async () => {
    expect(await returnOf(pool, body('oddValues'))).toEqual(
      new Map<unknown, unknown>([
        [1n, new Date(0)],
        ['u', undefined],
        ['z', -0],
      ]),
    );
    expect(await returnOf(pool, body('echo', { a: undefined, b: new Set([1]) }))).toEqual({
      a: undefined,
      b: new Set([1]),
    });
  });

  test('fails and throws as in this process', async () => {
    expect(await runOne(pool, body('fail'))).toMatchObject({
      kind: 'failed',
      depsOk: false,
      locksOk: true,
      error: { data: { a: 1 } },
    });
    expect(await runOne(pool, body('boom'))).toMatchObject({
      kind: 'threw',
      error: { name: 'RangeError', message: 'boom' },
    });
  });

  test('returns its dictionary', async () => {
    expect(await runOne(pool, body('share', {}, { shared: { from: 1 } }))).toMatchObject({
      shared: { from: 1, touched: true },
    });
  });

  test('its output is captured for each attempt', async () => {
    for (let round = 0; round < 3; round++) {
      expect(await runOne(pool, body('print', { round }))).toMatchObject({
        stdout: { head: `out {"round":${round}}\n`, tail: '' },
        stderr: { head: `err {"round":${round}}\n`, tail: '' },
      });
    }
  });

  test('the output of many attempts is split among them', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, i) => runOne(pool, body('print', { i }))),
    );
    expect(outcomes.map(({ stdout }) => stdout?.head)).toEqual(outcomes.map((_, i) => `out {"i":${i}}\n`));
  });

  test('a program and a body in the same slot, by turns', async () => {
    expect(await returnOf(pool, body('echo', { n: 1 }))).toEqual({ n: 1 });
    expect(factsOf(await runOne(pool, shell('echo $PEXEN_SLOT'))).stdout.head).toBe('0\n');
    expect(await returnOf(pool, body('echo', { n: 2 }))).toEqual({ n: 2 });
  });

  test('100 MiB there and back', async () => {
    expect(await returnOf(pool, body('big', { bytes: 100 * 1024 * 1024 }))).toHaveLength(100 * 1024 * 1024);
  });

  test('its updates are reported in order', async () => {
    const ticket = new RecordingTicket();
    await runOne(pool, body('chatter', { times: 5 }), ticket);
    expect(ticket.updates.map((update) => update.kind === 'log' && update.message)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
    ]);
  });

  test('handles that it leaves open are noticed', async () => {
    const ticket = new RecordingTicket();
    await runOne(pool, body('leaveTimer'), ticket);
    expect(ticket.updates).toMatchObject([
      { kind: 'finding', finding: { status: 'warn', message: expect.stringContaining('Timeout') } },
    ]);
  });

  test('its child processes inherit no descriptor of the pool', async () => {
    const plain = execSync('echo /proc/$$/fd/*', { encoding: 'utf8' });
    const numbers = (paths: unknown) => String(paths).replaceAll(/\/proc\/\d+\/fd\//g, '');
    expect(numbers(await returnOf(pool, body('openInChild')))).toBe(numbers(plain));
  });

  test('the next one starts in the same directory', async () => {
    const before = await returnOf(pool, body('cwd'));
    await runOne(pool, body('chdir'));
    expect(await returnOf(pool, body('cwd'))).toBe(before);
  });
});

describe('stopping', () => {
  test.each([
    ['return', { kind: 'returned', value: 'stopped' }],
    ['reject', { kind: 'stopped', how: 'aborted' }],
  ])('a body that heeds its signal and does %s', async (how, expected) => {
    const ticket = new RecordingTicket();
    const before = await returnOf(pool, body('pid'));
    const outcome = pool.run(body('wait', { how }, { graceMs: 5000 }), ticket);
    await ticket.logs('waiting');
    ticket.abort();
    expect(await outcome).toMatchObject(expected);
    expect(await returnOf(pool, body('pid'))).toBe(before);
  });

  test.each(['ignoreAbort', 'loopForever'])('a body that does %s is killed', async (name) => {
    const ticket = new RecordingTicket();
    const outcome = pool.run(body(name, {}, { graceMs: 50 }), ticket);
    await ticket.logs();
    ticket.abort();
    expect(await outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
    expect(strays()).toEqual([]);
    expect(await returnOf(pool, body('echo', { a: 1 }))).toEqual({ a: 1 });
  });

  test('a body whose process was suspended is resumed, and may end', async () => {
    const before = strays();
    const clock = new WarpedClock();
    const other = await open({ clock });
    const ticket = new RecordingTicket();
    const outcome = other.run(body('stopSelf', {}, { graceMs: 30_000 }), ticket);
    const pid = await ticket.pid();
    await until(() => isStopped(pid));
    ticket.abort();
    clock.advance(2_000);
    expect(await outcome).toMatchObject({ kind: 'returned' });
    expect(strays()).toEqual(before);
  });

  test('an attempt behind a hanging one starts elsewhere, or is returned when it is stopped', async () => {
    const hanging = new RecordingTicket();
    const hang = pool.run(body('loopForever', {}, { graceMs: 50 }), hanging);
    await hanging.logs();
    const behind = pool.run(body('echo', { a: 1 }), new RecordingTicket());
    const stopped = new RecordingTicket();
    const given = pool.run(body('nothing'), stopped);
    stopped.abort();
    expect(await given).toMatchObject({ kind: 'not-started' });
    expect(stopped.workers).toEqual([]);
    hanging.abort();
    expect(await hang).toMatchObject({ kind: 'stopped' });
    expect(await behind).toMatchObject({ kind: 'returned', value: { a: 1 } });
  });

  test('prefetched attempts behind a slow one go to another worker', async () => {
    const two = await open({ workers: 2 });
    const file = join(scratch(), 'go');
    await Promise.all(Array.from({ length: 500 }, () => runOne(two, body('nothing'))));
    const slow = two.run(body('until', { file }), new RecordingTicket());
    const short = Array.from({ length: 60 }, () => runOne(two, body('nothing')));
    await Promise.all(short);
    writeFileSync(file, '');
    expect(await slow).toMatchObject({ kind: 'returned', value: 'there' });
  });

  test('closing kills running attempts', async () => {
    const other = await open();
    const ticket = new RecordingTicket();
    const outcome = other.run(body('loopForever'), ticket);
    await ticket.logs();
    await other.close('kill');
    expect(await outcome).toMatchObject({
      kind: 'crashed',
      reason: expect.stringContaining('the pool was closed'),
    });
  });

  test('draining, and then killing', async () => {
    const other = await open();
    const ticket = new RecordingTicket();
    const outcome = other.run(body('loopForever'), ticket);
    await ticket.logs();
    const drained = other.close('drain');
    await other.close('kill');
    await drained;
    expect(await outcome).toMatchObject({ kind: 'crashed' });
  });

  test('closing ends the processes of workers', async () => {
    const other = await open();
    const pid = await returnOf(other, body('leaveProcess', { isDetached: true }));
    expect(strays()).toContain(pid);
    await other.close('drain');
    expect(strays()).not.toContain(pid);
  });
});

test('a worker is replaced after so many attempts', async () => {
  const other = await open({ recycleAfter: 2 });
  const pids = await Promise.all(Array.from({ length: 5 }, () => returnOf(other, body('pid'))));
  expect(pids[0]).toBe(pids[1]);
  expect(pids[2]).toBe(pids[3]);
  expect(new Set(pids).size).toBe(3);
});

describe('compiled code', () => {
  const withoutNodes = { NODE_COMPILE_CACHE: undefined, NODE_V8_COVERAGE: undefined };

  test('is kept where the host keeps it, and no body sees how the worker knows', async () => {
    const fresh = await open({ env: withoutNodes });
    expect(await returnOf(fresh, body('compiledCode'))).toEqual([getCompileCacheDir(), []]);
    await fresh.close('kill');
  });

  test('is not kept where coverage is collected', async () => {
    const fresh = await open({ env: { ...withoutNodes, NODE_V8_COVERAGE: scratch() } });
    expect(await returnOf(fresh, body('compiledCode'))).toEqual([undefined, []]);
    await fresh.close('kill');
  });
});
