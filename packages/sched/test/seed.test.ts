/** What the original Python pexen did, behaviour by behaviour, and that its known defects are fixed. */
import { isPexenError, type Pool, type Problem, type Result, task, withMeta } from '@pexen/core';
import { expect, test, vi } from 'vitest';
import { settle } from '#scripted-clock';
import { controlled, inline, metaOf, type RunOptions, run, TaskFailError } from '../src/index.ts';
import { simulate } from '../src/machine/simulate.ts';
import { CompiledTasks } from '../src/plan/compiled-tasks.ts';

type Meta = Parameters<typeof withMeta>[1];

function named(name: string, meta: Meta = {}, body: () => unknown = () => name): () => unknown {
  return withMeta(() => body(), { name, ...meta });
}

async function collect(tasks: Iterable<() => unknown>, options?: RunOptions): Promise<Result[]> {
  const all: Result[] = [];
  for await (const result of run(tasks, options)) all.push(result);
  return all;
}

async function outcomes(tasks: Iterable<() => unknown>, options?: RunOptions): Promise<string[]> {
  return (await collect(tasks, options)).map(({ path, status }) => `${path} ${status}`);
}

function problemsOf(action: () => unknown): readonly Problem[] {
  try {
    action();
  } catch (error) {
    if (isPexenError(error)) return error.problems;
  }
  return [];
}

const throws = (): never => {
  throw new RangeError('no');
};

test('seed: any collection of callables runs', async () => {
  expect(await outcomes(new Set([named('a'), named('b')]))).toEqual(['a returned', 'b returned']);
});

test('seed: more can be added before a run', async () => {
  const going = run([named('a')]);
  going.add([named('b')]);
  expect((await going.summary).counts).toEqual({ returned: 2 });
});

test('seed: an empty set runs and yields nothing', async () => {
  expect(await collect([])).toEqual([]);
});

test('seed: running again after the end, with further tasks, works (as a new run)', async () => {
  const tasks = [named('a')];
  expect(await outcomes(tasks)).toEqual(['a returned']);
  tasks.push(named('b'));
  expect(await outcomes(tasks)).toEqual(['a returned', 'b returned']);
});

test('seed: metadata is put on the callable itself and can be read from it', () => {
  const build = withMeta(() => 1, { provides: ['bin'], priority: 3 });
  expect(metaOf(build)).toEqual({ provides: ['bin'], priority: 3 });
  expect(build()).toBe(1);
});

test('seed: a bare string where a list belongs is refused, with a hint', () => {
  const [problem] = problemsOf(() => run([withMeta(() => 1, { requires: 'x' as never })]));
  expect(problem).toMatchObject({ code: 'PEXEN_BAD_META', hint: "Write requires: ['x']." });
});

test('seed: unknown fields and wrong types are refused, all at once', () => {
  const wrong = withMeta(() => 1, { priorty: 1, claims: 7 } as never);
  expect(problemsOf(() => run([wrong])).map(({ code }) => code)).toEqual([
    'PEXEN_UNKNOWN_META',
    'PEXEN_BAD_META',
  ]);
});

test('seed: lower priority goes first, the default is 0', async () => {
  const tasks = [named('later', { priority: 1 }), named('middle'), named('first', { priority: -1 })];
  expect(await outcomes(tasks)).toEqual(['first returned', 'middle returned', 'later returned']);
});

test('seed: the first provider that ends satisfies all tasks that require the capability', async () => {
  const slow = Promise.withResolvers<void>();
  const tasks = [
    named('slow', { provides: ['x'] }, () => slow.promise),
    named('quick', { provides: ['x'] }),
    named('one', { requires: ['x'] }),
    named('two', { requires: ['x'] }, () => slow.resolve()),
  ];
  const order = await outcomes(tasks, { pool: inline({ concurrency: 2 }) });
  expect(order).toEqual(['quick returned', 'one returned', 'two returned', 'slow returned']);
});

test('seed: unmet requirements are an error before the run, which lists what is missing', () => {
  const tasks = [named('a', { requires: ['x', 'y'] }), named('b', { requires: ['z'] })];
  const messages = problemsOf(() => run(tasks)).map(({ message }) => message);
  expect(messages).toEqual([
    'requires "x", which no task provides',
    'requires "y", which no task provides',
    'requires "z", which no task provides',
  ]);
});

test('seed: a capability that no task requires is a warning', () => {
  const warnings: string[] = [];
  run([named('a', { provides: ['x'] })], {
    onWarning: ({ code, task: path }) => warnings.push(`${code} ${path}`),
  });
  expect(warnings).toEqual(['PEXEN_UNUSED a']);
});

test('seed: several users run at the same time, a claimer alone', async () => {
  let inside = 0;
  const most: Record<string, number> = {};
  const enters = (name: string, meta: Meta) =>
    named(name, meta, async () => {
      inside++;
      await settle();
      most[name] = inside;
      inside--;
    });
  const tasks = [
    ...[enters('u1', { uses: ['r'], priority: -1 }), enters('u2', { uses: ['r'], priority: -1 })],
    enters('c', { claims: ['r'] }),
  ];
  await collect(tasks, { pool: inline({ concurrency: 4 }) });
  expect(most).toEqual({ u1: 2, u2: 1, c: 1 });
});

test('seed: resources are any comparable value', async () => {
  const [one, other] = [{ name: 'one' }, Symbol('other')];
  const tasks = [named('a', { claims: [one, 7] }), named('b', { uses: [one], claims: [other] })];
  expect(await outcomes(tasks)).toEqual(['a returned', 'b returned']);
});

test('seed: one value in both uses and claims is an error', () => {
  const [problem] = problemsOf(() => run([named('a', { uses: ['r'], claims: ['r'] })]));
  expect(problem?.code).toBe('PEXEN_USED_AND_CLAIMED');
});

test('seed: all resources are taken at once, so that crossing claims do not lock each other out', async () => {
  const tasks = [named('a', { claims: ['x', 'y'] }, settle), named('b', { claims: ['y', 'x'] }, settle)];
  expect(await outcomes(tasks, { pool: inline({ concurrency: 2 }) })).toEqual(['a returned', 'b returned']);
});

test('seed: a body may take the shared dictionary, args, both or nothing', async () => {
  const bodies = [
    task({ name: 'nothing' }, () => 'nothing'),
    task({ name: 'shared' }, ({ shared }) => shared.preset),
    task({ name: 'args', args: { n: 1 } }, ({ args }) => args.n),
    task({ name: 'both', args: { n: 2 } }, ({ args, shared }) => [args.n, shared.preset]),
  ];
  const values: unknown[] = [];
  for await (const { value } of run(bodies, { shared: { preset: 'all' } })) values.push(value);
  expect(values).toEqual(['nothing', 'all', 1, [2, 'all']]);
});

test('seed: a dictionary is merged into those of the tasks that require what its task provides, and is in the result', async () => {
  const a = task({ name: 'a', provides: ['x'] }, ({ shared }) => {
    shared.from = 'a';
  });
  const b = task({ name: 'b', requires: ['x'] }, ({ shared }) => shared.from);
  const c = task({ name: 'c' }, ({ shared }) => shared.from);
  const results: Result[] = [];
  for await (const result of run([a, b, c])) results.push(result);
  expect(results.map(({ value, shared }) => [value, { ...shared }])).toEqual([
    [undefined, { from: 'a' }],
    ['a', { from: 'a' }],
    [undefined, {}],
  ]);
});

test('seed: a raised exception is in the result; what it held is not released, what it provides is not available', async () => {
  const tasks = [
    named('a', { provides: ['x'], claims: ['r'] }, throws),
    named('b', { requires: ['x'] }),
    named('c', { uses: ['r'] }),
  ];
  const going = run(tasks);
  const { rest, counts, poisoned } = await going.summary;
  expect(rest[0]?.error).toBeInstanceOf(RangeError);
  expect(rest[0]?.error).toMatchObject({ stack: expect.stringContaining('seed.test.ts') });
  expect(counts).toEqual({ threw: 1, skipped: 2 });
  expect(poisoned).toEqual(['r']);
});

test.each([
  { depsOk: true, locksOk: true, left: ['b returned', 'c returned'] },
  { depsOk: false, locksOk: true, left: ['b skipped', 'c returned'] },
  { depsOk: true, locksOk: false, left: ['b returned', 'c skipped'] },
  { depsOk: false, locksOk: false, left: ['b skipped', 'c skipped'] },
])('seed: a controlled failure says what may go on: $depsOk, $locksOk', async ({ left, ...flags }) => {
  class Failed extends TaskFailError {
    readonly checks: number = 3;
  }
  const fails = named('a', { provides: ['x'], claims: ['r'] }, () => {
    throw new Failed('no', flags);
  });
  const results = await collect([fails, named('b', { requires: ['x'] }), named('c', { claims: ['r'] })]);
  expect(results[0]).toMatchObject({ status: 'failed', error: { checks: 3 } });
  expect(
    results
      .slice(1)
      .map(({ path, status }) => `${path} ${status}`)
      .sort(),
  ).toEqual(left);
});

test('seed: whatever a callable raises can be wrapped into a controlled failure', async () => {
  const wrapped = withMeta(() => controlled(throws, { depsOk: false })(undefined), {
    name: 'a',
    provides: ['x'],
    claims: ['r'],
  });
  const tasks = [wrapped, named('b', { requires: ['x'] }), named('c', { claims: ['r'] })];
  const results = await collect(tasks);
  expect(results.map(({ status }) => status).sort()).toEqual(['failed', 'returned', 'skipped']);
  expect(results[0]?.error).toMatchObject({ cause: expect.any(RangeError) });
});

test('seed: nothing new is scheduled while the consumer works on a result', async () => {
  let ran = 0;
  const tasks = Array.from({ length: 5 }, () => () => ++ran);
  for await (const { value } of run(tasks)) {
    await settle();
    expect(ran).toBe(value);
  }
});

test('seed: spare tasks are passed to the pool beyond its workers', async () => {
  let handed = 0;
  const gate = Promise.withResolvers<void>();
  const pool: Pool = {
    manifest: { ...inline().manifest, name: 'queueing' },
    open: (context) => Promise.resolve(context.slotsChanged(1)),
    run: async () => {
      handed++;
      await gate.promise;
      return { kind: 'returned', value: undefined };
    },
    close: () => Promise.resolve(),
  };
  const going = run([named('a'), named('b'), named('c'), named('d')], { pool, spare: 2 });
  const summary = going.summary;
  await settle();
  expect(handed).toBe(3);
  gate.resolve();
  expect((await summary).counts).toEqual({ returned: 4 });
});

test('seed: a killed worker does not hang the run (known defect)', async () => {
  const pool: Pool = {
    ...inline(),
    manifest: inline().manifest,
    open: (context) => Promise.resolve(context.slotsChanged(2)),
    run: ({ path }, ticket) => {
      ticket.started('w1');
      return path === 'a' ? { kind: 'crashed', reason: 'SIGKILL' } : { kind: 'returned', value: path };
    },
    close: () => Promise.resolve(),
  };
  const tasks = [named('a', { provides: ['x'], claims: ['r'] }), named('b', { requires: ['x'] }), named('c')];
  expect((await outcomes(tasks, { pool })).sort()).toEqual(['a crashed', 'b skipped', 'c returned']);
});

test('seed: writers do not starve under a stream of readers (known defect)', async () => {
  const order: string[] = [];
  const reader = (at: number) => named(`r${at}`, { uses: ['r'], priority: -1 }, settle);
  const tasks = [
    ...Array.from({ length: 400 }, (_, at) => reader(at)),
    named('writer', { claims: ['r'], priority: -2 }),
  ];
  tasks.unshift(named('first', { uses: ['r'], priority: -3 }, settle));
  for await (const { path } of run(tasks, { pool: inline({ concurrency: 4 }) })) order.push(path);
  expect(order.indexOf('writer')).toBeLessThan(75);
});

test('seed: a completion does not try all waiters again (known defect)', () => {
  const count = 5_000;
  const plan = new CompiledTasks({ pools: [{ name: 'default', manifest: inline().manifest, spare: 0 }] });
  plan.add(
    Array.from({ length: count }, (_, at) => named(`t${at}`, { claims: ['r'], uses: [`u${at % 7}`] })),
  );
  const tryTake = vi.spyOn(plan.locks, 'tryTake');
  expect(simulate(plan).order).toHaveLength(count);
  expect(tryTake.mock.calls.length / count).toBeLessThan(3);
});
