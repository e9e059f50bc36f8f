/** What the journal of one run says to a report. */
import { describe, expect, test } from 'vitest';
import type { JournalEntry, JournalEvent, StoredEnd } from '../../src/index.ts';
import { merge, type RunReport, reportEvents, runReportOf } from '../../src/index.ts';
import { infoOf } from '../shards/random-suite.ts';

type Step = readonly [session: number, atMs: number, event: JournalEvent];

function reportOf(
  steps: readonly Step[],
  verdict: Parameters<typeof runReportOf>[0]['verdict'] = { kind: 'whole' },
) {
  const entries = steps.map(
    ([session, atMs, event], index): JournalEntry => ({ seq: index + 1, session, atMs, event }),
  );
  return runReportOf({ entries, verdict, runId: 'r1', unrecordedStarts: false });
}

const created: JournalEvent = { type: 'run-created', versions: {}, shard: '2/3', label: 'arm' };
const added: JournalEvent = {
  type: 'tasks-added',
  origin: 'start',
  tasks: [infoOf({ path: 'a' }), { ...infoOf({ path: 'b' }), id: 1 }],
};

function session(wallMs: number): JournalEvent {
  return { type: 'session-started', wallMs, pid: 1, host: 'here', argv: [], mode: 'run' };
}

function end(task: number, given: Partial<StoredEnd> = {}): StoredEnd {
  return {
    task,
    attempt: 1,
    outcome: 'returned',
    locksOk: true,
    depsOk: true,
    startedMs: 10,
    ranMs: 5,
    worker: 'w',
    ...given,
  };
}

function started(task: number, attempt = 1): JournalEvent {
  return { type: 'attempt-started', task, attempt, part: 'body', worker: 'w' };
}

function finished(of: StoredEnd): JournalEvent {
  return {
    type: 'task-finished',
    task: of.task,
    attempt: of.attempt,
    status: of.outcome,
    end: of,
    shared: 'inherited',
    metBy: [],
  };
}

const over = { exitCode: 0, counts: {}, poisoned: ['/srv/db'] };

describe('a report', () => {
  test('has the sessions of a run on one time axis, without the time between them', () => {
    const report = reportOf([
      [1, 0, created],
      [1, 0, session(1_000)],
      [1, 1, added],
      [1, 10, started(0)],
      [1, 20, finished(end(0))],
      [1, 100, started(1)],
      [2, 0, session(900_000)],
      [2, 1, added],
      [2, 10, started(1)],
      [2, 20, finished(end(1))],
      [2, 30, { type: 'session-ended', ...over }],
      [2, 30, { type: 'run-ended', ...over }],
    ]);
    expect(report).toMatchObject({
      ...{ id: 'r1', label: 'arm', shard: { index: 2, count: 3 }, startedAt: 1_000, durationMs: 130 },
      ...{ sessions: 2, events: 12, exitCode: 0, poisoned: ['/srv/db'] },
    });
    expect(report).not.toHaveProperty('incomplete');
    expect(report?.tasks.map(({ result }) => result?.endedAtMs)).toEqual([15, 115]);
  });

  test('has all attempts, and says that a task passed only after retries', () => {
    const report = reportOf([
      [1, 0, created],
      [1, 0, session(0)],
      [1, 0, added],
      [1, 0, started(0)],
      [1, 1, { type: 'attempt-ended', ...end(0, { outcome: 'failed', retryInMs: 0 }) }],
      [1, 2, started(0, 2)],
      [1, 3, finished(end(0, { attempt: 2, attachments: [{ name: 'page', text: '<html>' }] }))],
    ]);
    expect(report?.tasks[0]?.result).toMatchObject({
      ...{ flaky: true, durationMs: 10, judgement: { verdict: 'flaky' }, attachments: [{ name: 'page' }] },
      attempts: [
        { attempt: 1, outcome: 'failed' },
        { attempt: 2, outcome: 'returned' },
      ],
    });
  });

  test('of a run that was cut says so, and has no result for what was running', () => {
    const steps: Step[] = [
      [1, 0, created],
      [1, 0, session(0)],
      [1, 0, added],
      [1, 0, started(0)],
    ];
    expect(reportOf(steps)).toMatchObject({ incomplete: 'its run was interrupted, or still goes on' });
    expect(reportOf(steps)?.tasks[0]).not.toHaveProperty('result');
    expect(reportOf(steps, { kind: 'damaged', why: 'event 9 is missing' })).toMatchObject({
      incomplete: 'the journal of its run is damaged: event 9 is missing',
    });
    expect(reportOf([[1, 0, session(0)]])).toBeUndefined();
  });

  test('takes results over from the run that it repeats', () => {
    const { type: _type, ...record } = finished(end(0)) as Extract<JournalEvent, { type: 'task-finished' }>;
    const report = reportOf([
      [1, 0, { ...created, parent: 'r0' } as JournalEvent],
      [1, 0, session(0)],
      [1, 0, added],
      [
        1,
        0,
        { type: 'task-recalled', task: 0, record, endedIn: { session: 3, startedAt: 5 }, isStale: true },
      ],
      [
        1,
        0,
        { type: 'task-skipped', task: 1, cause: 'skipped', reason: [{ task: 'b', why: 'requires "x"' }] },
      ],
    ]);
    expect(report?.parent).toBe('r0');
    expect(report?.tasks.map(({ result }) => result)).toMatchObject([
      { status: 'returned', endedAtMs: 0, isStale: true },
      { status: 'skipped', judgement: { verdict: 'skip', reason: 'requires "x"' } },
    ]);
  });

  test('says which providers of a failed task were gone', () => {
    const gone = { provider: 'db', worker: 'process 1', reason: 'did not end in time' };
    const failed = { ...finished(end(0, { outcome: 'failed' })), providersGone: [gone] } as JournalEvent;
    const report = reportOf([
      [1, 0, created],
      [1, 0, session(0)],
      [1, 0, added],
      [1, 20, failed],
    ]);
    expect(report?.tasks[0]?.result).toMatchObject({ status: 'failed', providersGone: [gone] });
    const merged = merge([report as RunReport]);
    expect([...reportEvents(merged, '/')].find(({ type }) => type === 'task-finished')).toMatchObject({
      providersGone: [gone],
    });
  });
});
