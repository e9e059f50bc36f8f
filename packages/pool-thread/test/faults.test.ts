/** What bodies and threads can do to a pool, one by one: the verdict comes in time, and the pool works on. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, Runnable } from '@pexen/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { threads } from '../src/index.ts';
import { open, type Rig, tasks } from './rig.ts';

async function expectAlive({ attempt }: Rig): Promise<void> {
  const { outcome } = attempt(tasks.echo, { args: { value: 'alive' } });
  expect(await outcome).toMatchObject({ kind: 'returned', value: 'alive' });
}

const resourceLimits = { maxOldGenerationSizeMb: 48 };

describe('a body that', () => {
  test.each<[string, Runnable, Partial<Assignment>, unknown]>([
    ['exits with 0', tasks.exits, { args: { code: 0 } }, { kind: 'crashed', reason: /code: 0/ }],
    ['exits with 7', tasks.exits, { args: { code: 7 } }, { kind: 'crashed', reason: /code: 7/ }],
    ['calls abort()', tasks.aborts, {}, { kind: 'threw' }],
    ['throws out of a timer', tasks.throwsLater, {}, { kind: 'threw', error: { message: 'out of a timer' } }],
    [
      'leaves a rejection unseen',
      tasks.rejectsUnseen,
      {},
      { kind: 'threw', error: { message: 'nothing looks' } },
    ],
    ['fills the heap', tasks.fillsHeap, {}, { kind: 'crashed', reason: /ERR_WORKER_OUT_OF_MEMORY/ }],
    ['overflows the stack', tasks.overflowsStack, {}, { kind: 'threw', error: { name: 'RangeError' } }],
    ['changes the directory', tasks.changesDirectory, {}, { kind: 'threw' }],
    ['exits while its value is read', tasks.exitsWhenRead, {}, { kind: 'crashed' }],
    [
      'returns a promise inside a value',
      tasks.returnsPromiseIn,
      {},
      { kind: 'threw', error: { code: 'PEXEN_CANNOT_CROSS', message: /value\.later is a promise/ } },
    ],
    ['returns what only cloning refuses', tasks.returnsUrl, {}, { kind: /returned|threw/ }],
    ['throws an error that cannot be read', tasks.throwsHostile, {}, { kind: 'threw' }],
    ['returns a thenable that settles twice', tasks.thenable, {}, { kind: 'returned', value: 'first' }],
    [
      'writes garbage to the port of the thread',
      tasks.talksToParent,
      {},
      { kind: 'returned', value: 'done' },
    ],
    ['closes the port of the thread', tasks.closesParentPort, {}, { kind: 'returned' }],
  ])('%s', async (_name, task, more, expected) => {
    await using rig = await open({ workers: 1, resourceLimits });
    expect(await rig.attempt(task, more).outcome).toMatchObject(matching(expected) as object);
    await expectAlive(rig);
  });

  test.each<[string, Runnable]>([
    ['loops', tasks.spins],
    ['loops over microtasks', tasks.spinsMicrotasks],
    ['waits on memory', tasks.waitsOnMemory],
    ['backtracks in a regular expression', tasks.backtracks],
    ['ignores its signal', tasks.ignores],
    ['returns a thenable that never settles', tasks.neverSettles],
  ])('%s is killed within grace and four seconds', async (_name, task) => {
    await using rig = await open();
    const { firstUpdate: reported, outcome, abort } = rig.attempt(task);
    await reported;
    const abortedAt = performance.now();
    abort();
    expect(await outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
    expect(performance.now() - abortedAt).toBeLessThan(4_100);
    expect(rig.lost).toEqual([]);
    await expectAlive(rig);
  });

  test.each([Infinity, 2 ** 31])('a grace of %s ms is waited for', async (graceMs) => {
    await using rig = await open();
    const { firstUpdate: reported, outcome, abort } = rig.attempt(tasks.endsInItsTime, { graceMs });
    await reported;
    abort();
    expect(await outcome).toMatchObject({ kind: 'returned', value: 'in its time' });
  });
});

describe('a thread that is stuck in native code', () => {
  /** A pipe without a writer. */
  function pipe(): string {
    const directory = mkdtempSync(join(tmpdir(), 'pexen-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    return path;
  }

  test('is given up: its attempt is settled, its slot filled again, and the pool says so', async () => {
    await using rig = await open();
    const path = pipe();
    const { outcome, abort } = rig.attempt(tasks.waitsForProgram, { args: { path } });
    const end = await reading(path);
    const abortedAt = performance.now();
    abort();
    const behind = rig.attempt(tasks.echo, { args: { value: 'not stranded' } });
    const abandoned = await outcome;
    expect(abandoned).toMatchObject({ kind: 'stopped', how: 'abandoned' });
    expect(performance.now() - abortedAt).toBeLessThan(4_100);
    expect(rig.lost).toEqual([expect.stringMatching(/thread-1: cannot be ended; it was replaced/)]);
    expect(await behind.outcome).toMatchObject({ kind: 'returned' });
    await rig.pool.close('drain');
    const context = { slotsChanged: () => {}, workerLost: () => {}, lateError: () => {} };
    await expect(rig.pool.open(context)).rejects.toThrow('PEXEN_POOL_ABANDONED');
    closeSync(end);
    await (abandoned as { readonly settled?: PromiseLike<unknown> }).settled;
    await rig.pool.open(context);
  });

  test('by a pipe without a writer does not keep the pool from closing', async () => {
    const rig = await open();
    const path = pipe();
    const { outcome } = rig.attempt(tasks.readsPipe, { args: { path } });
    const end = await reading(path);
    await rig.pool.close('kill');
    expect(await outcome).toMatchObject({ kind: 'crashed' });
    closeSync(end);
  });
});

describe('a module that', () => {
  const load = (name: string): { readonly never: Runnable } =>
    createRequire(import.meta.url)(`./fixtures/${name}.ts`);

  test('exits while it is loaded costs its thread', async () => {
    await using rig = await open({ workers: 1, env: { ...process.env, PEXEN_TEST_THREAD: '1' } });
    const { outcome } = rig.attempt(load('exits-while-loading').never);
    expect(await outcome).toMatchObject({ kind: 'crashed', reason: expect.stringContaining('code: 5') });
    await expectAlive(rig);
  });

  test('never ends loading is stopped like a body', async () => {
    await using rig = await open({ workers: 1, env: { ...process.env, PEXEN_TEST_THREAD: '1' } });
    const { started, outcome, abort } = rig.attempt(load('never-ends-loading').never);
    await started;
    abort();
    expect(await outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
    await expectAlive(rig);
  });
});

describe('a module that another one needs', () => {
  /** An attempt that is loading that module. */
  async function loading(what: string) {
    const directory = mkdtempSync(join(tmpdir(), 'pexen-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const sign = join(directory, 'sign');
    const env = { ...process.env, PEXEN_TEST_THREAD: what, PEXEN_TEST_SIGN: sign };
    const rig = await open({ workers: 1, env });
    const attempt = rig.attempt(createRequire(import.meta.url)('./fixtures/needs-broken-off.ts').never);
    await expect.poll(() => existsSync(sign), { interval: 5 }).toBe(true);
    return { ...rig, ...attempt, rig };
  }

  test('and that never ends loading is stopped, which is not an error of the other', async () => {
    await using attempt = await loading('spins');
    attempt.abort();
    expect(await attempt.outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
    await expectAlive(attempt.rig);
  });

  test('and that never ends loading has crashed when the pool is closed', async () => {
    const { pool, outcome } = await loading('spins');
    await pool.close('kill');
    expect(await outcome).toMatchObject({ kind: 'crashed' });
  });

  test('and that exits costs its thread', async () => {
    await using attempt = await loading('exits');
    const reason = expect.stringContaining('code: 6');
    expect(await attempt.outcome).toMatchObject({ kind: 'crashed', reason });
    expect(attempt.lost).toHaveLength(1);
    await expectAlive(attempt.rig);
  });
});

describe('threads that cannot be started', () => {
  test('are why open() rejects', async () => {
    await expect(open({ workers: 2, loader: './no-such-loader.mjs' })).rejects.toThrow(/no-such-loader/);
  });

  test.each(['drain', 'kill'] as const)(
    'is given up by close(%j) while its loader waits forever',
    async (how) => {
      const pool = threads({
        workers: 2,
        loader: new URL('./fixtures/loader-never-ends.mjs', import.meta.url).href,
      });
      const never = (): never => expect.fail();
      const opening = pool.open({ slotsChanged: never, workerLost: never, lateError: never });
      const rejected = expect(opening).rejects.toThrow('closed while it was opening');
      await new Promise((resolve) => setTimeout(resolve, 50));
      await pool.close(how);
      await rejected;
    },
  );
});

/** Resolves once the pipe has a reader, with the open other end: the reader waits until that is closed. */
async function reading(path: string): Promise<number> {
  for (;;) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      await new Promise(setImmediate);
    }
  }
}

/** Regular expressions stand for texts that match. */
function matching(expected: unknown): unknown {
  if (expected instanceof RegExp) return expect.stringMatching(expected);
  if (typeof expected !== 'object' || expected === null) return expected;
  return Object.fromEntries(Object.entries(expected).map(([key, value]) => [key, matching(value)]));
}
