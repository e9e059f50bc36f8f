/** Options of a wrong type are refused by name, together with all problems of the tasks. */
import { isPexenError, type Problem, task } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, type RunOptions, run } from '../src/index.ts';

const member = task({ name: 'member', group: 'vm' }, () => 1);

function problemsOf(options: object, tasks: Parameters<typeof run>[0] = [() => 1]): readonly Problem[] {
  try {
    run(tasks, options as RunOptions);
  } catch (error) {
    if (isPexenError(error)) return error.problems;
    throw error;
  }
  return [];
}

test.each([
  [{ signal: 5 }, 'run: signal must be an AbortSignal, not 5'],
  [{ weights: 5 }, 'run: weights must be a function, not 5'],
  [{ judge: 5 }, 'run: judge must be a function, not 5'],
  [{ reinterpret: 'x' }, 'run: reinterpret must be a function, not "x"'],
  [{ onWarning: {} }, 'run: onWarning must be a function, not an object'],
  [{ clock: 5 }, 'run: clock must be a clock with now(), wallNow() and after(), not 5'],
  [{ capacities: 5 }, 'run: capacities must be an object, or a list of pairs, not 5'],
  [{ shared: 5 }, 'run: shared must be an object, not 5'],
  [{ defaults: 5 }, 'run: defaults must be an object, not 5'],
  [{ facts: 5 }, 'run: facts must be an object, not 5'],
  [{ spare: 1.5 }, 'run: spare must be a whole number, 0 or more, or Infinity, not 1.5'],
  [{ pool: {} }, 'run: pool must be a pool, or a function that makes one, not an object'],
  [{ pool: () => ({}) }, 'run: what pool() makes must be a pool, not an object'],
  [{ pools: { far: 5 } }, 'run: pools.far must be a pool, or a function that makes one, not 5'],
  [{ pools: 5 }, 'run: pools must be an object, by name, not 5'],
  [{ groups: { vm: {} } }, 'run: groups.vm needs the option "pool"'],
  [{ groups: { vm: inline() } }, 'run: groups.vm must be an object with a pool, not the pool itself'],
  [{ groups: { vm: inline } }, 'run: groups.vm must be an object with a pool, not the pool itself'],
  [{ groups: { vm: { pool: inline, workrs: 2 } } }, 'run: groups.vm has no option "workrs"'],
  [
    { groups: { vm: { pool: {} } } },
    'run: groups.vm.pool must be a pool, or a function that makes one, not an object',
  ],
])('%o', (options, message) => {
  expect(problemsOf(options)).toMatchObject([{ code: 'PEXEN_BAD_OPTION', message }]);
});

test('all of them come in one error, with what is wrong with the tasks', () => {
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => 1);
  expect(problemsOf({ signal: 5, judge: 5, groups: { vm: {} } }, [lost]).map(({ code }) => code)).toEqual([
    ...['PEXEN_BAD_OPTION', 'PEXEN_BAD_OPTION', 'PEXEN_BAD_OPTION', 'PEXEN_UNKNOWN_REQUIREMENT'],
  ]);
});

test('a pool factory may be passed itself', async () => {
  const going = run([() => 1, member], { pool: inline, groups: { vm: { pool: inline } } });
  expect((await going.summary).counts).toEqual({ returned: 2 });
});

test.each([Number.NaN, -1, '5', null, Infinity])('weights that return %s', (weight) => {
  const message = `weights("task") must return milliseconds, 0 or more, or undefined, not ${typeof weight === 'string' ? 'a string' : weight}`;
  expect(problemsOf({ weights: () => weight })).toMatchObject([{ code: 'PEXEN_BAD_OPTION', message }]);
});

test.each([
  [5, '5'],
  [undefined, 'undefined'],
  [{ kind: 'fine' }, 'one of the kind "fine"'],
])('reinterpret that returns %o', async (outcome, what) => {
  const { rest } = await run([() => 1], { reinterpret: () => outcome as never }).summary;
  expect(rest).toMatchObject([{ status: 'threw' }]);
  expect(String(rest[0]?.error)).toContain(`reinterpret must return an outcome, not ${what}`);
});

test('a pool that a run uses is refused by run(), until that run has ended', async () => {
  const pool = inline();
  const first = run([() => 1], { pool });
  const idle = run([() => 2], { pool });
  const results = first[Symbol.asyncIterator]();
  await results.next();
  expect(problemsOf({ pools: { far: pool } })).toMatchObject([
    { code: 'PEXEN_POOL_IN_USE', message: 'pools.far: the pool is open already, for another run' },
  ]);
  expect(await results.next()).toMatchObject({ done: true });
  expect((await idle.summary).counts).toEqual({ returned: 1 });
});

test('one object cannot be two pools of a run', () => {
  const pool = inline();
  expect(problemsOf({ pool, pools: { far: pool } })).toMatchObject([
    { code: 'PEXEN_POOL_IN_USE', message: 'pools.far is the same object as another pool of the run' },
  ]);
});
