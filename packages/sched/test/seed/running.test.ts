/** What the original Python pexen did, in addition to ../seed.test.ts: how a run yields. */
import { task } from '@pexen/core';
import { expect, it } from 'vitest';
import { run } from '../../src/index.ts';
import { ScriptedPool } from './scripted-pool.ts';

const named = (name: string) => task({ name }, () => name);

it('seed: a run yields results one by one, as they come', async () => {
  const execution = run([named('a'), named('b')]);
  const iterator = execution[Symbol.asyncIterator]();
  expect(await iterator.next()).toMatchObject({ value: { path: 'a', value: 'a' } });
  expect(await iterator.next()).toMatchObject({ value: { path: 'b', value: 'b' } });
  expect(await iterator.next()).toEqual({ done: true, value: undefined });
});

it('seed: when nothing can start but tasks still wait, the run goes on', async () => {
  const pool = new ScriptedPool(4);
  const tasks = [
    task({ name: 'a', provides: ['a'] }, () => {}),
    task({ name: 'b', requires: ['a'], provides: ['b'] }, () => {}),
    task({ name: 'c', requires: ['b'] }, () => {}),
  ];
  const execution = run(tasks, { pool });
  const paths: string[] = [];
  const consumed = (async () => {
    for await (const { path } of execution) paths.push(path);
  })();
  for (const path of ['a', 'b', 'c']) {
    await pool.started(path);
    expect(pool.running).toEqual([path]);
    pool.end(path);
  }
  await consumed;
  expect(paths).toEqual(['a', 'b', 'c']);
});

it('seed: awaiting the summary alone is the fastest way: no consumer throttles', async () => {
  const tasks = ['a', 'b', 'c'].map(named);
  const { counts, rest } = await run(tasks).summary;
  expect(counts).toEqual({ returned: 3 });
  expect(rest.map(({ value }) => value)).toEqual(['a', 'b', 'c']);
});
