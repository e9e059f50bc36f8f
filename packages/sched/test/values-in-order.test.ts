/** What a body receives from several providers and from one that comes late, and what a result keeps of one that was stopped. */
import { key, task } from '@pexen/core';
import { expect, it } from 'vitest';
import { anyOf, every, inline, run } from '../src/index.ts';

it('the values of all providers come in the order of their declaration, not of their ends', async () => {
  const port = key<number>('port');
  const ended = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  const serve = (at: number) =>
    task({ name: `serve-${at}`, provides: [port] }, async ({ set }) => {
      await ended[at]?.promise;
      set(port, at);
      ended[at - 1]?.resolve();
    });
  ended[3]?.resolve();
  const use = task({ name: 'use', requires: [every(port)] }, ({ getAll }) => getAll(port));
  const { rest } = await run([serve(1), serve(2), serve(3), use], { pool: inline({ concurrency: 3 }) })
    .summary;
  expect(rest.map(({ path }) => path)).toEqual(['serve-3', 'serve-2', 'serve-1', 'use']);
  expect(rest.at(-1)).toMatchObject({ value: [1, 2, 3] });
});

it('the values of all providers arrive although all had ended when the task was added', async () => {
  const port = key<number>('port');
  const servers = [1, 2, 3].map((at) =>
    task({ name: `serve-${at}`, provides: [port] }, ({ set, shared }) => {
      set(port, at);
      shared[at] = at;
    }),
  );
  const use = task({ name: 'use', requires: [every(port)] }, ({ getAll, shared }) => [
    getAll(port),
    Object.keys(shared),
  ]);
  const execution = run(servers);
  const values: unknown[] = [];
  for await (const { path, value } of execution) {
    if (path === 'serve-3') execution.add([use]);
    if (path === 'use') values.push(value);
  }
  expect(values).toEqual([
    [
      [1, 2, 3],
      ['1', '2', '3'],
    ],
  ]);
});

it('a task that is required before it is added counts as soon as it is', { timeout: 5_000 }, async () => {
  const hasRun = Promise.withResolvers<void>();
  const slow = task({ name: 'slow', provides: ['x'] }, () => hasRun.promise);
  const late = task({ name: 'late' }, () => {});
  const needs = task({ name: 'needs', requires: [anyOf(late, 'x')] }, () => hasRun.resolve());
  const execution = run([slow, needs], { pool: inline({ concurrency: 2 }) });
  execution.add([late]);
  const paths: string[] = [];
  for await (const { path } of execution) paths.push(path);
  expect(paths).toEqual(['late', 'needs', 'slow']);
});

it('the error of a stopped body is in its outcome', async () => {
  const started = Promise.withResolvers<void>();
  const stopped = task({ name: 'stopped' }, ({ signal }) => {
    started.resolve();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('the port is closed')));
    });
  });
  const quiet = task({ name: 'quiet' }, ({ signal }) => {
    return new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
    });
  });
  const execution = run([quiet, stopped], { pool: inline({ concurrency: 2 }) });
  void started.promise.then(() => execution.abort('enough'));
  const outcomes = new Map<string, unknown>();
  for await (const { path, attempts } of execution) outcomes.set(path, attempts[0]?.outcome);
  expect(outcomes.get('stopped')).toMatchObject({
    kind: 'cancelled',
    error: { message: 'the port is closed' },
  });
  expect(outcomes.get('quiet')).toMatchObject({ kind: 'cancelled' });
  expect(outcomes.get('quiet')).not.toHaveProperty('error');
});
