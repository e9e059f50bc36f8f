/** Results processed in a pool of their own while the tasks still run. */
import { task, type, withMeta } from '@pexen/core';
import { expect, test } from 'vitest';
import { settle } from '#scripted-clock';
import { inline, processResults, type ResultData, run } from '../src/index.ts';

const numbers = (count: number) =>
  Array.from({ length: count }, (_, at) => withMeta(() => at, { name: `t${at}` }));

test('each result comes with the result of its processing', async () => {
  const seen: string[] = [];
  for await (const { result, processed } of processResults(
    run(numbers(3)),
    ({ path, value }) => `${path}=${value}`,
  ))
    seen.push(`${result.path} ${processed.value}`);
  expect(seen).toEqual(['t0 t0=0', 't1 t1=1', 't2 t2=2']);
});

test('in the order in which the processing ends, while tasks still run', async () => {
  const slow = Promise.withResolvers<void>();
  const seen: string[] = [];
  const process = async ({ path }: ResultData): Promise<void> => {
    if (path === 't0') await slow.promise;
  };
  const options = { pool: inline({ concurrency: 4 }) };
  for await (const { result } of processResults(run(numbers(3)), process, options)) {
    seen.push(result.path);
    if (result.path === 't2') slow.resolve();
  }
  expect(seen).toEqual(['t1', 't2', 't0']);
});

test('keeps the metadata of the function that processes', async () => {
  let under = 0;
  let most = 0;
  const process = async (): Promise<void> => {
    most = Math.max(most, ++under);
    await settle();
    under--;
  };
  const claiming = withMeta(process, { claims: ['/report'] });
  const options = { pool: inline({ concurrency: 4 }) };
  for await (const { processed } of processResults(run(numbers(3)), claiming, options))
    expect(processed.status).toBe('returned');
  expect(most).toBe(1);
});

test('at most `limit` results are in progress: then no more are pulled', async () => {
  let ran = 0;
  const tasks = Array.from({ length: 6 }, () => () => ++ran);
  const gates = tasks.map(() => Promise.withResolvers<void>());
  let next = 0;
  const loop = (async () => {
    const options = { pool: inline({ concurrency: 9 }), limit: 2 };
    for await (const _ of processResults(run(tasks), () => gates[next++]?.promise, options));
  })();
  await settle();
  expect(ran).toBe(2);
  for (const { resolve } of gates) resolve();
  await loop;
  expect(ran).toBe(6);
});

test('a failure of the processing is reported, and affects nothing else', async () => {
  const statuses: string[] = [];
  const process = ({ path }: ResultData): void => {
    if (path === 't1') throw new Error('no disk');
  };
  for await (const { result, processed } of processResults(run(numbers(3)), process))
    statuses.push(`${result.path} ${result.status} ${processed.status}`);
  expect(statuses).toEqual(['t0 returned returned', 't1 returned threw', 't2 returned returned']);
});

test('a task with args can do it, in any pool', async () => {
  const digest = task({ name: 'digest', args: type<ResultData<number>>() }, ({ args }) => `<${args.value}>`);
  const seen: unknown[] = [];
  for await (const { processed } of processResults(run(numbers(2)), digest)) seen.push(processed.value);
  expect(seen).toEqual(['<0>', '<1>']);
});

test('leaving the loop leaves the run', async () => {
  const going = run(numbers(5));
  for await (const _ of processResults(going, () => {})) break;
  expect((await going.summary).counts.skipped).toBeGreaterThan(0);
});
