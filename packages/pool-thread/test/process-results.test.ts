/** Results processed in threads while tasks still run in this one. */
import { withMeta } from '@pexen/core';
import { processResults, run } from '@pexen/sched';
import { expect, it } from 'vitest';
import { threads } from '../src/index.ts';
import { digest, meet } from './fixtures/digest.ts';

it('processes results in threads, errors and all; what fails there harms nothing else', async () => {
  const tasks = [0, 1, 2].map((value) => withMeta(() => value, { name: `t${value}` }));
  const broken = withMeta(
    (): number => {
      throw new RangeError('too far');
    },
    { name: 'broken' },
  );
  const seen: string[] = [];
  const options = { pool: threads({ workers: 2 }) };
  for await (const { result, processed } of processResults(run([...tasks, broken]), digest, options)) {
    const { error } = processed;
    seen.push(
      `${result.path}: ${processed.value ?? (error instanceof Error ? error.message : processed.status)}`,
    );
  }
  expect(seen.sort()).toEqual([
    'broken: broken threw too far 1',
    't0: t0 returned 0 1',
    't1: no disk',
    't2: t2 returned 2 1',
  ]);
});

it('processes several at the same time: each waits for the other', async () => {
  const memory = new SharedArrayBuffer(4);
  const tasks = ['a', 'b'].map((name) => withMeta(() => memory, { name }));
  const values: unknown[] = [];
  const options = { pool: threads({ workers: 2 }), limit: 2 };
  for await (const { processed } of processResults(run(tasks), meet, options)) values.push(processed.value);
  expect(values).toEqual([2, 2]);
});

it('names what of a result cannot cross, and goes on', async () => {
  const tasks = [withMeta(() => () => 1, { name: 'function' }), withMeta(() => 0, { name: 'number' })];
  const seen: string[] = [];
  const options = { pool: threads({ workers: 1 }) };
  for await (const { result, processed } of processResults(run(tasks), digest as never, options)) {
    const { error } = processed as { error?: unknown };
    seen.push(`${result.path} ${processed.status} ${error instanceof Error ? error.message : ''}`);
  }
  expect(seen.sort()).toEqual([
    expect.stringMatching(/^function threw .*args\.value is a function/),
    'number returned ',
  ]);
});

it('leaving the loop ends the threads and the run', async () => {
  let ran = 0;
  const going = run(Array.from({ length: 50 }, () => () => ran++));
  for await (const _ of processResults(going, digest as never, { pool: threads({ workers: 1 }), limit: 2 }))
    break;
  expect(ran).toBeLessThan(10);
  expect((await going.summary).counts.skipped).toBe(50 - ran);
});
