/** Runs whose command was killed come into the history from their journals. */
import { join } from 'node:path';
import type { Digest, TaskInfo, Verdict } from '@pexen/core';
import { expect, test } from 'vitest';
import { runOfJournal } from '../../src/history/from-journal.ts';
import { History, type JournalEvent, memoryJournal, openJournal, takeRecordedRuns } from '../../src/index.ts';
import { scratchFolder } from '../journal/random-events.ts';
import { thisKind } from './support.ts';

const runId = '0198c0de-0000-7000-8000-0000000000a1';
const startedAt = Date.UTC(2026, 0, 1);

const created: JournalEvent = { type: 'run-created', parent: 'the parent', shard: '1/2', versions: {} };
const started: JournalEvent = {
  type: 'session-started',
  wallMs: startedAt,
  pid: 1,
  host: 'h',
  argv: [],
  mode: 'run',
};

function added(...paths: readonly string[]): JournalEvent {
  const tasks = paths.map((path, id): TaskInfo => {
    const digests = { meaning: 'm' as Digest, code: `code of ${path}`, data: 'd', limits: 'l' };
    return { id, path, callPath: [path], nameKind: 'explicit', recallable: true, rerunnable: true, digests };
  });
  return { type: 'tasks-added', origin: 'start', tasks };
}

const ended = (task: number, attempt: number, ranMs: number) => ({
  ...{ task, attempt, ranMs, startedMs: 0, locksOk: true, depsOk: true },
  outcome: 'returned' as const,
});

function finished(task: number, verdict: Verdict, ranMs: number, attempt = 1): JournalEvent {
  const end = ended(task, attempt, ranMs);
  return {
    ...{ type: 'task-finished', task, attempt, end, status: 'returned' },
    ...{ judgement: { verdict }, shared: 'inherited', metBy: [] },
  };
}

const events: readonly JournalEvent[] = [
  created,
  started,
  added('a', 'b', 'c', 'open'),
  finished(0, 'pass', 100),
  { type: 'attempt-ended', ...ended(1, 1, 30), outcome: 'failed', retryInMs: 0 },
  finished(1, 'flaky', 50, 2),
  { type: 'task-skipped', task: 2, cause: 'skipped', reason: [] },
  { type: 'attempt-started', task: 3, attempt: 1, part: 'body', worker: 'w' },
];

function entriesOf(recorded: readonly JournalEvent[]) {
  const journal = memoryJournal({ runId });
  for (const event of recorded) journal.append(event);
  return journal.read().entries;
}

test('a journal has the results of tasks that ended before the command was killed', () => {
  const { run, samples = [] } = runOfJournal(runId, entriesOf(events), thisKind) ?? {};
  expect(run).toMatchObject({
    id: runId,
    parent: 'the parent',
    shard: '1/2',
    startedAtMs: startedAt,
    isWhole: false,
  });
  expect(run?.exitCode).toBeUndefined();
  expect(samples.map(({ digest: _digest, ...sample }) => sample)).toEqual([
    { path: 'a', verdict: 'pass', outcome: 'returned', attempts: 1, ranMs: 100 },
    { path: 'b', verdict: 'flaky', outcome: 'returned', attempts: 2, ranMs: 50, tookMs: 80 },
    { path: 'c', verdict: 'skip', outcome: 'skipped', attempts: 0 },
  ]);
  const digests = samples.map(({ digest }) => digest);
  expect([digests[0]?.length, digests[0] === digests[1], digests[2]]).toEqual([12, false, undefined]);
});

test('of a service, the time to its readiness counts', () => {
  const down = { ...ended(0, 1, 5000), readyAfterMs: 200, startsAgain: true } as const;
  const last = finished(0, 'pass', 9000, 2);
  const result = last.type === 'task-finished' ? { ...last, end: { ...last.end, readyAfterMs: 300 } } : last;
  const entries = entriesOf([created, started, added('db'), { type: 'attempt-ended', ...down }, result]);
  expect(runOfJournal(runId, entries, thisKind)?.samples).toMatchObject([
    { path: 'db', ranMs: 300, tookMs: 500 },
  ]);
});

test('results that were taken over from another run are not of this one', () => {
  const end = { ...ended(0, 1, 5), error: undefined };
  const recalled = { type: 'task-recalled', task: 0, record: { task: 0, end } } as unknown as JournalEvent;
  expect(runOfJournal(runId, entriesOf([created, started, added('a'), recalled]), thisKind)?.samples).toEqual(
    [],
  );
});

test('a journal that does not say when its run started says nothing', () => {
  expect(runOfJournal(runId, [], thisKind)).toBeUndefined();
  expect(runOfJournal(runId, entriesOf([created]), thisKind)).toBeUndefined();
});

test('runs that the history does not know are taken from their journals once they no longer go on', async () => {
  const stateDirectory = scratchFolder();
  const warnings: unknown[] = [];
  const history = new History({
    file: join(stateDirectory, 'history.db'),
    onWarning: (each) => warnings.push(each),
  });
  const journal = await openJournal({
    directory: join(stateDirectory, 'runs', runId),
    runId,
    durability: 'process',
  });
  for (const event of events) journal.append(event);
  expect(takeRecordedRuns(history, stateDirectory)).toBe(0);
  await journal.close();
  expect(takeRecordedRuns(history, stateDirectory)).toBe(1);
  expect(history.runs().map(({ id }) => id)).toEqual([runId]);
  expect(history.latestSamples().map(({ path }) => path)).toEqual(['a', 'b', 'c']);
  expect(takeRecordedRuns(history, stateDirectory)).toBe(0);
  expect(warnings).toEqual([]);
});
