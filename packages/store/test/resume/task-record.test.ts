/** What records say after each event. */
import { describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../src/journal/events.ts';
import {
  type AddedTask,
  type Execution,
  everStarted,
  type RecordedEvent,
  recordsOf,
  type TaskRecord,
} from '../../src/resume/task-record.ts';
import { digestsOf } from './world.ts';

const first: Execution = { generation: 1, revision: 1, isExtra: false };

/** Records of sessions, each started on the named boot. */
function recordAfter(
  path: string,
  ...sessions: (readonly [boot: string, ...events: RecordedEvent[]])[]
): TaskRecord {
  const entries = sessions.flatMap(([boot, ...events], index) =>
    [{ type: 'session-started', boot } as const, ...events].map((event) => ({ session: index + 1, event })),
  );
  return recordsOf(entries).tasks.get(path) as TaskRecord;
}

function added(...tasks: (Partial<AddedTask> & { path: string })[]): RecordedEvent {
  return {
    type: 'tasks-added',
    origin: 'start',
    tasks: tasks.map((task, id) => ({ id, recallable: true, digests: digestsOf(), ...task })),
  };
}

function started(attempt = 1, execution = first, task = 0): RecordedEvent {
  return { type: 'attempt-started', part: 'body', task, attempt, execution };
}

function ended(outcome: 'returned' | 'failed' | 'threw', retryInMs?: number, attempt = 1): RecordedEvent {
  const retry = retryInMs === undefined ? {} : { retryInMs };
  return {
    type: 'attempt-ended',
    task: 0,
    attempt,
    outcome,
    locksOk: outcome !== 'threw',
    depsOk: false,
    ...retry,
  };
}

function finished(
  status: 'returned' | 'failed' | 'cancelled' = 'returned',
  given: object = {},
  task = 0,
): RecordedEvent {
  const end = { outcome: status, locksOk: true, depsOk: false };
  return { type: 'task-finished', task, attempt: 1, status, end, metBy: [], ...given };
}

describe('the state of a record', () => {
  const intended: RecordedEvent = { type: 'start-intended', task: 0, attempt: 1 };
  const down: RecordedEvent = { ...ended('failed'), startsAgain: true } as RecordedEvent;
  const cleanup: RecordedEvent = { type: 'attempt-started', part: 'cleanup', task: 0, attempt: 1 };
  test.each<[string, string, RecordedEvent[]]>([
    ['none', 'a task that was only added', []],
    ['intended', 'a start that was intended', [intended]],
    ['none', 'a start that the pool returned', [intended, { type: 'start-returned', task: 0 }]],
    ['started', 'an attempt that started', [intended, started()]],
    ['between', 'an attempt that is followed by another', [started(), ended('failed', 10)]],
    ['cleaning', 'a last attempt without a result', [started(), ended('threw')]],
    ['cleaning', 'a cleanup that started', [started(), ended('threw'), cleanup]],
    ['ended', 'a result', [started(), finished()]],
    ['cancelled', 'a cancelled task', [started(), finished('cancelled')]],
    ['skipped', 'a skipped task', [{ type: 'task-skipped', task: 0, cause: 'stopped', reason: [] }]],
    ['up', 'a service that is ready', [started(), { type: 'provided', task: 0 }]],
    ['up', 'a service that is down, and starts again', [started(), { type: 'provided', task: 0 }, down]],
    ['started', 'its new start', [started(), { type: 'provided', task: 0 }, down, started(2)]],
    ['rebooting', 'a request for a reboot', [started(), { type: 'reboot-asked', task: 0, count: 1 }]],
  ])('is %s after %s', (state, _name, events) => {
    expect(recordAfter('a', ['one', added({ path: 'a' }), ...events]).state).toBe(state);
  });
});

describe('interruptions', () => {
  test('are starts without an end', () => {
    const start = [added({ path: 'a' }), started()] as const;
    expect(recordAfter('a', ['one', ...start], ['one', ...start], ['one']).interruptions).toBe(2);
  });

  test('count from the end of the attempt before', () => {
    const record = recordAfter(
      'a',
      ['one', added({ path: 'a' }), started()],
      ['one', added({ path: 'a' }), started(), ended('failed', 0), started(2)],
    );
    expect(record).toMatchObject({ attempt: 2, attemptsEnded: 1, interruptions: 1 });
  });

  test('count on where the task starts over', () => {
    const next: Execution = { generation: 2, revision: 2, isExtra: false };
    const tasks = added({ path: 'a' });
    expect(recordAfter('a', ['one', tasks, started()], ['one', tasks, started(1, next)]).interruptions).toBe(
      2,
    );
  });

  test('are boots where the machine rebooted without a request', () => {
    const start = [added({ path: 'a' }), started()] as const;
    expect(recordAfter('a', ['one', ...start], ['two', ...start], ['two']).boots).toBe(1);
    expect(recordAfter('a', ['one', ...start, { type: 'reboot-issued' }], ['two']).boots).toBe(0);
  });

  test('are not counted again by sessions that start nothing', () => {
    const record = recordAfter('a', ['one', added({ path: 'a' }), started()], ['two'], ['three'], ['four']);
    expect(record).toMatchObject({ interruptions: 1, boots: 1 });
  });
});

describe('a result', () => {
  test('is one of the digests at its start, with the code at its end', () => {
    const record = recordAfter(
      'a',
      ['one', added({ path: 'a' }), started(), finished('returned', { code: 'more' })],
      ['one', added({ path: 'a', digests: digestsOf({ code: 'new', data: 'new' }) })],
    );
    expect(record.basis.digests).toEqual(digestsOf({ code: 'more' }));
  });

  test('remembers the list of siblings at its start', () => {
    const siblings = [{ path: 'a' }, { path: 'a-2', recallable: false }];
    const record = recordAfter(
      'a',
      ['one', added(...siblings), started(), finished()],
      ['one', added(...siblings, { path: 'a-3', recallable: false })],
    );
    expect(record.basis.siblings.map(({ path }) => path)).toEqual(['a', 'a-2']);
  });

  test('remembers in which revision its providers met it', () => {
    const tasks = added({ path: 'a' }, { path: 'b' });
    const next: Execution = { generation: 2, revision: 2, isExtra: false };
    const record = recordAfter(
      'b',
      [
        'one',
        tasks,
        started(),
        finished(),
        started(1, first, 1),
        finished('returned', { metBy: [['a'], ['a']] }, 1),
      ],
      ['one', tasks, started(1, next)],
    );
    expect(record.metBy).toEqual([{ path: 'a', revision: 1 }]);
  });

  test('says whether its values were stored', () => {
    const lost = {
      provided: [
        [0, { json: 1 }],
        [2, { lost: 'a function' }],
      ] as const,
    };
    expect(
      recordAfter('a', ['one', added({ path: 'a' }), started(), finished('returned', lost)]).isValueLost,
    ).toBe(true);
    expect(recordAfter('a', ['one', added({ path: 'a' }), started(), finished()]).isValueLost).toBe(false);
  });

  test('of a failed task lets dependents run only if it says so', () => {
    const depsOk = { end: { outcome: 'failed', locksOk: true, depsOk: true } };
    expect(recordAfter('a', ['one', added({ path: 'a' }), started(), finished('failed')]).gave).toBe(false);
    expect(recordAfter('a', ['one', added({ path: 'a' }), started(), finished('failed', depsOk)]).gave).toBe(
      true,
    );
  });
});

describe('executions', () => {
  const again: Execution = { generation: 1, revision: 1, isExtra: true };
  const next: Execution = { generation: 2, revision: 2, isExtra: false };

  test('are kept, oldest first', () => {
    const record = recordAfter(
      'a',
      ['one', added({ path: 'a' }), started(), finished(), started(1, again), finished('failed')],
      ['one', added({ path: 'a' }), started(1, next), finished()],
    );
    expect(record.executions).toMatchObject([
      { ...first, verdict: 'pass', session: 1 },
      { ...again, verdict: 'fail', session: 1 },
      { ...next, verdict: 'pass', session: 2 },
    ]);
  });

  test('count their own attempts', () => {
    const record = recordAfter('a', ['one', added({ path: 'a' }), started(), finished(), started(1, again)]);
    expect(record).toMatchObject({ state: 'started', attempt: 1, attemptsEnded: 0 });
  });

  test('that are extra and skipped leave the result as it is', () => {
    const record = recordAfter('a', [
      'one',
      added({ path: 'a' }),
      started(),
      finished(),
      { type: 'task-skipped', task: 0, execution: again, cause: 'requirement', reason: [] },
    ]);
    expect(record).toMatchObject({ state: 'ended', gave: true, execution: first });
  });

  test('that are skipped otherwise replace the result, and what was built on it is stale', () => {
    const skip: RecordedEvent = { type: 'task-skipped', task: 0, cause: 'requirement', reason: [] };
    const record = recordAfter('a', ['one', added({ path: 'a' }), started(), finished(), skip]);
    expect(record).toMatchObject({ state: 'skipped', gave: false, execution: next });
    expect(record).toMatchObject({ attempt: 0, attemptsEnded: 0, reboots: 0 });
    expect(everStarted(record)).toBe(true);
  });

  test('that no event names are extra ones after a result', () => {
    const start: RecordedEvent = { type: 'attempt-started', part: 'body', task: 0, attempt: 1 };
    expect(recordAfter('a', ['one', added({ path: 'a' }), started(), finished(), start]).execution).toEqual(
      again,
    );
  });
});

describe('a teardown', () => {
  const tasks = added({ path: 'a', provides: ['x'] }, { path: 'stop', tearsDown: ['x'] });
  const stop: RecordedEvent = { type: 'start-intended', task: 1, attempt: 1 };

  test('that started withdraws what was provided before', () => {
    expect(recordAfter('a', ['one', tasks, started(), finished(), stop]).tornDownBy).toEqual(['stop']);
    expect(recordAfter('a', ['one', tasks, stop, started(), finished()]).tornDownBy).toEqual([]);
  });

  test('that the pool returned withdraws nothing', () => {
    const returned: RecordedEvent = { type: 'start-returned', task: 1 };
    expect(recordAfter('a', ['one', tasks, started(), finished(), stop, returned]).tornDownBy).toEqual([]);
  });
});

describe('a recalled record', () => {
  const recall = (record: object, given: object = {}) =>
    ({ type: 'task-recalled', task: 0, record, ...given }) as RecordedEvent;

  test('is that of the parent', () => {
    const record = recordAfter('a', ['two', added({ path: 'a' }), recall(finished(), { boot: 'one' })]);
    expect(record).toMatchObject({
      state: 'ended',
      gave: true,
      mark: 'one',
      isStale: false,
      execution: first,
    });
  });

  test('stays stale', () => {
    expect(
      recordAfter('a', ['one', added({ path: 'a' }), recall(finished(), { isStale: true })]).isStale,
    ).toBe(true);
  });

  test('may be a skip', () => {
    const skip = { cause: 'requirement', reason: [{ task: 'b', why: 'threw' }] };
    expect(recordAfter('a', ['one', added({ path: 'a' }), recall(skip)])).toMatchObject({
      state: 'skipped',
      skip: { isStopped: false, cause: 'b' },
    });
  });
});

test('events of tasks whose addition is missing are ignored', () => {
  expect(recordsOf([{ session: 1, event: started() }]).tasks.size).toBe(0);
});

test('numbers of tasks hold in one session', () => {
  const entries = [
    { session: 1, event: added({ path: 'a' }) },
    { session: 2, event: finished() },
  ];
  expect(recordsOf(entries, 'damaged').tasks.get('a')?.state).toBe('none');
});

test('the entries of a journal are reduced as they are', () => {
  const entries: JournalEntry[] = [
    { seq: 1, session: 1, atMs: 0, event: { type: 'run-created', versions: {} } },
    { seq: 2, session: 1, atMs: 1, event: { type: 'poison-cleared', resource: 'db' } },
  ];
  expect(recordsOf(entries)).toEqual({ health: 'whole', tasks: new Map() });
});
