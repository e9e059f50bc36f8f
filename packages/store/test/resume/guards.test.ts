/** Guards, by examples, and in a model of sessions that are cut: no deadlock, and no other task on what may be half changed. */
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide } from '../../src/resume/decide.ts';
import { type PresentSuite, type SuiteTask, starts } from '../../src/resume/decision.ts';
import {
  type Guard,
  guardsAgainst,
  guardsOf,
  overlaps,
  poisonOf,
  withoutOwner,
} from '../../src/resume/guards.ts';
import type { RunRecords, TaskRecord } from '../../src/resume/task-record.ts';
import { Random } from './random.ts';
import { executionOf, needs, recordOf, taskOf } from './world.ts';

const mode = { kind: 'resume' } as const;

function recordsWith(...records: TaskRecord[]): RunRecords {
  return { health: 'whole', tasks: new Map(records.map((record) => [record.path, record])) };
}

function guardsIn(tasks: SuiteTask[], ...records: TaskRecord[]): readonly Guard[] {
  const suite: PresentSuite = { tasks };
  return guardsOf(decide(recordsWith(...records), suite, mode), recordsWith(...records), suite);
}

const interrupted = (path: string, given: Partial<TaskRecord> = {}) =>
  recordOf(path, { state: 'started', attempt: 1, interruptions: 1, ...given });

describe('a guard', () => {
  test('keeps others from what an interrupted task claimed, above and below it', () => {
    const guards = guardsIn([taskOf('a', { claims: ['/srv/db'] })], interrupted('a'));
    const waits = (given: Partial<SuiteTask>) => guardsAgainst(taskOf('b', given), guards).length > 0;
    expect(waits({ uses: ['/srv/db'] })).toBe(true);
    expect(waits({ claims: ['/srv'] })).toBe(true);
    expect(waits({ uses: ['/srv/db/table'] })).toBe(true);
    expect(waits({ claims: ['/srv/other'] })).toBe(false);
  });

  test('of a use keeps out claims alone', () => {
    const guards = guardsIn([taskOf('a', { uses: ['db'] })], interrupted('a'));
    expect(guardsAgainst(taskOf('b', { uses: ['db'] }), guards)).toHaveLength(0);
    expect(guardsAgainst(taskOf('b', { claims: ['db'] }), guards)).toHaveLength(1);
  });

  test('lets in the task itself, providers that run again, teardowns and salvages', () => {
    const tasks = [
      taskOf('p', { claims: ['db'], scope: 'process' }),
      taskOf('a', { claims: ['db'], requires: needs('p') }),
    ];
    const ended = recordOf('p', { state: 'ended', gave: true, executions: [executionOf('pass')] });
    const guards = guardsIn(tasks, ended, interrupted('a'));
    expect(tasks.map((task) => guardsAgainst(task, guards).length)).toEqual([0, 0]);
    expect(guardsAgainst(taskOf('t', { claims: ['db'], tearsDown: ['x'] }), guards)).toEqual([]);
    expect(guardsAgainst(taskOf('s', { claims: ['db'], salvages: ['task:a'] }), guards)).toEqual([]);
    expect(guardsAgainst(taskOf('b', { claims: ['db'] }), guards)).toHaveLength(1);
  });

  test('lets in what its group waits for', () => {
    const tasks = [
      taskOf('before', { claims: ['db'] }),
      taskOf('a', { claims: ['db'], group: 'g' }),
      taskOf('b', { claims: ['db'], group: 'g', requires: needs('before') }),
    ];
    const guards = guardsIn(tasks, interrupted('a'));
    expect(tasks.map((task) => guardsAgainst(task, guards).length)).toEqual([0, 0, 1]);
  });

  test('lets in what a teardown waits for: its providers, and the tasks that require them', () => {
    const tasks = [
      taskOf('p', { claims: ['db'] }),
      taskOf('user', { claims: ['db'], requires: needs('p') }),
      taskOf('other', { claims: ['db'] }),
      taskOf('stop', { claims: ['db'], tearsDown: ['task:p'] }),
    ];
    const executions = [executionOf('pass')];
    const tornDown = recordOf('p', {
      state: 'ended',
      gave: true,
      attempt: 1,
      executions,
      tornDownBy: ['stop'],
    });
    const guards = guardsIn(tasks, tornDown, interrupted('stop'));
    expect(tasks.map((task) => guardsAgainst(task, guards).length)).toEqual([0, 0, 1, 0]);
  });

  test('does not follow from a service, whose result comes after those of the tasks that need it', () => {
    const tasks = [
      taskOf('db', { claims: ['/srv/db'], isService: true, scope: 'process' }),
      taskOf('a', { claims: ['/srv/a'], requires: needs('db') }),
    ];
    expect(guardsIn(tasks, interrupted('db'))).toEqual([]);
    expect(guardsIn(tasks, interrupted('db'), interrupted('a'))[0]?.owners).toEqual(new Set(['a']));
  });

  test('ends with the result of its owner', () => {
    const guards = guardsIn([taskOf('a', { claims: ['db'] })], interrupted('a'));
    expect(withoutOwner(guards, 'b')).toEqual(guards);
    expect(withoutOwner(guards, 'a')).toEqual([]);
    expect(poisonOf(guards)).toEqual(['db']);
  });

  test.each<[string, Partial<TaskRecord>, number]>([
    ['between two attempts', { state: 'between' }, 1],
    ['with a cleanup that is due', { state: 'cleaning' }, 1],
    ['cancelled, with resources in an unknown state', { state: 'cancelled', locksOk: false }, 1],
    ['cancelled, with resources in order', { state: 'cancelled', locksOk: true }, 0],
    ['skipped', { state: 'skipped' }, 0],
    ['that ended', { state: 'ended' }, 0],
  ])('of a task %s', (_name, given, count) => {
    expect(guardsIn([taskOf('a', { claims: ['db'] })], interrupted('a', given))).toHaveLength(count);
  });

  test('of a task that is left is none: its resources are poisoned', () => {
    const tasks = [taskOf('a', { claims: ['db'], selected: false })];
    expect(guardsIn(tasks, interrupted('a'))).toEqual([]);
    expect(decide(recordsWith(interrupted('a')), { tasks }, mode)[0]?.poisons).toEqual(['db']);
  });

  test('leaves out resources that the task does not name any more: they are poisoned', () => {
    const tasks = [taskOf('a', { claims: ['db'] })];
    const [decision] = decide(recordsWith(interrupted('a', { claims: ['db', 'old'] })), { tasks }, mode);
    expect(decision).toMatchObject({ action: 'run', poisons: ['old'] });
  });

  test('is merged with another one for the same resource', () => {
    const tasks = [
      taskOf('a', { claims: ['/r'] }),
      taskOf('b', { uses: ['/r/s'] }),
      taskOf('c', { claims: ['q'] }),
    ];
    const guards = guardsIn(tasks, ...['a', 'b', 'c'].map((path) => interrupted(path)));
    expect(guards.map(({ owners }) => [...owners].sort())).toEqual([['a', 'b'], ['c']]);
  });
});

test('guards that only let in the same provider stay apart', () => {
  const tasks = [
    taskOf('p', { scope: 'process' }),
    taskOf('a', { claims: ['r'], requires: needs('p') }),
    taskOf('b', { claims: ['s'], requires: needs('p') }),
  ];
  const ended = recordOf('p', { state: 'ended', gave: true, executions: [executionOf('pass')] });
  expect(guardsIn(tasks, ended, interrupted('a'), interrupted('b'))).toHaveLength(2);
});

test.each([
  ['/a', '/a', true],
  ['/a', '/a/b', true],
  ['/a/b', '/a', true],
  ['/a', '/ab', false],
  ['/', '/a', true],
  ['a', 'a/b', false],
])('%s and %s overlap: %s', (one, other, expected) => {
  expect(overlaps(one, other)).toBe(expected);
});

test('sessions that are cut at any time never deadlock, and no other task takes what may be half changed', () => {
  for (let at = seed; at < seed + (isWhole ? 20_000 : 500); at++) playSessions(new Random(at), at);
});

/** Plays up to six sessions of a random suite. An attempt that runs when a session is cut stays without an end. */
function playSessions(random: Random, at: number): void {
  const names = Array.from({ length: 3 + random.below(8) }, (_, index) => `t${index}`);
  const resources = ['r', 's', 't'].slice(0, 1 + random.below(3));
  const workers = 1 + random.below(3);
  const tasks = names.map((path, index) =>
    taskOf(path, {
      requires: needs(...random.someOf(names.slice(0, index), 0.25)),
      claims: random.someOf(resources, 0.3),
      uses: random.someOf(resources, 0.2),
      scope: random.chance(0.4) ? 'process' : 'run',
    }),
  );
  const records = new Map<string, TaskRecord>();
  for (let session = 1; session <= 6; session++) {
    const steps =
      session < 6 && random.chance(0.8) ? 1 + random.below(3 * names.length) : Number.POSITIVE_INFINITY;
    if (playSession({ random, tasks, records, workers, steps, at })) return;
  }
}

interface Model {
  readonly random: Random;
  readonly tasks: readonly SuiteTask[];
  readonly records: Map<string, TaskRecord>;
  readonly workers: number;
  readonly steps: number;
  readonly at: number;
}

/** True if all is done. */
function playSession({ random, tasks, records, workers, steps, at }: Model): boolean {
  const known: RunRecords = { health: 'whole', tasks: new Map(records) };
  const decisions = decide(known, { tasks }, mode);
  let guards = guardsOf(decisions, known, { tasks });
  const waiting = new Set(
    decisions
      .filter(({ action }) => starts(action))
      .map(({ path }) => tasks.find((task) => task.path === path) as SuiteTask),
  );
  const unfinished = new Set(decisions.filter(({ row }) => row === 11).map(({ path }) => path));
  const isProvided = (path: string) => ![...waiting, ...running].some((task) => task.path === path);
  const running = new Set<SuiteTask>();
  for (let step = 0; step < steps && waiting.size + running.size > 0; step++) {
    const able = [...waiting].filter(
      (task) =>
        running.size < workers &&
        (task.requires ?? []).every(({ capabilities: [name = ''] }) =>
          isProvided(name.slice('task:'.length)),
        ) &&
        [...running].every((other) => !areInConflict(task, other)) &&
        guardsAgainst(task, guards).length === 0,
    );
    if (able.length > 0 && (running.size === 0 || random.chance(0.6))) {
      const task = random.oneOf(able);
      expectNoStranger(task, tasks, unfinished, guards, at);
      waiting.delete(task);
      running.add(task);
      continue;
    }
    expect(running.size, `deadlock, seed ${at}`).toBeGreaterThan(0);
    const task = random.oneOf([...running]);
    running.delete(task);
    unfinished.delete(task.path);
    guards = withoutOwner(guards, task.path);
    records.set(
      task.path,
      recordOf(task.path, { state: 'ended', gave: true, executions: [executionOf('pass')] }),
    );
  }
  for (const { path } of running)
    records.set(path, recordOf(path, { state: 'started', attempt: 1, interruptions: 1 }));
  return waiting.size + running.size === 0;
}

function expectNoStranger(
  task: SuiteTask,
  tasks: readonly SuiteTask[],
  unfinished: ReadonlySet<string>,
  guards: readonly Guard[],
  at: number,
): void {
  const touched = tasks.filter(
    (other) => other !== task && unfinished.has(other.path) && areInConflict(task, other),
  );
  const strange = touched.filter(
    ({ path }) => !guards.some(({ owners, members }) => owners.has(path) && members.has(task.path)),
  );
  expect(strange, `seed ${at}`).toEqual([]);
}

function areInConflict(one: SuiteTask, other: SuiteTask): boolean {
  const [claims, uses] = [one.claims ?? [], one.uses ?? []];
  const [otherClaims, otherUses] = [other.claims ?? [], other.uses ?? []];
  return (
    claims.some((each) => otherClaims.includes(each) || otherUses.includes(each)) ||
    otherClaims.some((each) => uses.includes(each))
  );
}
