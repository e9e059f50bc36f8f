/** What the factories of the original Python pexen do, besides the tests that are named "seed: …" in the other files here. */
import { type ExecutableBody, place, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { collect, executables, type Factory, under } from '../src/index.ts';
import { facts } from './facts.ts';
import { definition, made, paths, program, scratch } from './scratch.ts';

test('seed: a factory may run another, hands on its own path, pushes a level around it, and passes its tasks through', async () => {
  const leaf = task({ name: 'leaf' }, () => 1);
  const inner: Factory = {
    kind: 'inner',
    describe: 'inner',
    async *make({ under: path = [] }) {
      yield place([...path, 'inner'], leaf);
    },
  };
  const outer: Factory = {
    kind: 'outer',
    describe: 'outer',
    async *make(context) {
      yield* inner.make(context);
      for await (const each of under('pushed', inner).make(context)) yield each;
    },
  };
  const got = await collect(outer, { root: '/', under: ['top'] });
  expect(paths(got)).toEqual(['top/inner/leaf', 'top/pushed/inner/leaf']);
  expect(got.tasks.map((each) => each.task)).toEqual([leaf, leaf]);
});

test('seed: factory time is ordinary code: what it yields depends on what it finds', async () => {
  const dir = scratch({ 'a.sh': program(), 'b.sh': program() });
  const matrix: Factory = {
    kind: 'matrix',
    describe: 'every program, with and without a flag',
    async *make(context) {
      for (const argv of [[], ['--fast']])
        for await (const each of executables({ dir: '.', argv }).make(context))
          yield place([argv.join() || 'plain', ...each.under], each.task);
    },
  };
  const got = await made(matrix, dir);
  expect(paths(got)).toEqual(['plain/a.sh', 'plain/b.sh', '--fast/a.sh', '--fast/b.sh']);
  expect(got.tasks.map((each) => (definition(each).body as ExecutableBody).argv)).toEqual([
    [],
    [],
    ['--fast'],
    ['--fast'],
  ]);
});

test('seed: the result of a program shows how it ended; every exit code except 0 is an error', async () => {
  const dir = scratch({ 'a.sh': program() });
  const { tasks } = await made(executables({ dir: '.', env: { LEVEL: '3' }, cwd: '/' }), dir);
  const [placed] = tasks;
  if (placed === undefined) throw new Error('no task');
  const { interpret, env, cwd } = definition(placed).body as ExecutableBody;
  expect({ env, cwd }).toEqual({ env: { LEVEL: '3' }, cwd: '/' });
  expect(interpret(facts({ exitCode: 0, stdout: 'done' })).outcome).toMatchObject({
    ...{ kind: 'returned', value: { exitCode: 0 } },
  });
  expect(interpret(facts({ exitCode: 3, stderr: 'no' })).outcome).toMatchObject({
    ...{ kind: 'failed', depsOk: false, locksOk: true },
    error: { message: 'exit code 3: no' },
  });
});
