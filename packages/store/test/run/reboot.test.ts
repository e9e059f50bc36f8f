/** A run whose task asks for a reboot is cut after each step, and goes on in the same boot or in another one. */
import type { RecalledTask, TaskInfo } from '@pexen/core';
import { expect, test } from 'vitest';
import { type JournalEntry, type JournalEvent, memoryJournal } from '../../src/index.ts';
import { recordsOf } from '../../src/resume/task-record.ts';
import { EarlierSessions } from '../../src/run/earlier-sessions.ts';
import { pendingReboot } from '../../src/run/reboot.ts';

const upgrade: TaskInfo = {
  ...{ id: 0, path: 'upgrade', callPath: ['upgrade'], nameKind: 'explicit', recallable: true },
  ...{ rerunnable: true, mayReboot: true, exclusive: true },
};

const session = (boot: string): JournalEvent => ({
  ...{ type: 'session-started', wallMs: 0, pid: 1, host: 'h', boot, argv: [], mode: 'run' },
});
const step = { task: 0, attempt: 1, count: 1, mark: 'boot 1' };
const steps: readonly JournalEvent[] = [
  { type: 'run-created', versions: {} },
  session('boot 1'),
  { type: 'tasks-added', origin: 'start', tasks: [upgrade] },
  { type: 'attempt-started', task: 0, attempt: 1, part: 'body', worker: 'w' },
  { type: 'reboot-asked', ...step, command: 'reboot now' },
  { type: 'reboot-issued', ...step },
  { type: 'reboot-failed', ...step, reason: 'nothing happened' },
];

function entriesOf(events: readonly JournalEvent[]): readonly JournalEntry[] {
  const journal = memoryJournal({ runId: 'run' });
  for (const event of events) journal.append(event);
  return journal.read().entries;
}

function recalledAfter(entries: readonly JournalEntry[], boot: string): RecalledTask | undefined {
  const mode = { kind: 'resume' } as const;
  const earlier = new EarlierSessions({ entries, health: 'whole', mode, startedAt: 0, boot });
  return earlier.add([upgrade]).recall.tasks[0];
}

/** What the next session does after these events, if the machine is then in this boot. */
function next(events: readonly JournalEvent[], boot: string): string {
  const entries = entriesOf(events);
  const pending = pendingReboot(entries, recordsOf(entries).tasks, boot);
  if (pending !== undefined)
    return `reboot ${pending.count} by "${pending.command}", ordered ${pending.timesIssued} times`;
  const recalled = recalledAfter(entries, boot);
  if (recalled === undefined) return 'starts from the beginning';
  if (recalled.kind !== 'start' || recalled.crashed !== undefined) return JSON.stringify(recalled);
  const { attempts, interruptions, rebootCount = 0 } = recalled;
  return `attempt ${attempts.length + 1}, ${interruptions} interruptions, ${rebootCount} reboots`;
}

test.each([
  [3, 'starts from the beginning', 'starts from the beginning'],
  [4, 'attempt 1, 1 interruptions, 0 reboots', 'attempt 1, 1 interruptions, 0 reboots'],
  [5, 'reboot 1 by "reboot now", ordered 0 times', 'attempt 1, 0 interruptions, 1 reboots'],
  [6, 'reboot 1 by "reboot now", ordered 1 times', 'attempt 1, 0 interruptions, 1 reboots'],
  [7, 'attempt 1, 1 interruptions, 0 reboots', 'attempt 1, 1 interruptions, 0 reboots'],
])('after %i events: in the same boot %s, in another one %s', (count, same, other) => {
  const events = steps.slice(0, count);
  expect(next(events, 'boot 1')).toBe(same);
  expect(next(events, 'boot 2')).toBe(other);
});

test('an order in vain is counted, also over sessions', () => {
  const again = [...steps.slice(0, 6), session('boot 1'), steps[5] as JournalEvent];
  expect(next(again, 'boot 1')).toBe('reboot 1 by "reboot now", ordered 2 times');
  const failed = [...again, steps[6] as JournalEvent];
  expect(next(failed, 'boot 1')).toBe('attempt 1, 1 interruptions, 0 reboots');
});

test('reboots of an attempt add up, and are not interruptions, however many there are', () => {
  const events = steps.slice(0, 4);
  for (let count = 1; count <= 10; count++) {
    events.push({ ...step, type: 'reboot-asked', count }, { ...step, type: 'reboot-issued', count });
    expect(next(events, `boot ${count + 1}`)).toBe(`attempt 1, 0 interruptions, ${count} reboots`);
    events.push(session(`boot ${count + 1}`), steps[2] as JournalEvent, steps[3] as JournalEvent);
  }
  expect(next(events, 'boot 11')).toBe('attempt 1, 1 interruptions, 10 reboots');
});

test('a task that runs again because of a change counts its reboots from the beginning', () => {
  const again = { generation: 2, revision: 2, isExtra: false };
  const events: JournalEvent[] = [
    ...steps.slice(0, 6),
    session('boot 2'),
    ...steps.slice(2, 4),
    { ...step, type: 'reboot-asked', count: 2, mark: 'boot 2' },
    session('boot 3'),
    steps[2] as JournalEvent,
    { ...(steps[3] as JournalEvent & { type: 'attempt-started' }), execution: again },
  ];
  expect(next(events, 'boot 3')).toBe('attempt 1, 1 interruptions, 0 reboots');
  events.push({ ...step, type: 'reboot-asked', count: 1, mark: 'boot 3' });
  expect(next(events, 'boot 4')).toBe('attempt 1, 0 interruptions, 1 reboots');
});

test('what an attempt did that asked for a reboot stands: its teardowns are due also where it does not start again', () => {
  expect(recalledAfter(entriesOf(steps.slice(0, 6)), 'boot 2')).toMatchObject({ hasStarted: true });
});

test('a rerun counts reboots of its own, and knows how often the run before was interrupted', () => {
  const entries = entriesOf([...steps.slice(0, 6), session('boot 2'), ...steps.slice(2, 4)]);
  const mode = { kind: 'rerun', classes: ['failed', 'not-run'] } as const;
  const earlier = new EarlierSessions({ entries, health: 'whole', mode, startedAt: 0, boot: 'boot 2' });
  const [recalled] = earlier.add([upgrade]).recall.tasks;
  expect(recalled).toMatchObject({ kind: 'start', interruptions: 1 });
  expect(recalled).not.toHaveProperty('rebootCount');
});
