import { addressed, amount, isPexenError, type Problem, task, type } from '@pexen/core';
import { expect, it } from 'vitest';
import { inline, place, plan, type RunOptions, run } from '../src/index.ts';

type Tasks = Parameters<typeof run>[0];

function codesOf(...tasks: Tasks extends Iterable<infer E> ? E[] : never): string[] {
  return problemsOf(tasks).map(({ code, task: path }) => `${code} ${path}`);
}

function problemsOf(tasks: Tasks, options: RunOptions = {}): readonly Problem[] {
  try {
    run(tasks, options);
  } catch (error) {
    if (isPexenError(error)) return error.problems;
    throw error;
  }
  throw new Error('nothing was refused');
}

it('problems of single tasks and of the whole come in one error', () => {
  const greedy = task({ name: 'greedy', uses: ['db'], claims: ['db'], provides: ['x'] }, () => {});
  const fine = task({ name: 'fine', requires: ['x'] }, () => {});
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  expect(codesOf(greedy, fine, lost)).toEqual([
    'PEXEN_USED_AND_CLAIMED greedy',
    'PEXEN_UNKNOWN_REQUIREMENT lost',
  ]);
});

it('a cycle is reported together with an unknown requirement', () => {
  const egg = task({ name: 'egg', requires: ['hen'], provides: ['egg'] }, () => {});
  const hen = task({ name: 'hen', requires: ['egg'], provides: ['hen'] }, () => {});
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  expect(codesOf(egg, hen, lost).map((problem) => problem.split(' ')[0])).toEqual([
    'PEXEN_UNKNOWN_REQUIREMENT',
    'PEXEN_CYCLE',
  ]);
});

it('entries that are not tasks are reported one by one, together with all other problems', () => {
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  const greedy = task({ name: 'greedy', clams: ['db'] } as never, () => {});
  const placed = { under: ['net'], task: 'ping' };
  const oddly = { under: 'net', task: () => {} };
  const problems = problemsOf([lost, 5, greedy, undefined, placed, oddly] as never);
  expect(problems.map(({ code, task: path, message }) => `${code} ${path}: ${message}`)).toEqual([
    'PEXEN_NOT_A_TASK undefined: tasks[1]: there is a number where a task should be',
    'PEXEN_NOT_A_TASK undefined: tasks[3]: there is undefined where a task should be',
    'PEXEN_NOT_A_TASK undefined: tasks[4]: there is a string where a task should be',
    'PEXEN_NOT_A_TASK undefined: tasks[5]: its path must be a list of strings',
    'PEXEN_UNKNOWN_META greedy: unknown metadata "clams"',
    'PEXEN_UNKNOWN_REQUIREMENT lost: requires "nowhere", which no task provides',
  ]);
});

it('wrong options are reported together with the problems of the tasks', () => {
  const lost = task({ name: 'lost', requires: ['nowhere'], pool: 'quick', group: undefined }, () => {});
  const lonely = task({ name: 'lonely', pool: 'quik' }, () => {});
  const member = task({ name: 'member', group: 'vm' }, () => {});
  const options = {
    sapre: 1,
    deadline: -1,
    pools: { quick: inline() },
    groups: { vm: { pool: () => inline(), workers: 0 } },
  };
  const reported = [
    'run: has no option "sapre"',
    'run: groups.vm.workers must be a whole number, 1 or more, or Infinity, not 0',
    'run: deadline must be a number, 0 or more, not -1',
    'unknown pool "quik"',
    'requires "nowhere", which no task provides',
  ];
  const messages = (act: () => unknown): string[] => {
    try {
      act();
    } catch (error) {
      if (isPexenError(error)) return error.problems.map(({ message }) => message);
    }
    throw new Error('nothing was refused');
  };
  const tasks = [lost, lonely, member];
  expect(messages(() => run(tasks, options as never))).toEqual(reported);
  expect(messages(() => plan(tasks, options as never))).toEqual([
    'plan: has no option "sapre"',
    'plan: has no option "deadline"',
    'plan: groups.vm.workers must be a whole number, 1 or more, or Infinity, not 0',
    'unknown pool "quik"',
    'requires "nowhere", which no task provides',
  ]);
});

it('wrong weights, capacities and facts are reported together with the problems of the tasks', () => {
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  const amounts = task(
    { name: 'amounts', uses: [amount('ram', 2)], when: ({ gpus }) => gpus === 1 },
    () => {},
  );
  const missing = 'requires "nowhere", which no task provides';
  const reported = (options: unknown) =>
    problemsOf([lost, amounts], options as never).map(({ task: path, message }) => `${path}: ${message}`);
  const rule = 'must return milliseconds, 0 or more, or undefined, not';
  const capacities = { ram: 4 };
  for (const [weights, message] of [
    [() => -1, `lost: weights("lost") ${rule} -1`],
    [() => '5', `lost: weights("lost") ${rule} a string`],
    [
      () => {
        throw new Error('no history');
      },
      'lost: weights("lost") threw: no history',
    ],
    [5, 'undefined: run: weights must be a function, not 5'],
  ] as const)
    expect(reported({ weights, capacities }).toSorted()).toEqual([message, `lost: ${missing}`].toSorted());
  expect(reported({ capacities: { ram: 0 } })).toEqual([
    'undefined: the capacity of "ram" must be a number above 0',
    `lost: ${missing}`,
  ]);
  expect(reported({ facts: 5, capacities })).toEqual([
    'undefined: run: facts must be an object, not 5',
    `lost: ${missing}`,
  ]);
  expect(reported({ spare: -1, capacities: { ram: 1 } })).toHaveLength(3);
  expect(reported(null)).toEqual([
    'undefined: run: its options must be an object, not null',
    expect.stringMatching(/amounts: takes 2 of "ram"/),
    `lost: ${missing}`,
  ]);
});

it('two tasks with one template and one name get a hint how to name them', () => {
  const ship = task({ name: 'ship', args: type<string>() }, () => {});
  const [same] = problemsOf([ship.with('eu'), ship.with('us')]);
  expect(same).toMatchObject({
    code: 'PEXEN_DUPLICATE_PATH',
    hint: "Name each: with(args, { name: 'ship-2' }).",
  });
  const [placed] = problemsOf([place(['x'], ship.with('eu')), place(['x'], ship.with('us'))]);
  expect(placed?.hint).toMatch(/with\(args, \{ name: 'ship-2' \}\)/);
  const [others] = problemsOf([task({ name: 'a' }, () => {}), task({ name: 'a' }, () => {})]);
  expect(others?.hint).toMatch(/another name/);
});

it('an unknown path is reported with the nearest one', async () => {
  await using execution = run([
    task({ name: 'alpha' }, () => {}),
    place(
      ['net'],
      task({ name: 'ping' }, () => {}),
    ),
  ]);
  expect(() => execution.why('alhpa')).toThrow(/"alhpa" is not part of this run\n {4}Did you mean "alpha"\?/);
  expect(() => execution.story('ping')).toThrow(/Did you mean "net\/ping"\?/);
  expect(() => execution.why(() => {})).toThrow(
    /PEXEN_UNKNOWN_TASK: the task is not part of this run\n {4}Add it first\./,
  );
});

it('a task that a factory found is located where the factory found it', () => {
  const location = { file: '/suite/tasks.yaml', line: 3, column: 5 };
  const found = addressed(() => {}, undefined, { name: 'lost', requires: ['nowhere'] }, { location });
  expect(problemsOf([found])).toMatchObject([{ task: 'lost', location }]);
});
