/** If a task fails after the worker of one of its providers was gone, the result reports that as a possible reason. */
import {
  type Pool,
  type PoolContext,
  type ProviderGone,
  type RunEvent,
  type TaskMeta,
  task,
} from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, type Result, run } from '../src/index.ts';

/** Runs bodies in this thread, in the name of workers: `workerOf` names the worker of a path. */
function namedWorkers(workerOf: (path: string) => string): Pool & { readonly context: () => PoolContext } {
  const inner = inline();
  let context: PoolContext | undefined;
  return {
    manifest: { ...inner.manifest, transport: 'clone' },
    open: (reported) => {
      context = reported;
      return inner.open(reported);
    },
    run: (assignment, ticket) =>
      inner.run(assignment, {
        get signal() {
          return ticket.signal;
        },
        started: () => ticket.started(workerOf(assignment.path)),
        report: (update) => ticket.report(update),
      }),
    close: (how) => inner.close(how),
    context: () => context as PoolContext,
  };
}

/** A task that also provides its name. */
const named = (name: string, meta: TaskMeta, body: (context: { report(finding: object): void }) => void) =>
  task({ ...meta, name, provides: [name, ...(meta.provides ?? [])] } as TaskMeta, body as never);

const fails = (): never => {
  throw new Error('fetch failed');
};

/** What each result reports about providers, by path. Events report the same. */
async function goneIn(
  tasks: Parameters<typeof run>[0],
  pool: Pool,
): Promise<Record<string, readonly ProviderGone[] | undefined>> {
  const found: Record<string, readonly ProviderGone[] | undefined> = {};
  const reported: Record<string, readonly ProviderGone[] | undefined> = {};
  const going = run(tasks, { pool: () => pool, spare: 0 });
  going.events.on('event', (event: RunEvent) => {
    if (event.type === 'task-finished') reported[event.path] = event.providersGone;
  });
  for await (const { path, providersGone } of going as AsyncIterable<Result>) found[path] = providersGone;
  expect(reported).toEqual(found);
  return found;
}

test('also indirect providers, nearest first; not for tasks that passed, shared the worker, or required nothing there', async () => {
  const pool = namedWorkers((path) => ({ server: 'w0', schema: 'w1', mate: 'w0' })[path] ?? 'w2');
  const found = await goneIn(
    [
      named('server', { provides: ['db'] }, () => {}),
      named('schema', { requires: ['db'], provides: ['schema'] }, () => {}),
      named('early', { requires: ['db'], after: ['schema'] }, fails),
      named('ends', { after: ['schema', 'early'], provides: ['end'] }, () => {
        pool.context().workerGone?.('w0', 'was ended by force');
        pool.context().workerGone?.('w0', 'and once more');
        pool.context().workerGone?.('unknown', 'never ran anything');
      }),
      named('passes', { requires: ['schema'], after: ['end'] }, () => {}),
      named('far', { requires: ['schema'], after: ['end'] }, fails),
      named('other', { after: ['end'] }, fails),
      named('last', { after: ['passes', 'far', 'other'] }, () => {
        pool.context().workerLost('w1', 'exited with code 3');
      }),
      named('both', { requires: ['schema'], after: ['last'] }, fails),
    ],
    pool,
  );
  const server = { provider: 'server', worker: 'w0', reason: 'was ended by force' };
  const schema = { provider: 'schema', worker: 'w1', reason: 'exited with code 3' };
  expect(found).toEqual({
    ...{ server: undefined, schema: undefined, early: undefined, ends: undefined, last: undefined },
    ...{ passes: undefined, other: undefined, far: [server], both: [schema, server] },
  });
});

test('a new worker of the same name is another one, and the last attempt counts', async () => {
  const pool = namedWorkers(() => 'w0');
  let attempts = 0;
  const found = await goneIn(
    [
      named('first', { provides: ['a'] }, () => {}),
      named('ends', { after: ['a'], provides: ['end'] }, () => {}),
      named('server', { provides: ['db'], after: ['end'], retries: 1 }, () => {
        if (++attempts === 1) pool.context().workerLost('w0', 'died');
        if (attempts === 1) throw new Error('again');
      }),
      named('late', { requires: ['db'], after: ['end'] }, fails),
      named('old', { requires: ['a'], after: ['late'] }, fails),
    ],
    pool,
  );
  expect(found.late).toBeUndefined();
  expect(found.old).toEqual([{ provider: 'first', worker: 'w0', reason: 'died' }]);
});

test('a cleanup keeps the facts about the attempt before it', async () => {
  const pool = namedWorkers((path) => path);
  const found: Result[] = [];
  for await (const result of run(
    [
      named('server', { provides: ['db'] }, () => {}),
      named('ends', { after: ['db'] }, () => pool.context().workerLost('server', 'died')),
      named('asks', { requires: ['db'], after: ['ends'], cleanup: () => {} }, ({ report }) => {
        report({ name: 'seen', status: 'warn' });
        fails();
      }),
    ],
    { pool: () => pool },
  ))
    found.push(result);
  expect(found.at(-1)).toMatchObject({
    findings: [{ name: 'seen' }],
    providersGone: [{ provider: 'server', reason: 'died' }],
  });
});
