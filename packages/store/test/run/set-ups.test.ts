/** What a resume does with executions of set-ups, whose nodes may have booted since. */
import type { TaskInfo } from '@pexen/core';
import { expect, test } from 'vitest';
import { type JournalEvent, memoryJournal } from '../../src/index.ts';
import { EarlierSessions } from '../../src/run/earlier-sessions.ts';

const driver: TaskInfo = {
  ...{ id: 0, path: 'driver@n1', callPath: ['driver@n1'], nameKind: 'explicit', recallable: false },
  ...{ rerunnable: false, provides: ['driver'], node: { name: 'n1', of: 'driver', bootMark: 'a' } },
};
const inBoot = (bootMark: string): TaskInfo => ({ ...driver, node: { name: 'n1', of: 'driver', bootMark } });

const ended = (outcome: 'returned' | 'threw'): JournalEvent => ({
  ...{ type: 'task-finished', task: 0, attempt: 1, status: outcome, shared: 'inherited', metBy: [] },
  end: {
    ...{
      task: 0,
      attempt: 1,
      outcome,
      locksOk: true,
      depsOk: outcome === 'returned',
      startedMs: 0,
      ranMs: 1,
    },
  },
});

/** What is decided where the set-up comes again in this boot, after these events in the boot `a`. */
function decided(after: readonly JournalEvent[], info: TaskInfo): string | undefined {
  const journal = memoryJournal({ runId: 'run' });
  const session = {
    type: 'session-started',
    wallMs: 0,
    pid: 1,
    host: 'h',
    boot: 'b',
    argv: [],
    mode: 'run',
  } as const;
  const started = { type: 'attempt-started', task: 0, attempt: 1, part: 'body', worker: 'w' } as const;
  const added = { type: 'tasks-added', origin: 'node', tasks: [{ ...info, node: driver.node }] } as const;
  for (const event of [{ type: 'run-created', versions: {} } as const, session, added, started, ...after])
    journal.append(event as JournalEvent);
  const { entries } = journal.read();
  const mode = { kind: 'resume' } as const;
  const earlier = new EarlierSessions({ entries, health: 'whole', mode, startedAt: 0, boot: 'b' });
  earlier.add([info]);
  return earlier.decisionOf(info.path)?.action;
}

test('what has ended stands in the same boot, whatever its result, and runs again in another one', () => {
  for (const outcome of ['returned', 'threw'] as const) {
    expect(decided([ended(outcome)], inBoot('a'))).toBe('keep');
    expect(decided([ended(outcome)], inBoot('b'))).toBe('run');
  }
});

test('what was interrupted and may not start twice has crashed, but not for another boot', () => {
  expect(decided([], inBoot('a'))).toBe('crash');
  expect(decided([], inBoot('b'))).toBe('run');
});

test('what tears a set-up down on a node runs where it is added', () => {
  const { provides: _, ...others } = driver;
  const unload = { ...others, path: 'unload@n1', callPath: ['unload@n1'], tearsDown: ['driver'] };
  expect(decided([ended('returned')], unload)).toBe('run');
});
