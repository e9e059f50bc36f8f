/** Options of a wrong type: refused by name, all of them and what is wrong with the tasks in one error. */
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
  [{ signal: 5 }, 'signal must be an AbortSignal, not a number'],
  [{ weights: 5 }, 'weights must be a function, not a number'],
  [{ judge: 5 }, 'judge must be a function, not a number'],
  [{ reinterpret: 'x' }, 'reinterpret must be a function, not a string'],
  [{ onWarning: {} }, 'onWarning must be a function, not an object'],
  [{ clock: 5 }, 'clock must be a clock with now(), wallNow() and after(), not a number'],
  [{ capacities: 5 }, 'capacities must be an object, or a list of pairs, not a number'],
  [{ shared: 5 }, 'shared must be an object, not a number'],
  [{ defaults: 5 }, 'defaults must be an object, not a number'],
  [{ facts: 5 }, 'facts must be an object, not a number'],
  [{ spare: 1.5 }, 'spare must be a whole number, not 1.5'],
  [{ pool: {} }, 'pool must be a pool, or a function that makes one, not an object'],
  [{ pool: () => ({}) }, 'what pool() makes must be a pool, or a function that makes one, not an object'],
  [{ pools: { far: 5 } }, 'pools.far must be a pool, or a function that makes one, not a number'],
  [{ pools: 5 }, 'pools must be an object, by name, not a number'],
  [{ groups: { vm: {} } }, 'groups.vm has no pool'],
  [{ groups: { vm: inline() } }, 'groups.vm must be an object with a pool'],
  [{ groups: { vm: inline } }, 'groups.vm must be an object with a pool'],
  [{ groups: { vm: { pool: inline, workrs: 2 } } }, 'groups.vm: has no option "workrs"'],
  [
    { groups: { vm: { pool: {} } } },
    'groups.vm.pool must be a pool, or a function that makes one, not an object',
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

test('a maker of pools may be given itself', async () => {
  const going = run([() => 1, member], { pool: inline, groups: { vm: { pool: inline } } });
  expect((await going.summary).counts).toEqual({ returned: 2 });
});

test.each([Number.NaN, -1, '5', null, Infinity])('weights that return %s', (weight) => {
  const message = `weights("task-1") must return milliseconds, 0 or more, or undefined, not ${typeof weight === 'string' ? 'a string' : weight}`;
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
    { code: 'PEXEN_POOL_IN_USE', message: 'pools.far is a pool that the run has already under another name' },
  ]);
});
