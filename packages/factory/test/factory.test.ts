/** Factories nest, combine, and are reusable. */
import { PexenError, place, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { collect, executables, type Factory, modules, together, tree, under } from '../src/index.ts';
import { made, paths, program, scratch } from './scratch.ts';

const one = task({ name: 'one' }, () => 1);

/** A factory of its own kind, as users may write one. */
function fixed(name: string, problem?: string): Factory {
  return {
    kind: 'fixed',
    describe: name,
    async *make({ under: above = [] }) {
      yield place([...above, name], one);
      if (problem !== undefined) throw new PexenError([{ code: 'PEXEN_TEST', message: problem }]);
    },
  };
}

test('the tasks of a factory are under its own path, and under that of its context', async () => {
  const factory = under('sys', under(['net', 'ipv4'], fixed('a')));
  expect(paths(await collect(factory, { root: '/', under: ['top'] }))).toEqual(['top/sys/net/ipv4/a/one']);
  expect(paths(await collect(factory, { root: '/' }))).toEqual(['sys/net/ipv4/a/one']);
});

test('several are combined in their order', async () => {
  const factory = together(under('x', fixed('b')), fixed('a'), together(fixed('c')));
  expect(paths(await collect(factory, { root: '/' }))).toEqual(['x/b/one', 'a/one', 'c/one']);
  expect(factory.describe).toBe('b, a, c');
});

test('arguments that are not factories, paths or options are refused', () => {
  for (const [act, message] of [
    [
      () => under(5 as never, fixed('a')),
      /^PEXEN_BAD_OPTION: under: its path must be a string or a list of strings, not a number\n/,
    ],
    [() => under('a', 5 as never), /^PEXEN_BAD_OPTION: under: expected a factory, got a number\n/],
    [
      () => together([fixed('a')] as never),
      /^PEXEN_BAD_OPTION: together: expected a factory, got a list\n {4}Write together\(/,
    ],
    [
      () => together(fixed('a'), undefined as never),
      /^PEXEN_BAD_OPTION: together: expected a factory, got undefined/,
    ],
    [
      () => executables(undefined as never),
      /^PEXEN_BAD_OPTION: executables: its options must be an object, not undefined\n {4}Write executables\(\{ dir: … \}\)\.$/,
    ],
    [() => modules(null as never), /^PEXEN_BAD_OPTION: modules: its options must be an object, not null/],
    [
      () => tree('tests' as never),
      /^PEXEN_BAD_OPTION: tree: its options must be an object, not a string\n {4}Write tree\(\{ dir: … \}\)\.$/,
    ],
  ] as const)
    expect(act).toThrow(message);
});

test('a factory that makes nothing causes one warning, whatever others make', async () => {
  const nothing: Factory = { kind: 'none', describe: 'checks of ci', async *make() {} };
  const warned = async (factory: Factory) => {
    const { warnings, problems } = await collect(factory, { root: '/' });
    expect(problems).toEqual([]);
    return warnings.map(({ code, message }) => `${code} ${message}`);
  };
  const warning = 'PEXEN_MADE_NOTHING the factory "checks of ci" made no task';
  expect(await warned(together(fixed('a'), under('x', nothing)))).toEqual([warning]);
  expect(await warned(together(together(nothing)))).toEqual([warning]);
  expect(await warned(together())).toEqual([]);
  const { warnings } = await collect(
    together(fixed('a'), { ...nothing, make: () => fixed('b', 'bad').make({ root: '/' }) }),
    { root: '/' },
  );
  expect(warnings).toEqual([]);
});

test('the problems of all of them come in one error, after all tasks', async () => {
  const factory = together(fixed('a', 'first'), fixed('b'), fixed('c', 'second'));
  const got = await collect(factory, { root: '/' });
  expect(paths(got)).toEqual(['a/one', 'b/one', 'c/one']);
  expect(got.problems.map(({ message }) => message)).toEqual(['first', 'second']);
  const tasks: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const each of factory.make({ root: '/' })) tasks.push(each);
  };
  await expect(read()).rejects.toThrow(/PEXEN_TEST: first\nPEXEN_TEST: second/);
  expect(tasks).toHaveLength(3);
});

/** A factory that violates the types. */
function careless(make: () => unknown): Factory {
  return { kind: 'careless', describe: 'mine', make } as unknown as Factory;
}

test('a factory that throws is named, and does not affect the others', async () => {
  const broken = careless(() => {
    throw new TypeError('a mistake in the factory');
  });
  const { tasks, problems } = await collect(together(under('x', broken), fixed('a')), { root: '/' });
  expect(tasks).toHaveLength(1);
  expect(problems).toEqual([
    {
      code: 'PEXEN_FACTORY_FAILED',
      message: 'the factory "mine" threw TypeError: a mistake in the factory',
      location: expect.objectContaining({ file: import.meta.filename }),
    },
  ]);
});

test.each([
  ['returned undefined instead of tasks', () => undefined],
  ['returned a number instead of tasks', () => 5],
  ['returned a promise instead of tasks', async () => []],
  ['yielded a number among its tasks', () => [7]],
  ['yielded an object among its tasks', () => [{ under: 'x', task: one }]],
])('a factory whose make() %s is named', async (what, make) => {
  const { problems } = await collect(careless(make), { root: '/' });
  expect(problems).toMatchObject([
    { code: 'PEXEN_BAD_FACTORY', message: `the factory "mine": its make() ${what}` },
  ]);
});

test('seed: a factory can be used again, and sees what is new', async () => {
  const dir = scratch({ 'a.sh': program(), 'b.sh': program() });
  const factory = executables({ dir: '.', exclude: ['b.sh'] });
  expect(paths(await made(factory, dir))).toEqual(['a.sh']);
  const again = await made(under('again', factory), dir);
  expect(paths(again)).toEqual(['again/a.sh']);
  expect(again.tasks[0]?.task).not.toBe((await made(factory, dir)).tasks[0]?.task);
});

test('warnings are collected, and reported to the context', async () => {
  const dir = scratch({ 'a.sh': program(), gone: { link: 'nowhere' } });
  const codes: string[] = [];
  const got = await made(executables({ dir: '.' }), dir, { warn: ({ code }) => codes.push(code) });
  expect(codes).toEqual(['PEXEN_BROKEN_LINK']);
  expect(got.warnings.map(({ code }) => code)).toEqual(codes);
});

test('capacities of resources are collected, the smallest counts; a wrong one is a problem', async () => {
  const stating = (...counts: readonly number[]): Factory => ({
    kind: 'stating',
    describe: 'stating',
    async *make({ capacity, under: path = [] }) {
      for (const count of counts) capacity?.('gpus', count);
      yield place(
        path,
        task({ name: 'a' }, () => 1),
      );
    },
  });
  const seen: unknown[] = [];
  const got = await collect(together(stating(4), under('b', stating(2, 3))), {
    root: '/',
    capacity: (resource, count) => seen.push([resource, count]),
  });
  expect([...got.capacities]).toEqual([['gpus', 2]]);
  expect(seen).toEqual([
    ['gpus', 4],
    ['gpus', 2],
    ['gpus', 3],
  ]);
  const { problems } = await collect(stating(0), { root: '/' });
  expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'PEXEN_BAD_OPTION capacity of "gpus": 0 is not a number above 0',
  ]);
});
