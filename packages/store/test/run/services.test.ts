/** What is recorded of services, and what later sessions do with them: they are never up on resume. */
import type { RecalledTask, RunEvent, TaskInfo } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { describe, expect, test } from 'vitest';
import { type JournalEntry, type JournalEvent, memoryJournal } from '../../src/index.ts';
import { RunRecorder } from '../../src/run/recorder.ts';

const runId = '0198c0de-0000-7000-8000-0000000000b1';

const facts = { nameKind: 'explicit', recallable: true, rerunnable: true } as const;
const infos: readonly TaskInfo[] = [
  // As the scheduler describes it where tasks may not start twice by default.
  { ...facts, id: 0, path: 'db', callPath: ['db'], service: true, scope: 'process', rerunnable: false },
  {
    ...facts,
    id: 1,
    path: 'schema',
    callPath: ['schema'],
    requires: [needs('task:db')],
    provides: ['schema'],
  },
  { ...facts, id: 2, path: 'test', callPath: ['test'], requires: [needs('schema')] },
];

function needs(capability: string): NonNullable<TaskInfo['requires']>[number] {
  return { form: 'one', capabilities: [capability] };
}

interface Session {
  readonly recalled: ReadonlyMap<string, RecalledTask>;
  readonly recorder: RunRecorder;
  readonly entries: () => readonly JournalEntry[];
}

function session(earlier: readonly JournalEntry[] = []): Session {
  const journal = memoryJournal({ runId, earlier });
  const opening: JournalEvent = {
    type: 'session-started',
    wallMs: 1,
    pid: 1,
    host: 'h',
    boot: 'b',
    argv: [],
    mode: 'run',
  };
  const recorder = new RunRecorder({
    ...{ journal, entries: earlier, health: 'whole', mode: { kind: 'resume' }, clock: systemClock },
    ...{ startedAt: 1, boot: 'b', opening: [opening] },
  });
  const { tasks } = recorder.added('start', infos);
  const recalled = new Map(tasks.map((task) => [infos[task.task]?.path ?? '', task]));
  return { recalled, recorder, entries: () => journal.read().entries };
}

const common = { seq: 1, atMs: 5 };
const attempt = (number: number, readyAfterMs?: number) => ({
  ...{ attempt: number, outcome: 'returned' as const, worker: 'w', startedAtMs: 0, durationMs: 5 },
  ...(readyAfterMs !== undefined && { readyAfterMs }),
});

class Recorded {
  readonly #session: Session;
  constructor(of: Session) {
    this.#session = of;
  }

  start(task: number, number = 1): this {
    const path = infos[task]?.path ?? '';
    return this.#append({ type: 'task-started', ...common, task, path, attempt: number, worker: 'w' });
  }

  ready(number = 1): this {
    return this.#append({
      type: 'service-ready',
      ...common,
      task: 0,
      path: 'db',
      attempt: number,
      afterMs: 3,
    });
  }

  /** It makes way. */
  down(number = 1): this {
    const ended = { task: 0, path: 'db', attempt: attempt(number, 3), startsAgain: true } as const;
    return this.#append({ type: 'attempt-ended', ...common, ...ended }, { locksOk: true, depsOk: false });
  }

  end(task: number, metBy: readonly string[]): this {
    const { path = '', callPath = [] } = infos[task] ?? {};
    const result = { status: 'returned', findings: [], flaky: false, slow: false, durationMs: 5 } as const;
    const attempts = [attempt(1, task === 0 ? 3 : undefined)];
    const event = { type: 'task-finished', ...common, task, path, callPath, attempts, ...result } as const;
    const met = metBy.map((each) => [each]);
    return this.#append(event, { locksOk: true, depsOk: true, value: undefined, provided: [], metBy: met });
  }

  #append(event: RunEvent, facts?: Parameters<RunRecorder['append']>[1]): this {
    this.#session.recorder.append(event, facts);
    return this;
  }

  cut(): readonly JournalEntry[] {
    return this.#session.entries();
  }
}

const first = (): Recorded => new Recorded(session());
const decisionsOf = ({ recorder }: Session) =>
  recorder.decisions.map(({ path, action, row }) => [path, action, row]);

describe('after a cut', () => {
  test('a service that was starting starts again, without ever counting as crashed', () => {
    const second = session(first().start(0).cut());
    expect(second.recalled.get('db')).toMatchObject({ kind: 'start', interruptions: 1, attempts: [] });
    expect(second.recalled.get('db')).not.toHaveProperty('crashed');
  });

  test('one that was up starts again where tasks still need it, and what was built on it is made again', () => {
    const second = session(first().start(0).ready().start(1).end(1, ['db']).start(2).cut());
    expect(decisionsOf(second)).toEqual([
      ['db', 'run', 5],
      ['schema', 'again', 21],
      ['test', 'run', 11],
    ]);
    const endsWith = { attempt: 1, outcome: { kind: 'returned', locksOk: true } };
    expect(second.recalled.get('db')).toMatchObject({ kind: 'start', attempts: [], endsWith });
  });

  test('one that was up counts as such also if a later start of it was cut', () => {
    const second = session(first().start(0).ready().start(1).end(1, ['db']).start(2).cut());
    const third = session(new Recorded(second).start(0).cut());
    expect(third.recalled.get('db')).toMatchObject({ kind: 'start', endsWith: { attempt: 1 } });
    const fourth = session(new Recorded(session(first().start(0).cut())).start(0).cut());
    expect(fourth.recalled.get('db')).not.toHaveProperty('endsWith');
  });

  test('one that had made way goes on with its next attempt', () => {
    const second = session(first().start(0).ready().down().cut());
    expect(second.recalled.get('db')).toMatchObject({
      kind: 'start',
      interruptions: 0,
      attempts: [{ attempt: 1, outcome: { kind: 'returned' }, readyAfterMs: 3 }],
    });
    const third = session(new Recorded(second).start(0, 2).cut());
    expect(third.recalled.get('db')).toMatchObject({ interruptions: 1, attempts: [{ attempt: 1 }] });
  });

  test('one that no task needs has ended well, once and for all', () => {
    const ended = first().start(0).ready().start(1).end(1, ['db']).start(2).end(2, ['schema']).cut();
    const second = session(ended);
    expect(decisionsOf(second)[0]).toEqual(['db', 'end', 5]);
    const result = { kind: 'result', status: 'returned', provides: false, attempts: [{ attempt: 1 }] };
    expect(second.recalled.get('db')).toMatchObject(result);
    const third = session(second.entries());
    expect(decisionsOf(third)[0]).toEqual(['db', 'keep', 22]);
    expect(third.recalled.get('db')).toMatchObject({ ...result, from: { session: 2 } });
    expect(third.recorder.outstanding).toEqual([]);
  });

  test('one that had made way, and that no task needs, has the result of its last attempt', () => {
    const downEarly = first()
      .start(0)
      .ready()
      .start(1)
      .end(1, ['db'])
      .start(2)
      .end(2, ['schema'])
      .down()
      .cut();
    expect(session(downEarly).recalled.get('db')).toMatchObject({
      ...{ kind: 'result', status: 'returned' },
      attempts: [{ attempt: 1, readyAfterMs: 3, durationMs: 5 }],
    });
  });

  test('the result of one that is over is kept; needed again, it starts as an extra execution', () => {
    const over = first().start(0).ready().start(1).end(1, ['db']).end(0, []).cut();
    const second = session(over);
    expect(decisionsOf(second)[0]).toEqual(['db', 'again', 21]);
    expect(second.recalled.get('db')).toMatchObject({
      kind: 'start',
      attempts: [],
      earlier: [{ session: 1 }],
    });
  });
});
