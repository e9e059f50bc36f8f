/** Errors that surface after bodies in a worker process: they fail their body, or are reported as its late errors, and never fail another one. */
import { describe, expect, test } from 'vitest';
import { body } from './support/attempts.ts';
import { Bench } from './support/bench.ts';

describe('a body fails by', () => {
  test.concurrent.each<[string, string, string]>([
    ['an exception out of a timer, at once', 'uncaught', 'nothing catches this'],
    ['a rejection that nothing handles', 'unhandled', 'nothing handles this'],
    ['a promise that it does not await', 'forgetsAwait', 'nothing awaits this'],
  ])('%s', (_what, name, message) =>
    new Bench().with(async (bench) => {
      const attempts = [body(name), body('echo', { n: 1 }), body(name), body('echo', { n: 2 })];
      const [first, second, third, fourth] = await Promise.all(attempts.map((each) => bench.run(each)));
      expect(first).toMatchObject({ kind: 'threw', error: { message } });
      expect(second).toMatchObject({ kind: 'returned', value: { n: 1 } });
      expect(third).toMatchObject({ kind: 'threw', error: { message } });
      expect(fourth).toMatchObject({ kind: 'returned', value: { n: 2 } });
      expect(bench).toMatchObject({ late: [], lost: [] });
    }),
  );
});

test.concurrent('an error that surfaces later is reported as that of its own task', () =>
  new Bench().with(async (bench) => {
    const guilty = bench.start({ ...body('throwsAfterwards', { ms: 20 }), path: 'guilty' });
    const next = bench.start(body('waits', { ms: 150 }));
    const behind = bench.start(body('waits', { ms: 0 }));
    expect(await guilty.outcome).toMatchObject({ kind: 'returned' });
    expect(await next.outcome).toMatchObject({ kind: 'returned', value: 'innocent' });
    expect(await behind.outcome).toMatchObject({ kind: 'returned' });
    expect(bench.late).toMatchObject([{ tasks: ['guilty'], error: { message: 'afterwards' } }]);
    expect(await behind.pid(), 'the worker was replaced').not.toBe(await guilty.pid());
    expect(bench.lost).toEqual([]);
  }));

test.concurrent('what the last body left behind is waited for, for a moment', () =>
  new Bench().with(async (bench) => {
    await bench.run({ ...body('throwsAfterwards', { ms: 30 }), path: 'guilty' });
    await bench.pool.close('drain');
    expect(bench.late).toMatchObject([{ tasks: ['guilty'], error: { message: 'afterwards' } }]);
  }));

test.concurrent('a body that replaces globals harms no attempt', () =>
  new Bench().with(async (bench) => {
    const replaced = bench.start(body('replacesGlobals'));
    const behind = [1, 2, 3].map((n) => bench.start(body('echo', { n })));
    expect(await replaced.outcome).toMatchObject({ kind: 'returned' });
    for (const [at, { outcome }] of behind.entries())
      expect(await outcome).toMatchObject({ kind: 'returned', value: { n: at + 1 } });
    expect(await behind[2]?.pid()).toBe(await replaced.pid());
  }));
