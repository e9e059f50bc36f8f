/** The model of a run: its state after events, task updates and inspections. */
import type { Inspection, WaitingFor } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { mixedRun } from '../src/conformance/mixed-run.ts';
import { RunScript } from '../src/conformance/run-script.ts';
import { RunModel, type TaskSnapshot } from '../src/index.ts';

function modelOf(script: RunScript, keeps: 'all' | 'open' = 'all'): RunModel {
  const model = new RunModel({ keeps });
  feed(model, script.entries);
  return model;
}

function feed(model: RunModel, entries: RunScript['entries']): void {
  for (const each of entries) {
    if ('event' in each) model.apply(each.event);
    else model.applyTaskUpdate(each.update);
  }
}

function inspection(
  waiting: Readonly<Record<string, WaitingFor>>,
  running: Inspection['running'] = [],
): Inspection {
  return {
    ...{ version: 1, atMs: 0, running, resources: [], pools: [] },
    counts: { waiting: 0, running: 0, finished: 0, skipped: 0 },
    waiting: Object.entries(waiting).map(([path, reason]) => ({ path, for: reason })),
  };
}

const dispatched = { attempt: 1, pool: 'default', sinceMs: 0, lastSignOfLifeMs: 0 };
const names = (tasks: readonly TaskSnapshot[]): string[] => tasks.map(({ facts }) => facts.path);

test('a task goes through its states, and the counts follow', () => {
  const model = new RunModel();
  const seen: unknown[] = [];
  const script = new RunScript()
    .tasks(['a', 'b'])
    .start(1, 'a')
    .retry(2, 'a', 500, { status: 'failed' })
    .start(502, 'a', 'process-2')
    .end(600, 'a');
  for (const { type, ...rest } of script.events) {
    model.apply({ type, ...rest } as (typeof script.events)[number]);
    const { waiting, running, retrying, done } = model.counts;
    seen.push([type, waiting, running, retrying, done, model.task('a')?.sinceMs]);
  }
  expect(seen).toEqual([
    ['run-started', 0, 0, 0, 0, undefined],
    ['tasks-added', 2, 0, 0, 0, 0],
    ['task-started', 1, 1, 0, 0, 1],
    ['attempt-ended', 1, 0, 1, 0, 2],
    ['task-started', 1, 1, 0, 0, 502],
    ['attempt-ended', 1, 1, 0, 0, 502],
    ['task-finished', 1, 0, 0, 1, 600],
  ]);
  expect(model.task('a')?.result).toMatchObject({ status: 'returned', flaky: true, endedAtMs: 600 });
  expect(model.task('a')?.result?.judgement).toEqual({ verdict: 'flaky', reason: 'passed at attempt 2' });
});

test('the updates of a running task are kept as far as they are shown; late ones of an earlier attempt are not', () => {
  const script = new RunScript()
    .tasks(['a'])
    .start(1, 'a')
    .prints(2, 'a', 'x'.repeat(500))
    .prints(3, 'a', 'end\n');
  script
    .reports(4, 'a', { kind: 'progress', progress: { done: 1, total: 4 } })
    .reports(5, 'a', { kind: 'finding', finding: { name: 'f', status: 'fail' } })
    .reports(6, 'a', { kind: 'attachment', attachment: { name: 'shot', file: 'a.png' } });
  const model = modelOf(script);
  const { running, attachments } = model.task('a') ?? {};
  expect(running).toMatchObject({ heardAtMs: 6, failedFindings: 1, progress: { done: 1, total: 4 } });
  expect(running?.tail).toBe(`${'x'.repeat(396)}end\n`);
  expect(attachments).toEqual([{ name: 'shot', file: 'a.png' }]);
  const { version } = model;
  const late = { kind: 'output', stream: 'stdout', text: 'late' } as const;
  expect(model.applyTaskUpdate({ atMs: 7, task: 0, path: 'a', attempt: 9, update: late })).toBeUndefined();
  expect(
    model.applyTaskUpdate({ atMs: 7, task: 0, path: 'unknown', attempt: 1, update: late }),
  ).toBeUndefined();
  expect(model.version).toBe(version);
});

test('each change makes a version, and `changedSince` returns exactly the changed tasks', () => {
  const model = modelOf(new RunScript().tasks(['a', 'b', 'c']));
  const before = model.version;
  expect(names(model.changedSince(0))).toEqual(['a', 'b', 'c']);
  expect(model.changedSince(before)).toEqual([]);
  const script = new RunScript().tasks(['a', 'b', 'c']).start(1, 'c').start(2, 'a').end(3, 'c');
  feed(model, script.entries.slice(2));
  expect(names(model.changedSince(before))).toEqual(['a', 'c']);
  expect(names(model.changedSince(model.version - 1))).toEqual(['c']);
  expect(names(model.changedSince(0))).toEqual(['b', 'a', 'c']);
});

test('snapshots share unchanged parts, and do not change', () => {
  const model = modelOf(new RunScript().tasks(['a', 'b']).start(1, 'a').start(1, 'b'));
  const first = model.snapshot();
  const text = JSON.stringify(first);
  model.applyTaskUpdate({
    atMs: 2,
    task: 1,
    path: 'b',
    attempt: 1,
    update: { kind: 'log', message: 'hello' },
  });
  const second = model.snapshot();
  expect(second.running[0]).toBe(first.running[0]);
  expect(second.running[1]).not.toBe(first.running[1]);
  expect(second.waiting).toBe(first.waiting);
  expect(second.totals).toBe(first.totals);
  feed(model, new RunScript().tasks(['a']).start(1, 'a').end(3, 'a', { status: 'threw' }).entries.slice(2));
  expect(JSON.stringify(first)).toBe(text);
  expect(model.snapshot().totals.notPassed).toHaveLength(1);
});

test('the state after events from JSON is the same', () => {
  const { entries } = mixedRun();
  const direct = modelOf(mixedRun());
  const read = new RunModel();
  feed(read, JSON.parse(JSON.stringify(entries)) as RunScript['entries']);
  expect(JSON.parse(JSON.stringify(read.snapshot()))).toEqual(JSON.parse(JSON.stringify(direct.snapshot())));
  expect(JSON.parse(JSON.stringify(read.changedSince(0)))).toEqual(
    JSON.parse(JSON.stringify(direct.changedSince(0))),
  );
});

test('a model of open tasks forgets ended ones, and has the same counts', () => {
  const [all, open] = [modelOf(mixedRun()), modelOf(mixedRun(), 'open')];
  expect([...all.ended()].map(({ path }) => path)).toHaveLength(14);
  expect([...open.tasks()]).toEqual([]);
  expect([...open.ended()]).toEqual([]);
  expect(open.changedSince(0)).toEqual([]);
  expect(JSON.stringify(open.snapshot())).toBe(JSON.stringify(all.snapshot()));
});

test('events of unknown tasks add them: the listener was late', () => {
  const script = new RunScript()
    .tasks(['a'])
    .start(1, 'a')
    .end(2, 'a')
    .skip(3, 'b', { task: 'b', why: 'no' });
  const model = new RunModel();
  feed(model, script.entries.slice(2));
  expect(model.counts).toEqual({ tasks: 2, waiting: 0, running: 0, retrying: 0, serving: 0, done: 2 });
  expect(model.task('a')?.callPath).toEqual(['a']);
});

describe('waiting tasks', () => {
  const model = (): RunModel => modelOf(new RunScript().tasks(['a', 'b', 'c', 'd', 'e']).start(1, 'a'));
  const held = { kind: 'resource', resource: '/db', holders: ['a'] } as const;
  const rows = (of: RunModel): unknown[] =>
    of
      .snapshot()
      .waiting.groups.map(({ kind, subject, count, by, who, isOver }) => [
        [kind, subject, count].join(' ').trimEnd(),
        [...by, ...(isOver ? ['over'] : [])].join(),
        who.join(),
      ]);

  test('have an unknown reason until an inspection', () => {
    const of = model();
    expect(rows(of)).toEqual([['unknown  4', '', 'b,c,d,e']]);
    of.applyInspection(inspection({ b: held, c: held, d: { kind: 'slot', pool: 'default' } }));
    expect(rows(of)).toEqual([
      ['resource /db 2', 'a', 'b,c'],
      ['slot  1', 'default', 'd'],
      ['unknown  1', '', 'e'],
    ]);
  });

  test('without a task that has started since the inspection, or before it', () => {
    const of = model();
    of.applyInspection(inspection({ a: held, b: held, c: held }));
    feed(of, new RunScript().tasks([]).start(2, 'b').entries.slice(2));
    expect(rows(of)).toEqual([
      ['resource /db 1', 'a', 'c'],
      ['unknown  2', '', 'd,e'],
    ]);
    of.applyInspection(inspection({ b: held, c: held }));
    expect(rows(of)).toEqual([
      ['resource /db 1', 'a', 'c'],
      ['unknown  2', '', 'd,e'],
    ]);
  });

  test('are not blocked by a task that has ended since the inspection', () => {
    const of = model();
    of.applyInspection(inspection({ b: held, c: { kind: 'resource', resource: '/x', holders: ['a', 'e'] } }));
    feed(of, new RunScript().tasks([]).start(1, 'a').end(2, 'a').entries.slice(3));
    expect(rows(of).slice(0, 2)).toEqual([
      ['resource /db 1', 'over', 'b'],
      ['resource /x 1', 'e', 'c'],
    ]);
    // It may still hold something after its end: a later inspection shows that.
    of.applyInspection(inspection({ b: held }));
    expect(rows(of)[0]).toEqual(['resource /db 1', 'a', 'b']);
  });

  test('a task that a pool has not started yet waits for its start', () => {
    const of = model();
    of.applyInspection(inspection({ b: held }, [{ path: 'c', ...dispatched }]));
    expect(rows(of)[1]).toEqual(['unknown  2', '', 'd,e']);
    expect(rows(of)[2]).toEqual(['dispatched  1', 'default', 'c']);
  });

  test('a group whose turn has not come waits for tasks, or for the current group', () => {
    const of = model();
    of.applyInspection(
      inspection({
        b: { kind: 'group', group: 'vm', after: ['a'] },
        c: { kind: 'group', group: 'vm', current: 'gpu' },
      }),
    );
    expect(rows(of).slice(0, 2)).toEqual([
      ['group vm 1', 'a', 'b'],
      ['group vm 1', 'gpu', 'c'],
    ]);
  });

  test('of very many groups the largest are listed, and the rest is counted', () => {
    const paths = Array.from({ length: 100 }, (_, index) => `t${index}`);
    const of = modelOf(new RunScript().tasks([...paths, 'x', 'y', 'z']));
    const reasons = paths.map((path) => [path, { kind: 'resource', resource: path, holders: [] }] as const);
    const most = { kind: 'requirement', requirement: 'bin', providers: ['z'] } as const;
    of.applyInspection(inspection({ ...Object.fromEntries(reasons), x: most, y: most }));
    const { groups, others } = of.snapshot().waiting;
    expect(groups).toHaveLength(50);
    expect(groups[0]).toMatchObject({ kind: 'requirement', count: 2 });
    expect(others + groups.reduce((sum, { count }) => sum + count, 0)).toBe(of.counts.waiting);
  });
});

test('lists have bounded length, and what is not listed is counted', () => {
  const script = new RunScript();
  for (let index = 0; index < 300; index++) {
    const path = `t${index}`;
    script.tasks([path]).start(1, path).end(2, path, { status: 'threw' });
    script.lost(3, `w${index}`, 'gone').late(3, 'w', [path], 'late');
  }
  const { totals, lateErrors, lostWorkers } = modelOf(script).snapshot();
  expect(totals.notPassed).toHaveLength(200);
  expect(totals.unlisted).toBe(100);
  expect([lateErrors.listed.length, lateErrors.count]).toEqual([200, 300]);
  expect([lostWorkers.listed.length, lostWorkers.count]).toEqual([200, 300]);
});
