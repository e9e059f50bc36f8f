/** Set-ups of nodes in real runs: their values, their results, and the record of their decisions. */
import { key, type RunEvent, TaskFailError, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { plan, type Result, run } from '../src/index.ts';
import { type RecordedStep, Recorder, replay } from '../src/replay.ts';
import { NodePool } from './node-pool.ts';

const n1 = { name: 'n1', properties: { disk: 'ssd' }, slots: 1, bootMark: 'a' };
const n2 = { name: 'n2', properties: { disk: 'hdd' }, slots: 1, bootMark: 'b' };

async function resultsOf(going: AsyncIterable<Result>): Promise<Record<string, Result>> {
  const found: Record<string, Result> = {};
  for await (const result of going) found[result.path] = result;
  return found;
}

test('what a set-up provides belongs to its node', async () => {
  const port = key<string>('port');
  const pool = new NodePool([n1, n2]);
  let count = 0;
  const setup = task({ name: 'setup', perNode: true, provides: [port, 'ready'] }, ({ set, shared }) => {
    count++;
    set(port, `port ${count}`);
    shared.from = count;
    return count;
  });
  const uses = (name: string, on: string) =>
    task({ name, requires: [port], on: ({ name: node }) => node === on }, ({ get, shared }) => [
      get(port),
      shared.from,
    ]);
  const results = await resultsOf(run([setup, uses('one', 'n1'), uses('two', 'n2')], { pool }));
  expect(results.one?.value).toEqual(['port 1', 1]);
  expect(results.two?.value).toEqual(['port 2', 2]);
  expect(pool.ran).toEqual({ 'setup@n1': ['n1'], 'setup@n2': ['n2'], one: ['n1'], two: ['n2'] });
  expect(results.setup).toMatchObject({ status: 'returned', value: { n1: 1, n2: 2 } });
});

test('a teardown gets the values of its node', async () => {
  const port = key<string>('port');
  const pool = new NodePool([n1, n2]);
  const setup = task({ name: 'setup', perNode: true, provides: [port] }, ({ set, path }) => set(port, path));
  const down = task({ name: 'down', tearsDown: port }, ({ get }) => get(port));
  const results = await resultsOf(
    run([setup, down, task({ name: 'a', requires: [port] }, () => 1)], { pool }),
  );
  expect(results['down@n1']?.value).toBe('setup@n1');
  expect(results['down@n2']?.value).toBe('setup@n2');
});

test('a set-up that fails takes only its node out, and each execution has a result', async () => {
  const pool = new NodePool([n1, n2]);
  const setup = task({ name: 'setup', perNode: true, provides: ['ready'] }, ({ path }) => {
    if (path.endsWith('n1')) throw new TaskFailError('no disk', { depsOk: false });
  });
  const tests = ['a', 'b', 'c'].map((name) => task({ name, requires: ['ready'] }, () => 1));
  const results = await resultsOf(run([setup, ...tests], { pool }));
  expect(Object.entries(results).map(([path, { status }]) => [path, status])).toEqual([
    ['setup@n1', 'failed'],
    ['setup@n2', 'returned'],
    ['a', 'returned'],
    ['b', 'returned'],
    ['c', 'returned'],
    ['setup', 'returned'],
  ]);
  expect(pool.ran).toMatchObject({ a: ['n2'], b: ['n2'], c: ['n2'] });
});

test('a node that joins while the run goes on is set up first', async () => {
  const pool = new NodePool([n1]);
  const setup = task({ name: 'setup', perNode: true, provides: ['ready'] }, () => 1);
  const tests = ['a', 'b', 'c', 'd'].map((name) => task({ name, requires: ['ready'] }, () => 1));
  const going = run([setup, ...tests], { pool });
  for await (const { path } of going) if (path === 'a') pool.change(n2);
  expect(pool.ran['setup@n2']).toEqual(['n2']);
  const onTwo = Object.entries(pool.ran).filter(([, nodes]) => nodes.includes('n2'));
  expect(onTwo.map(([path]) => path)[0]).toBe('setup@n2');
});

test('events say that the run itself has added the executions', async () => {
  const pool = new NodePool([n1]);
  const setup = task({ name: 'setup', perNode: true, provides: ['ready'] }, () => 1);
  const events: RunEvent[] = [];
  const going = run([setup, task({ name: 'a', requires: ['ready'] }, () => 1)], { pool });
  going.events.on('event', (event) => events.push(event));
  await going.summary;
  const added = events.flatMap((event) => (event.type === 'tasks-added' ? [event] : []));
  expect(added.map(({ origin, tasks }) => [origin, tasks.map(({ path }) => path)])).toEqual([
    ['start', ['setup', 'a']],
    ['node', ['setup@n1']],
  ]);
  expect(added[0]?.tasks[0]).toMatchObject({ perNode: true, recallable: false, scope: 'boot' });
  expect(added[1]?.tasks[0]).toMatchObject({ node: { name: 'n1', of: 'setup' }, recallable: false });
});

test('a record of a run with set-ups is replayed', async () => {
  const pool = new NodePool([n1, n2]);
  const steps: RecordedStep[] = [];
  const record = new Recorder((step) => steps.push(JSON.parse(JSON.stringify(step))));
  const tasks = [
    task({ name: 'setup', perNode: true, provides: ['ready'], on: 'disk=ssd' }, () => 1),
    task({ name: 'a', requires: ['ready'] }, () => 1),
    task({ name: 'down', tearsDown: 'ready' }, () => 1),
  ];
  const readOn =
    (text: string) =>
    ({ properties }: { properties: Readonly<Record<string, unknown>> }) =>
      `disk=${properties.disk}` === text;
  await run(tasks, { pool, record, readOn }).summary;
  expect(pool.ran).toEqual({ 'setup@n1': ['n1'], a: ['n1'], 'down@n1': ['n1'] });
  expect(replay(steps).differsAt).toBeUndefined();
});

test('a plan shows set-ups as the tasks that they are, and runs in pools with nodes and without', async () => {
  const tasks = [
    task({ name: 'setup', perNode: true, provides: ['ready'] }, () => 1),
    task({ name: 'a', requires: ['ready'] }, () => 1),
  ];
  const planned = plan(tasks, { pool: () => new NodePool([n1, n2]) });
  expect(planned.order).toEqual(['setup', 'a']);
  const first = await resultsOf(run(planned));
  expect(Object.keys(first)).toEqual(['setup@n1', 'setup@n2', 'a', 'setup']);
  const plain = plan(tasks);
  expect(Object.keys(await resultsOf(run(plain)))).toEqual(['setup', 'a']);
  expect(Object.keys(await resultsOf(run(plain, { pool: new NodePool([n2]) })))).toEqual([
    'setup@n2',
    'a',
    'setup',
  ]);
});
