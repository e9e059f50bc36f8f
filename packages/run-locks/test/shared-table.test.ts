import { describe, expect, test } from 'vitest';
import type { FromTable, SharedRequest } from '../src/protocol/messages.ts';
import { SharedTable } from '../src/protocol/shared-table.ts';

/** A table, and what it has reported. */
class TableOfTest {
  readonly sent: (FromTable & { readonly run: string })[] = [];
  readonly table = new SharedTable((run, message) => this.sent.push({ run, ...message }));

  constructor(...runs: readonly string[]) {
    for (const run of runs) this.table.hello(infoOf(run), [], []);
  }

  /** The requests that were granted since the last call. */
  granted(): number[] {
    return this.sent.splice(0).flatMap((message) => (message.type === 'granted' ? [message.id] : []));
  }
}

function infoOf(run: string) {
  return { run, label: `the run ${run}` };
}

function claim(id: number, resource: string, more: Partial<SharedRequest> = {}): SharedRequest {
  const claims = [resource.split('/').filter((part) => part !== '')];
  return { id, task: `t${id}`, uses: [], claims, amounts: [], priority: 0, rank: 0, ...more };
}

function use(id: number, resource: string): SharedRequest {
  const { claims, ...rest } = claim(id, resource);
  return { ...rest, uses: claims, claims: [] };
}

test('the table of a run and that of several have the same rule of conflict', () => {
  const world = new TableOfTest('a', 'b');
  world.table.acquire('a', use(1, '/dev/gpu'));
  world.table.acquire('b', use(2, '/dev'));
  expect(world.granted()).toEqual([1, 2]);
  world.table.acquire('b', claim(3, '/dev/gpu/0'));
  world.table.acquire('b', claim(4, '/dev/cam'));
  expect(world.sent).toEqual([
    {
      run: 'b',
      type: 'awaited',
      id: 3,
      resource: '/dev/gpu',
      holders: ['"t1" of the run a', '"t2" of the run b'],
    },
    { run: 'b', type: 'awaited', id: 4, resource: '/dev', holders: ['"t2" of the run b'] },
  ]);
  world.table.release('b', 2);
  expect(world.granted()).toEqual([4]);
  world.table.release('a', 1);
  expect(world.granted()).toEqual([3]);
});

describe('fairness', () => {
  test('runs take turns, however many tasks they have', () => {
    const world = new TableOfTest('many', 'few');
    for (let id = 1; id <= 100; id++) world.table.acquire('many', claim(id, 'db'));
    for (const id of [201, 202, 203]) world.table.acquire('few', claim(id, 'db'));
    const order = world.granted();
    while (order.length < 8) {
      const last = order.at(-1) as number;
      world.table.release(last > 200 ? 'few' : 'many', last);
      order.push(...world.granted());
    }
    expect(order).toEqual([1, 201, 2, 202, 3, 203, 4, 5]);
  });

  test('a run that comes late does not make up for what it did not ask for', () => {
    const world = new TableOfTest('early');
    for (let id = 1; id <= 50; id++) {
      world.table.acquire('early', claim(id, 'db'));
      world.table.release('early', id);
    }
    world.sent.length = 0;
    world.table.hello(infoOf('late'), [], [claim(101, 'db'), claim(102, 'db'), claim(103, 'db')]);
    world.table.acquire('early', claim(51, 'db'));
    world.table.release('late', 101);
    expect(world.granted()).toEqual([101, 51]);
  });

  test.each([
    ['asked for nothing', ['busy', 'back']],
    ['was not there', ['busy']],
  ])('a run that %s for a while does not make up for it', (_what, present) => {
    const world = new TableOfTest(...present);
    world.table.recover([{ ...infoOf('back'), holds: [] }]);
    world.table.acquire('busy', claim(1, 'db'));
    for (let id = 1; id <= 20; id++) {
      world.table.acquire('busy', claim(id + 1, 'db'));
      world.table.release('busy', id);
    }
    world.sent.length = 0;
    const wants = [101, 102, 103].map((id) => claim(id, 'db'));
    world.table.hello(infoOf('back'), [], wants);
    for (const id of [22, 23]) world.table.acquire('busy', claim(id, 'db'));
    const order = [21];
    while (order.length < 5) {
      const last = order.at(-1) as number;
      world.table.release(last > 100 ? 'back' : 'busy', last);
      order.push(...world.granted());
    }
    expect(order).toEqual([21, 101, 22, 102, 23]);
  });

  test('within a run, priority, rank and order decide', () => {
    const world = new TableOfTest('a', 'b');
    world.table.acquire('b', claim(9, 'db'));
    world.table.acquire('a', claim(1, 'db'));
    world.table.acquire('a', claim(2, 'db', { rank: 5 }));
    world.table.acquire('a', claim(3, 'db', { priority: -1 }));
    world.table.release('b', 9);
    for (const id of [3, 2, 1]) world.table.release('a', id);
    expect(world.granted()).toEqual([9, 3, 2, 1]);
  });

  test('a wide request is not starved by runs that alternate on parts of it', () => {
    const world = new TableOfTest('left', 'right', 'wide');
    let id = 0;
    const held: [string, number][] = [];
    const start = (run: string) => {
      held.push([run, ++id]);
      world.table.acquire(run, claim(id, `/dev/${run}`));
    };
    start('left');
    start('right');
    world.table.acquire('wide', claim(1_000, '/dev'));
    let rounds = 0;
    while (!world.granted().includes(1_000)) {
      const [run, last] = held.shift() as [string, number];
      start(run); // before it releases: one of them is always held
      world.table.release(run, last);
      if (++rounds > 200) break;
    }
    expect(rounds).toBeLessThan(140);
  });
});

test('what a run held when it was killed can be had, and is reported once', () => {
  const world = new TableOfTest('a', 'b');
  world.table.acquire('a', claim(1, '/dev/gpu'));
  world.table.acquire('b', claim(2, '/dev/gpu/0'));
  world.table.lost('a');
  world.sent.length = 0;
  world.table.look();
  expect(world.sent).toEqual([
    {
      run: 'b',
      type: 'awaited',
      id: 2,
      resource: '/dev/gpu',
      holders: ['"t1" of the run a, which does not answer'],
    },
  ]);
  world.table.gone('a');
  const left = { resource: '/dev/gpu', task: 't1', by: 'the run a' };
  expect(world.sent.at(-1)).toEqual({ run: 'b', type: 'granted', id: 2, number: 2, left: [left] });
  world.table.release('b', 2);
  world.table.acquire('b', claim(3, '/dev/gpu'));
  expect(world.sent.at(-1)).toEqual({ run: 'b', type: 'granted', id: 3, number: 3, left: [] });
});

test('units are shared, and runs must mean the same by them', () => {
  const world = new TableOfTest('a', 'b');
  const take = (id: number, count: number, capacity = 3): SharedRequest => ({
    ...claim(id, 'x'),
    claims: [],
    amounts: [{ resource: ['license'], count, capacity }],
  });
  world.table.acquire('a', take(1, 2));
  world.table.acquire('b', take(2, 1));
  expect(world.granted()).toEqual([1, 2]);
  world.table.acquire('b', take(3, 1));
  world.table.acquire('b', take(4, 1, 5));
  expect(world.sent.map(({ type }) => type)).toEqual(['awaited', 'refused']);
  world.table.release('a', 1);
  expect(world.granted()).toEqual([3]);
});

test('of two holds that conflict, the one of the later epoch counts: the other run was stopped when its epoch ended', () => {
  const world = new TableOfTest();
  const written = (run: string, id: number, epoch: number, number: number) => ({
    ...infoOf(run),
    holds: [{ request: claim(id, 'db'), epoch, number }],
  });
  world.table.recover([written('b', 2, 1, 7), written('a', 1, 2, 6)]);
  world.table.hello(infoOf('c'), [], [claim(3, 'db')]);
  expect(world.sent.at(-1)).toMatchObject({
    run: 'c',
    id: 3,
    holders: ['"t1" of the run a, which does not answer'],
  });
});
