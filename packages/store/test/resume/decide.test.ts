/** Decisions against an oracle that was written in another way, and mistakes in the table that this comparison has to find. */
import { expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide, decideBy } from '../../src/resume/decide.ts';
import type { PresentSuite } from '../../src/resume/decision.ts';
import { type RecordedEvent, recordsOf } from '../../src/resume/task-record.ts';
import { firstDifference } from './compare.ts';
import { plantedMistakes } from './planted-mistakes.ts';
import { executionOf, recordOf, taskOf, worldOf } from './world.ts';

/** In all 100,000 worlds, or 3,000. */
const parts = Array.from({ length: isWhole ? 10 : 1 }, (_, part) => part + 1);

test.each(parts)('decisions are those of the oracle, part %i', (part) => {
  const count = isWhole ? 10_000 : 3_000;
  expect(firstDifference(decide, seed + part * count, count)).toBeUndefined();
});

test.each(plantedMistakes)('the oracle finds that $name', ({ table }) => {
  const difference = firstDifference((...world) => decideBy(table, ...world), 1, 20_000);
  expect(difference).toBeDefined();
});

const requiresIdle = { requires: [{ form: 'one', capabilities: ['task:idle'] }] } as const;

test('a teardown runs again where its provider has started since, in whichever session', () => {
  const suite = { tasks: [taskOf('p'), taskOf('stop', { tearsDown: ['task:p'] })] };
  const ended = { state: 'ended', gave: true, attempt: 1, executions: [executionOf('pass')] } as const;
  const actionsWith = (tornDownBy: readonly string[]) => {
    const records = [recordOf('p', { ...ended, tornDownBy }), recordOf('stop', ended)];
    const tasks = new Map(records.map((record) => [record.path, record]));
    return decide({ health: 'whole', tasks }, suite, { kind: 'resume' }).map(({ action }) => action);
  };
  expect(actionsWith(['stop'])).toEqual(['keep', 'keep']);
  expect(actionsWith([])).toEqual(['keep', 'again']);
});

test('a salvage that has nothing to salvage makes nothing run again', () => {
  const suite = {
    tasks: [
      ...[taskOf('bad'), taskOf('behind', { requires: [{ form: 'one', capabilities: ['task:bad'] }] })],
      ...[taskOf('idle', { salvages: ['task:behind'] }), taskOf('on-idle', requiresIdle)],
      taskOf('logs', { salvages: ['task:bad', 'task:idle', 'task:on-idle'] }),
    ],
  };
  const skipped = { state: 'skipped', skip: { isStopped: false, cause: undefined } } as const;
  const actionsWith = (behind: Parameters<typeof recordOf>[1]) => {
    const records = [
      recordOf('bad', { ...{ state: 'ended', attempt: 1 }, executions: [executionOf('fail', 'threw')] }),
      ...[recordOf('behind', behind), recordOf('idle', skipped), recordOf('on-idle', skipped)],
      recordOf('logs', { ...{ state: 'ended', gave: true, attempt: 1 }, executions: [executionOf('pass')] }),
    ];
    const tasks = new Map(records.map((record) => [record.path, record]));
    return decide({ health: 'whole', tasks }, suite, { kind: 'resume' }).map(({ action }) => action);
  };
  expect(actionsWith(skipped)).toEqual(['keep', 'decide', 'decide', 'decide', 'keep']);
  const failed = { state: 'ended', attempt: 1, executions: [executionOf('fail', 'threw')] } as const;
  expect(actionsWith(failed)).toEqual(['keep', 'keep', 'decide', 'decide', 'decide']);
});

test('the order of the suite changes no decision', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite, mode } = worldOf(world);
    // Siblings of one name are identified by their order.
    const tasks = suite.tasks.map((task) => ({ ...task, recallable: true }));
    const decisions = decide(records, { ...suite, tasks }, mode);
    const reversed = decide(records, { ...suite, tasks: tasks.toReversed() }, mode);
    const sorted = (list: typeof decisions) => list.toSorted((a, b) => (a.path < b.path ? -1 : 1));
    expect(sorted(reversed).map(({ reason: _reason, ...rest }) => rest)).toEqual(
      sorted(decisions).map(({ reason: _reason, ...rest }) => rest),
    );
  }
});

test('a dry run decides as the resume does', () => {
  for (let world = 1; world <= 300; world++) {
    const { records, suite } = worldOf(world);
    expect(decide(records, suite, { kind: 'dry-run' })).toEqual(decide(records, suite, { kind: 'resume' }));
  }
});

test.each([
  ['another', 'its code changed'],
  ['unknown', 'its code may have changed: a digest is unknown'],
])('the reason for a task whose code is %s', (code, reason) => {
  const digests = { meaning: 'm', code: 'c', data: 'd', limits: 'l' };
  const end = { outcome: 'returned', locksOk: true, depsOk: true } as const;
  const events: RecordedEvent[] = [
    { type: 'tasks-added', origin: 'start', tasks: [{ id: 0, path: 'a', recallable: true, digests }] },
    { type: 'attempt-started', task: 0, attempt: 1, part: 'body' },
    { type: 'task-finished', task: 0, attempt: 1, status: 'returned', end, metBy: [] },
  ];
  const records = recordsOf(events.map((event) => ({ session: 1, event })));
  const a = { path: 'a', rerunnable: true, when: true, selected: true, scope: 'run' } as const;
  const suite: PresentSuite = { tasks: [{ ...a, digests: { ...digests, code } }] };
  expect(decide(records, suite, { kind: 'resume' })[0]).toMatchObject({ row: 16, reason });
});
