/** How long a run would take with other numbers of workers, from the times of one that was. */
import type { TaskInfo } from '@pexen/core';
import type { TaskTimes } from '@pexen/report';
import { expect, test } from 'vitest';
import { wallTimes } from '../src/wall-times.ts';

let count = 0;

/** A task that ran from one time to another. */
function ran(path: string, fromMs: number, toMs: number, more: Partial<TaskInfo> = {}): TaskTimes {
  const info = { path, callPath: [path], nameKind: 'explicit', recallable: true, rerunnable: true } as const;
  const attempt = { attempt: 1, outcome: 'returned', worker: `w${count}` } as const;
  return {
    ...{ path, facts: { id: count++, ...info, ...more }, running: undefined, service: undefined },
    result: {
      ...{ judgement: { verdict: 'pass' }, endedAtMs: toMs },
      attempts: [{ ...attempt, startedAtMs: fromMs, durationMs: toMs - fromMs }],
    },
  };
}

const needs = (...capabilities: string[]) => ({
  requires: capabilities.map((capability) => ({ form: 'one' as const, capabilities: [capability] })),
});

test('independent tasks divide into the workers', () => {
  const tasks = Array.from({ length: 8 }, (_, at) => ran(`t${at}`, 0, 100));
  expect(wallTimes(tasks, [1, 2, 3, 4, 8, 16])).toEqual([800, 400, 300, 200, 100, 100]);
});

test('dependencies, claims, amounts and exclusive tasks keep their times, however many workers there are', () => {
  const chain = [
    ran('build', 0, 100, { provides: ['app'] }),
    ran('test', 100, 150, needs('app')),
    ran('report', 150, 160, { requires: [{ form: 'every', capabilities: ['task:build', 'task:test'] }] }),
  ];
  expect(wallTimes(chain, [1, 8])).toEqual([160, 160]);
  const claims = Array.from({ length: 4 }, (_, at) => ran(`c${at}`, 0, 100, { claims: ['/db'] }));
  expect(wallTimes([...claims, ran('user', 0, 50, { uses: [{ resource: '/db/a' }] })], [8])).toEqual([450]);
  const halves = Array.from({ length: 4 }, (_, at) =>
    ran(`a${at}`, at < 2 ? 0 : 100, at < 2 ? 100 : 200, { uses: [{ resource: 'memory', count: 2 }] }),
  );
  expect(wallTimes(halves, [8])).toEqual([200]);
  expect(
    wallTimes([ran('a', 0, 10), ran('alone', 10, 20, { exclusive: true }), ran('b', 0, 10)], [8]),
  ).toEqual([20]);
});

test('a service counts until it was ready, and what did not run, or what is unknown, is left out', () => {
  const db = ran('db', 0, 500, { service: true, provides: ['db'] });
  const attempts = (db.result?.attempts ?? []).map((attempt) => ({ ...attempt, readyAfterMs: 200 }));
  const service = { ...db, result: db.result && { ...db.result, attempts } };
  const skipped = { ...ran('skipped', 0, 0), result: undefined };
  expect(wallTimes([service, skipped, ran('test', 200, 300, needs('db', 'elsewhere'))], [1])).toEqual([300]);
});

test('a group runs alone, with the workers that it had', () => {
  const crowd = Array.from({ length: 4 }, (_, at) =>
    ran(`g${at}`, at < 2 ? 0 : 100, at < 2 ? 100 : 200, { group: 'g' }),
  );
  const others = Array.from({ length: 4 }, (_, at) => ran(`t${at}`, 200, 300));
  expect(wallTimes([...crowd, ...others], [1, 4])).toEqual([600, 300]);
});

test('nothing is said of several pools, of set-ups of nodes, and of what only some nodes could run', () => {
  expect(wallTimes([ran('a', 0, 1), ran('b', 0, 1, { pool: 'other' })], [1])).toBeUndefined();
  expect(wallTimes([ran('a', 0, 1, { on: 'has.kvm' }), ran('b', 0, 1)], [1])).toBeUndefined();
  expect(wallTimes([ran('a', 0, 1, { perNode: true })], [1])).toBeUndefined();
  expect(wallTimes([], [1])).toBeUndefined();
});
