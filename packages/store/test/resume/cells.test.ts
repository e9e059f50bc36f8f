/** Every combination of what a record may be and what may have happened to its task since: rules that hold whatever the table says. */
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { decide } from '../../src/resume/decide.ts';
import { type Decision, type ResumeMode, type SuiteTask, starts } from '../../src/resume/decision.ts';
import { decisionTable } from '../../src/resume/decision-table.ts';
import type { RunRecords, TaskRecord } from '../../src/resume/task-record.ts';
import { digestsOf, executionOf, needs, recordOf, taskOf, type World } from './world.ts';

const dimensions = {
  record: [
    ...(['none', 'intended', 'started', 'between', 'cleaning', 'cancelled', 'stopped', 'skipped'] as const),
    ...(['returned', 'gave', 'threw', 'skipped-itself', 'rebooting', 'up'] as const),
  ],
  isInSuite: [true, false],
  isSelected: [true, false],
  isApplicable: [true, false],
  isRerunnable: [true, false],
  digests: ['same', 'changed', 'limits'],
  provider: ['kept', 'changed', 'left', 'again'],
  isNeeded: [false, true],
  role: ['task', 'teardown', 'salvage'],
  hasDied: [false, true],
  health: ['whole', 'unrecorded', 'damaged'],
  mode: ['resume', 'rerun'],
  isLeft: [false, true],
} as const;

type Cell = { readonly [Name in keyof typeof dimensions]: (typeof dimensions)[Name][number] };

const count = Object.values(dimensions).reduce((product, { length }) => product * length, 1);

function cellAt(place: number): Cell {
  let left = place;
  const entries = Object.entries(dimensions).map(([name, values]) => {
    const value = values[left % values.length];
    left = Math.floor(left / values.length);
    return [name, value];
  });
  return Object.fromEntries(entries) as Cell;
}

/** One in so many cells is visited; their number has no factor in common with it, so that all values meet. */
const step = isWhole ? 1 : 53;
const cells = Array.from({ length: Math.floor(count / step) }, (_, index) =>
  cellAt(index * step + (seed % step)),
);

/** A task "t" in that cell, with a provider "p", and "new", which needs "t" where the cell says so. */
function worldOfCell(cell: Cell): World {
  const changed =
    cell.digests === 'changed' ? { code: 'other' } : cell.digests === 'limits' ? { limits: 'other' } : {};
  const t = taskOf('t', {
    digests: digestsOf(changed),
    requires: cell.provider === 'left' ? [] : needs('p'),
    ...(cell.role === 'teardown' && { tearsDown: ['task:p'], requires: [] }),
    ...(cell.role === 'salvage' && { salvages: ['task:p'], requires: [] }),
    rerunnable: cell.isRerunnable,
    when: cell.isApplicable || 'needs Linux',
    selected: cell.isSelected,
    scope: cell.isNeeded ? 'process' : 'run',
    isService: cell.record === 'up',
  });
  const p = taskOf('p', {
    digests: digestsOf(cell.provider === 'changed' ? { code: 'other' } : {}),
    scope: cell.provider === 'again' ? 'process' : 'run',
  });
  const tasks: SuiteTask[] = [
    ...(cell.provider === 'left' ? [] : [p]),
    ...(cell.isInSuite ? [t] : []),
    ...(cell.isNeeded && cell.isInSuite ? [taskOf('new', { requires: needs('t') })] : []),
    ...(cell.provider === 'again' ? [taskOf('other', { requires: needs('p') })] : []),
  ];
  const ofT = recordOfCell(cell);
  const tornDownBy = cell.role === 'teardown' && ofT.attempt > 0 ? ['t'] : [];
  const ended = { state: 'ended', gave: true, attempt: 1, executions: [executionOf('pass')] } as const;
  const ofP = recordOf('p', { ...ended, tornDownBy });
  const records: RunRecords = {
    health: cell.health,
    tasks: new Map([ofP, ofT].map((each) => [each.path, each])),
  };
  const all = ['failed', 'flaky', 'skipped', 'not-run', 'changed'] as const;
  const mode: ResumeMode = cell.mode === 'rerun' ? { kind: 'rerun', classes: all } : { kind: 'resume' };
  const { session, attempt, state } = ofT;
  const next = state === 'none' ? 1 : state === 'between' ? attempt + 1 : attempt;
  const left = { session, path: 't', attempt: next, part: 'body', state: 'running' } as const;
  const suite = { tasks, boot: 'one', lastSession: session, ...(cell.isLeft && { left: [left] }) };
  return { records, suite, mode };
}

function recordOfCell({ record, hasDied, role }: Cell): TaskRecord {
  const met = role === 'task' ? { metBy: [{ path: 'p', revision: 1 }] } : {};
  const common = { attempt: 1, interruptions: hasDied ? 10 : 1, ...met };
  const of = (given: Partial<TaskRecord>) => recordOf('t', { ...common, ...given });
  switch (record) {
    case 'none':
      return recordOf('t');
    case 'stopped':
    case 'skipped':
      return recordOf('t', { state: 'skipped', skip: { isStopped: record === 'stopped', cause: 't' } });
    case 'returned':
      return of({ state: 'ended', gave: true, executions: [executionOf('pass')] });
    case 'gave':
      return of({ state: 'ended', gave: true, executions: [executionOf('fail', 'failed')] });
    case 'threw':
      return of({ state: 'ended', executions: [executionOf('error', 'threw')] });
    case 'skipped-itself':
      return of({ state: 'ended', executions: [executionOf('skip', 'skipped-itself')] });
    case 'rebooting':
      return of({ state: 'rebooting', mark: 'one', reboots: 1 });
    default:
      return of({ state: record });
  }
}

const decided = cells.map((cell) => {
  const { records, suite, mode } = worldOfCell(cell);
  const decisions = decide(records, suite, mode);
  return { cell, decision: decisions.find(({ path }) => path === 't') as Decision };
});

describe(`in ${cells.length} of ${count} cells`, () => {
  function expectNone(wrong: (cell: Cell, decision: Decision) => boolean): void {
    const found = decided.filter(({ cell, decision }) => wrong(cell, decision));
    expect(found.slice(0, 1)).toEqual([]);
  }

  test('every row decides something', () => {
    const rows = new Set(decided.map(({ decision }) => decision.row));
    expect([...rows].sort((a, b) => a - b)).toEqual(decisionTable.map(({ row }) => row));
  });

  test('no attempt starts twice within a run that may not', () => {
    const fresh = ['none', 'stopped', 'skipped'];
    expectNone(({ isRerunnable, mode, record, health }, { action }) => {
      const isOnce = !isRerunnable && mode === 'resume';
      const hasStarted = !fresh.includes(record) || health !== 'whole';
      const isStart = starts(action) && action !== 'adopt';
      return isOnce && hasStarted && isStart && !(action === 'retry' && record === 'between');
    });
  });

  test('an attempt is adopted only where it is still there, and where its task may run as it is', () => {
    expectNone((cell, { action }) => {
      const isSame = cell.digests !== 'changed' && cell.role === 'task';
      const stands = cell.provider === 'kept' || (cell.provider === 'left' && cell.record === 'none');
      const isThere = cell.isLeft && cell.isInSuite && cell.mode === 'resume' && cell.health !== 'damaged';
      return action === 'adopt' && !(isSame && stands && isThere && cell.isApplicable);
    });
  });

  test('no success is kept unmarked that is not one of the present code', () => {
    expectNone(({ isInSuite, record, digests, provider, role }, { action, isStale }) => {
      const isOther =
        digests === 'changed' || (role === 'task' && (provider === 'changed' || provider === 'left'));
      return isInSuite && record === 'returned' && isOther && action === 'keep' && !isStale;
    });
  });

  test('no result is kept that is none', () => {
    const results = ['returned', 'gave', 'threw', 'skipped-itself', 'cancelled', 'skipped'];
    expectNone(({ record }, { action }) => action === 'keep' && !results.includes(record));
  });

  test('nothing that is absent starts', () => {
    expectNone(({ isInSuite }, { action }) => !isInSuite && (starts(action) || action === 'crash'));
  });

  test('nothing that does not apply starts, unless the machine decides again', () => {
    expectNone(({ isApplicable }, { action }) => !isApplicable && starts(action) && action !== 'decide');
  });

  test('nothing that is not selected starts but by need', () => {
    expectNone(({ isSelected, isNeeded, role, provider }, { action }) => {
      const isByRole = role !== 'task' && provider !== 'kept' && (action === 'again' || action === 'decide');
      return !isSelected && !isNeeded && starts(action) && !isByRole;
    });
  });

  test('what is bad, cancelled, stale or missing stays outstanding unless something starts', () => {
    expectNone(({ record, isInSuite }, { action, isStale, isOutstanding }) => {
      const isOpen = ['gave', 'threw', 'cancelled'].includes(record) || isStale;
      return isInSuite && action === 'keep' && isOpen && !isOutstanding;
    });
  });

  test('every decision has a reason', () => {
    expectNone((_cell, { reason }) => !/^["\w].*\S$/.test(reason));
  });
});
