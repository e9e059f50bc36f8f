import { createRequire } from 'node:module';
import { MessageChannel, type MessagePort, threadId } from 'node:worker_threads';
import { formatOutput, isPexenError, type Runnable } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { move, threads } from '../src/index.ts';
import { open, tasks } from './rig.ts';

const value = (task: Runnable, args?: object) => async (rig: Awaited<ReturnType<typeof open>>) => {
  const outcome = await rig.attempt(task, { args }).outcome;
  expect(outcome).toMatchObject({ kind: 'returned' });
  return (outcome as { readonly value: unknown }).value;
};

describe('threads', () => {
  test('are threads', async () => {
    await using rig = await open();
    expect(await value(tasks.whichThread)(rig)).not.toBe(threadId);
    expect(rig.slots).toEqual([1]);
  });

  test('are as many as they are asked to be, and one for each core by default', async () => {
    await using rig = await open({});
    expect(rig.slots[0]).toBeGreaterThan(0);
    expect(() => threads({ workers: 0 })).toThrow(/PEXEN_BAD_OPTION.*workers/);
    expect(() => threads({ workers: 1.5, output: 'loud' as never })).toThrow(/workers[\s\S]*output/);
    expect(() => threads({ worker: 2 } as never)).toThrow(/no option "worker"[\s\S]*Did you mean "workers"/);
  });

  test('are used again', async () => {
    await using rig = await open();
    const first = await value(tasks.whichThread)(rig);
    for (let n = 0; n < 20; n++) expect(await value(tasks.whichThread)(rig)).toBe(first);
  });
});

describe('short bodies that travel together', () => {
  /** Makes the pool believe that bodies take no time. */
  async function warm(rig: Awaited<ReturnType<typeof open>>): Promise<void> {
    for (let n = 0; n < 20; n++) await rig.attempt(tasks.echo).outcome;
  }

  /** An attempt that keeps its thread busy until it is released. */
  function busy(rig: Awaited<ReturnType<typeof open>>) {
    const memory = new Int32Array(new SharedArrayBuffer(4));
    const letGo = (): void => {
      Atomics.store(memory, 0, 1);
      Atomics.notify(memory, 0);
    };
    return { ...rig.attempt(tasks.busyUntil, { args: { memory } }), letGo };
  }

  test('are not held up by a long one among them: another thread takes them over', async () => {
    await using rig = await open({ workers: 2 });
    await warm(rig);
    const first = busy(rig);
    const rest = Array.from({ length: 20 }, () => rig.attempt(tasks.echo));
    await Promise.all(rest.map(({ outcome }) => outcome));
    first.letGo();
    expect(await first.outcome).toMatchObject({ kind: 'returned' });
  });

  test('are reported as started while one keeps the thread busy', async () => {
    await using rig = await open();
    await warm(rig);
    const quick = rig.attempt(tasks.echo);
    const long = busy(rig);
    const behind = rig.attempt(tasks.echo);
    const order: string[] = [];
    quick.started.then(() => order.push('quick started'));
    long.started.then(() => order.push('long started'));
    long.outcome.then(() => order.push('long ended'));
    behind.started.then(() => order.push('behind started'));
    await long.started;
    long.letGo();
    await behind.outcome;
    expect(order).toEqual(['quick started', 'long started', 'long ended', 'behind started']);
  });

  test('are reclaimed exactly where they have not started', async () => {
    await using rig = await open();
    await warm(rig);
    const long = busy(rig);
    const behind = Array.from({ length: 10 }, () => rig.attempt(tasks.echo));
    await long.started;
    const stopped = behind.filter((_, n) => n % 2 === 0);
    for (const each of stopped) each.abort();
    const back = await Promise.all(stopped.map(({ outcome }) => outcome));
    expect(back.map(({ kind }) => kind)).toEqual(stopped.map(() => 'not-started'));
    long.letGo();
    const kinds = await Promise.all(behind.map(async ({ outcome }) => (await outcome).kind));
    expect(kinds).toEqual(behind.map((_, n) => (n % 2 === 0 ? 'not-started' : 'returned')));
    expect(await long.outcome).toMatchObject({ kind: 'returned' });
  });
});

describe('what a body prints', () => {
  test('is reported live and is part of the outcome', async () => {
    await using rig = await open();
    const { outcome, updates: update } = rig.attempt(tasks.prints);
    const { stdout, stderr } = await outcome;
    expect(stdout && formatOutput(stdout)).toBe('to stdout\né\nlast\n');
    expect(stderr && formatOutput(stderr)).toBe('to stderr\n');
    expect(update.map((each) => each.kind === 'output' && each.text).join('')).toBe(
      'to stdout\nto stderr\né\nlast\n',
    );
  });

  test('may be much: the first and the last part are kept', async () => {
    await using rig = await open();
    const { outcome, updates: update } = rig.attempt(tasks.printsMuch);
    const { stdout } = await outcome;
    expect(stdout?.totalBytes).toBeGreaterThan(10_000_000);
    expect(stdout?.head.startsWith('line 0 ')).toBe(true);
    expect(stdout?.tail).toMatch(/line 99999 x+\n$/);
    const updates = update.reduce((sum, each) => sum + (each.kind === 'output' ? each.text.length : 0), 0);
    expect(updates).toBeLessThan(stdout?.totalBytes ?? 0);
  });
});

describe('values', () => {
  test('may be moved to a thread', async () => {
    await using rig = await open();
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => port1.once('message', resolve));
    await rig.attempt(tasks.answersPort, { args: { port: port2 } }).outcome;
    expect(await answer).toBe('hello from the thread');
    const bytes = new Uint8Array([1, 2, 3]);
    expect(await value(tasks.echo, { value: move(bytes) })(rig)).toEqual(new Uint8Array([1, 2, 3]));
    expect(bytes.byteLength).toBe(0);
  });

  test('may be moved from a thread', async () => {
    await using rig = await open();
    expect(await value(tasks.returnsMoved)(rig)).toEqual(new Uint8Array([1, 2, 3]));
    const port = (await value(tasks.returnsPort)(rig)) as MessagePort;
    expect(await new Promise((resolve) => port.once('message', resolve))).toBe('from a port that moved');
    port.close();
  });

  test('that are not marked are copied', async () => {
    await using rig = await open();
    const bytes = new Uint8Array([1]);
    await rig.attempt(tasks.echo, { args: { value: bytes } }).outcome;
    expect(bytes.byteLength).toBe(1);
  });

  test('may be memory that both sides see', async () => {
    await using rig = await open();
    const memory = new Int32Array(new SharedArrayBuffer(4));
    await rig.attempt(tasks.sharesMemory, { args: { memory } }).outcome;
    expect(memory[0]).toBe(1);
  });

  test('that only cloning finds unfit fail their own attempt, and not those that travel with it', async () => {
    await using rig = await open();
    for (let n = 0; n < 20; n++) await rig.attempt(tasks.echo).outcome;
    const before = rig.attempt(tasks.echo);
    const unfit = rig.attempt(tasks.echo, {
      args: {
        value: new (class Box {
          #x = new WeakRef({});
          ref = process.stdout;
        })(),
      },
    });
    const after = rig.attempt(tasks.echo);
    expect(await before.outcome).toMatchObject({ kind: 'returned' });
    expect(await unfit.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_CANNOT_CROSS' } });
    expect(await after.outcome).toMatchObject({ kind: 'returned' });
  });
});

describe('modules', () => {
  const require = createRequire(import.meta.url);

  test.each([
    ['common.cjs', 'common', 'from CommonJS'],
    ['module.mjs', 'module', 'from a module'],
    ['typed-common.cts', 'typedCommon', 'from typed CommonJS'],
    ['a path? with #marks/odd.ts', 'odd', 'from an odd place'],
  ])('%s', async (file, name, expected) => {
    await using rig = await open();
    const loaded = require(`./fixtures/modules/${file}`) as Record<string, Runnable>;
    expect(await value(loaded[name] as Runnable)(rig)).toBe(expected);
  });

  test('in CommonJS may make tasks in loops', async () => {
    await using rig = await open();
    const { looped } = require('./fixtures/modules/common.cjs') as { readonly looped: readonly Runnable[] };
    expect(await value(looped[1] as Runnable)(rig)).toBe('y');
  });

  test('may wait while they load', async () => {
    await using rig = await open();
    const { afterAwait } = await import('./fixtures/modules/after-await.ts');
    expect(await value(afterAwait)(rig)).toBe('made after an await');
  });

  test('that need more than type stripping get the hint of a loader', async () => {
    await using rig = await open();
    const url = new URL('./fixtures/modules/needs-loader.ts', import.meta.url).href;
    const address = { kind: 'export', url, exportPath: ['never'], fingerprint: '' } as const;
    const outcome = await rig.attempt(tasks.echo, { address }).outcome;
    const { error } = outcome as { readonly error: unknown };
    expect(isPexenError(error) && error.problems[0]).toMatchObject({
      code: 'PEXEN_CANNOT_LOAD',
      hint: expect.stringContaining("loader: 'tsx'"),
    });
  });

  test('are loaded after the loader', async () => {
    await using rig = await open({
      workers: 1,
      loader: new URL('./fixtures/loader.mjs', import.meta.url).href,
    });
    expect(await value(tasks.sawLoader)(rig)).toBe(true);
  });
});
