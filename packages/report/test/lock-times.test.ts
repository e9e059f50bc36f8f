import type { TaskInfo } from '@pexen/core';
import { expect, test } from 'vitest';
import { lockTimes } from '../src/schedule/lock-times.ts';
import type { TaskTimes } from '../src/schedule/task-times.ts';

/** A task that ran from one time to another. */
function ran(path: string, fromMs: number, toMs: number, more: Partial<TaskInfo> = {}): TaskTimes {
  const info = {
    id: 0,
    path,
    callPath: [path],
    nameKind: 'explicit',
    recallable: true,
    rerunnable: true,
  } as const;
  const attempt = { attempt: 1, outcome: 'returned', worker: 'w' } as const;
  return {
    ...{ path, facts: { ...info, ...more }, running: undefined, service: undefined },
    result: {
      ...{ judgement: { verdict: 'pass' }, endedAtMs: toMs },
      attempts: [{ ...attempt, startedAtMs: fromMs, durationMs: toMs - fromMs }],
    },
  };
}

function failed(task: TaskTimes): TaskTimes {
  return { ...task, result: task.result && { ...task.result, judgement: { verdict: 'fail' } } };
}

test('a task waited while another held what it needs, from when all that it requires was there', () => {
  const times = lockTimes([
    ran('build', 0, 10, { provides: ['site'] }),
    ran('migrate', 10, 50, { claims: ['/db'] }),
    ran('query', 50, 60, {
      uses: [{ resource: '/db/users' }],
      requires: [{ form: 'one', capabilities: ['site'] }],
    }),
    ran('late', 100, 110, {
      uses: [{ resource: '/db' }],
      requires: [{ form: 'one', capabilities: ['task:query'] }],
    }),
  ]);
  expect(times).toEqual([
    {
      ...{ resource: '/db', used: 1, claimed: 1, heldMs: 50 },
      ...{ waits: [{ path: 'query', atMostMs: 40 }], waitedMs: 40 },
    },
    {
      resource: '/db/users',
      used: 1,
      claimed: 0,
      heldMs: 10,
      waits: [],
      waitedMs: 0,
    },
  ]);
});

test('uses do not wait for each other, holds that overlap count once, and what is beside is not in the way', () => {
  const times = lockTimes([
    ran('a', 0, 10, { uses: [{ resource: 'db' }] }),
    ran('b', 5, 20, { uses: [{ resource: 'db' }] }),
    ran('other', 0, 30, { claims: ['/x/dbs'] }),
    ran('c', 30, 40, { claims: ['db', '/x/db'] }),
    ran('d', 30, 31, { uses: [{ resource: 'db', count: 3 }] }),
  ]);
  const db = times.find(({ resource }) => resource === 'db');
  expect(db).toMatchObject({ used: 2, claimed: 1, heldMs: 30, waits: [{ path: 'c', atMostMs: 20 }] });
  expect(times.map(({ resource }) => resource)).toEqual(['/x/db', '/x/dbs', 'db']);
  expect(times[1]?.waits).toEqual([]);
});

test('of several providers the first that ended well counts, of every one the last', () => {
  const behind = (form: 'any-of' | 'every' | 'at-least') =>
    lockTimes([
      failed(ran('p', 0, 5, { provides: ['a'] })),
      ran('q', 0, 10, { provides: ['a'] }),
      ran('r', 0, 25, { provides: ['a'] }),
      ran('holder', 0, 30, { claims: ['x'] }),
      ran('waits', 30, 31, { claims: ['x'], requires: [{ form, capabilities: ['a'], count: 2 }] }),
    ])[0]?.waitedMs;
  expect([behind('any-of'), behind('every'), behind('at-least')]).toEqual([20, 5, 5]);
});

test('tasks of which no attempt was in this run hold nothing', () => {
  const recalled = { ...ran('a', -5, 3, { claims: ['x'] }) };
  const skipped: TaskTimes = {
    ...ran('b', 0, 1, { claims: ['x'] }),
    result: undefined,
  };
  expect(lockTimes([recalled, skipped])).toEqual([]);
});
