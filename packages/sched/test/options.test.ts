/** Options that are not numbers, or too small, are refused: the run would stand still or silently do nothing. */
import { executableTask, isPexenError, type Pool, type Problem, task } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { inline, processResults, type RunOptions, run } from '../src/index.ts';

const quick = task({ name: 'quick', group: 'vm' }, () => 1);
const vm = { pool: () => inline() };

function problemsOf(options: RunOptions): readonly Problem[] {
  try {
    run([quick], { groups: { vm }, ...options });
  } catch (error) {
    if (isPexenError(error)) return error.problems;
    throw error;
  }
  return [];
}

test.each([
  [{ spare: -1 }, 'run: spare must be a whole number, 0 or more, or Infinity, not -1'],
  [{ spare: Number.NaN }, 'run: spare must be a whole number, 0 or more, or Infinity, not NaN'],
  [{ deadline: -5 }, 'run: deadline must be a number, 0 or more, not -5'],
  [
    { groups: { vm: { ...vm, workers: 0 } } },
    'run: groups.vm.workers must be a whole number, 1 or more, or Infinity, not 0',
  ],
  [
    { groups: { vm: { ...vm, spare: -2 } } },
    'run: groups.vm.spare must be a whole number, 0 or more, or Infinity, not -2',
  ],
])('%o is refused', (options, message) => {
  expect(problemsOf(options)).toEqual([{ code: 'PEXEN_BAD_OPTION', message }]);
});

test('a number written as text is refused, with what to write', () => {
  expect(problemsOf({ deadline: '5' as never })).toMatchObject([{ hint: 'Write deadline: 5.' }]);
});

test('an unknown option is refused, with a similar name', () => {
  expect(problemsOf({ capacity: { x: 1 }, deadlin: 5 } as never)).toMatchObject([
    { message: 'run: has no option "capacity"', hint: 'Did you mean "capacities"?' },
    { message: 'run: has no option "deadlin"', hint: 'Did you mean "deadline"?' },
  ]);
  expect(() => inline({ workers: 2 } as never)).toThrow('inline: has no option "workers"');
});

test('Infinity is accepted as a missing limit, and so is undefined', () => {
  const groups = { vm: { ...vm, workers: Number.POSITIVE_INFINITY } };
  expect(problemsOf({ spare: Number.POSITIVE_INFINITY, deadline: Number.POSITIVE_INFINITY, groups })).toEqual(
    [],
  );
});

test('defaults are checked like metadata, all at once', () => {
  const defaults = { timeout: -5, retries: Number.POSITIVE_INFINITY, graec: 5 };
  expect(
    problemsOf({ defaults, spare: -1 }).map(({ code, task: of, message }) => [code, of, message]),
  ).toEqual([
    ['PEXEN_BAD_OPTION', undefined, 'run: spare must be a whole number, 0 or more, or Infinity, not -1'],
    ['PEXEN_BAD_META', 'defaults', 'timeout must be a number of milliseconds above 0'],
    ['PEXEN_BAD_META', 'defaults', 'retries must be a whole number, or { count, delay, … }'],
    ['PEXEN_UNKNOWN_META', 'defaults', 'unknown metadata "graec"'],
  ]);
});

test('undefined entries of retries count as missing', async () => {
  const clock = new ScriptedClock();
  const attempts: number[] = [];
  const retries = { count: 2, delay: 100, factor: undefined as never, maxDelay: undefined as never };
  const shaky = task({ name: 'shaky', retries }, () => {
    attempts.push(clock.now());
    throw new Error('no');
  });
  const { summary } = run([shaky], { clock });
  await settle();
  clock.advance(100);
  await settle();
  clock.advance(200);
  await summary;
  expect(attempts.map((atMs) => atMs - (attempts[0] as number))).toEqual([0, 100, 300]);
});

describe('processing', () => {
  test.each([0, -1, Number.NaN])('with a limit of %d is refused: it would process nothing', async (limit) => {
    const uploads = processResults(run([() => 1]), () => {}, { limit });
    await expect(uploads.next()).rejects.toThrow('limit must be a number, 1 or more');
  });

  test('whose pool cannot be opened rejects', async () => {
    const pool = inline();
    const shut = {
      ...{ manifest: pool.manifest, run: () => pool.run, close: () => Promise.resolve() },
      open: () => Promise.reject(new Error('no such host')),
    };
    const statuses: string[] = [];
    const loop = async (): Promise<void> => {
      const uploads = processResults(run([() => 1, () => 2]), () => {}, { pool: shut as never });
      for await (const { result, processed } of uploads)
        statuses.push(`${result.status}, ${processed.status}`);
    };
    await expect(loop()).rejects.toThrow('no such host');
    expect(statuses).toEqual(['returned, skipped', 'returned, skipped']);
  });
});

test('a value that is not a list of tasks is refused, such as a task by itself', () => {
  expect(() => run(quick as never)).toThrow(
    /^PEXEN_NOT_A_TASK: there is a function where a list of tasks should be[\s\S]*Write run\(\[task\]\)/,
  );
  expect(() => run(Promise.resolve([quick]) as never)).toThrow('there is a promise where');
});

test('overrides win over what tasks state, and over defaults', async () => {
  let attempts = 0;
  const failing = task({ name: 'failing', retries: 5 }, () => {
    attempts++;
    throw new Error('no');
  });
  const stubborn = task({ name: 'stubborn', timeout: 60_000 }, ({ signal }) => {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const clock = new ScriptedClock();
  const execution = run([failing, stubborn], {
    ...{ clock, defaults: { timeout: 40_000 }, overrides: { retries: 1, timeout: 100 } },
  });
  const statuses: string[] = [];
  const reading = (async () => {
    for await (const { path, status } of execution) statuses.push(`${path} ${status}`);
  })();
  for (let round = 0; round < 5; round++) {
    await settle();
    clock.advance(100);
  }
  await reading;
  expect(statuses.toSorted()).toEqual(['failing threw', 'stubborn timed-out']);
  expect(attempts).toBe(2);
});

test('overrides are looked at like metadata', () => {
  expect(problemsOf({ overrides: { timeout: -5 } })).toMatchObject([
    { code: 'PEXEN_BAD_META', task: 'overrides' },
  ]);
});

test('programs that name no pool run in the pool for programs, where the usual one takes none', async () => {
  const ran: string[] = [];
  const recording = (name: string, executables = true): Pool => ({
    manifest: { ...inline().manifest, executables },
    open: async ({ slotsChanged }) => slotsChanged(1),
    run: ({ path }) => {
      ran.push(`${path} in ${name}`);
      return { kind: 'returned', value: 1 };
    },
    close: async () => {},
  });
  const body = {
    file: '/bin/true',
    argv: [],
    cwd: '/',
    env: {},
    interpret: () => ({ outcome: { kind: 'returned' as const, value: 1 }, findings: [] }),
  };
  const program = executableTask({ name: 'program' }, body);
  const named = executableTask({ name: 'named', pool: 'own' }, body);
  const foreign = executableTask({ name: 'foreign', pool: 'programs' }, body);
  const tasks = [task({ name: 'body' }, () => {}), program, named, foreign];
  const options = {
    programPool: () => recording('programPool'),
    pools: { programs: recording('programs'), own: recording('own') },
  };
  for await (const _ of run(tasks, { ...options, pool: recording('pool', false) }));
  expect(ran.toSorted()).toEqual([
    ...['body in pool', 'foreign in programs', 'named in own', 'program in programPool'],
  ]);
  ran.length = 0;
  for await (const _ of run([program], { ...options, pool: recording('pool') }));
  expect(ran).toEqual(['program in pool']);
});
