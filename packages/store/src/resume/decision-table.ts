/**
 * The decisions of a resume, as one table. The first row that matches decides. Knows nothing of the order in which tasks are decided, nor
 * where the facts of a case come from: see `decide.ts`.
 */
import type { LeftAttempt } from '@pexen/core';
import type { Decision, RerunClass, ResumeAction, SuiteTask } from './decision.ts';
import { isUnstarted, type JournalHealth, type TaskRecord } from './task-record.ts';

/** What is known of a task when it is decided about. Sentences are reasons; undefined where the fact does not hold. */
export interface Case {
  readonly health: JournalHealth;
  readonly isRerun: boolean;
  /** Absent from the suite: undefined. */
  readonly task: SuiteTask | undefined;
  /** A task without a record is new. */
  readonly record: TaskRecord | undefined;
  /** It may not start twice. Holds within one run, so not in a rerun. */
  readonly isOnce: boolean;
  /** It has a result that counts: it ended, or was cancelled and may not start twice. */
  readonly isFinal: boolean;
  /** An attempt has no end. */
  readonly isOpen: boolean;
  /** It has no result yet, but an attempt: without an end, cancelled, or between two. */
  readonly isUnfinished: boolean;
  /** By the command; in a rerun also by its class. */
  readonly isSelected: boolean;
  /** A task that starts requires it. */
  readonly isNeeded: boolean;
  /** Its `when` is true. */
  readonly isApplicable: boolean;
  /** How often the command died while it ran, if that is too often. */
  readonly deaths: string | undefined;
  /** What changed since its result. */
  readonly change: string | undefined;
  /** Which provider of its result is not the one that it was then, or will not be. */
  readonly providerChange: string | undefined;
  /** Which provider of its result is stale, and stays so. */
  readonly staleProvider: string | undefined;
  /** A provider of what it tears down that runs in this session or has started since, or a task that it salvages that runs in this session. */
  readonly providerRuns: string | undefined;
  readonly salvagedRuns: string | undefined;
  /** The class that a rerun repeats it for. */
  readonly askedFor: RerunClass | undefined;
  /** Why its values and effects are gone. */
  readonly over: string | undefined;
  /** It requested a reboot that has not happened yet. */
  readonly isRebootPending: boolean;
  /** It ended badly, or was skipped because of a task that did. */
  readonly isBad: boolean;
  /** Its next attempt is still in its pool, and all that it was built on is as it was. */
  readonly left: LeftAttempt | undefined;
}

/** What a row says of a case. */
export type RowDecision = Pick<Decision, 'action' | 'reason'> &
  Partial<Pick<Decision, 'isStale' | 'isOutstanding' | 'cleansUp' | 'left'>> & {
    /** The resources of the task count as poisoned. */
    readonly poisonsHolds?: boolean;
  };

/** One row. `record`, `condition` and `decision` say in words what the functions do. */
export interface Row {
  readonly row: number;
  readonly record: string;
  readonly condition: string;
  readonly decision: string;
  matches(facts: Case): boolean;
  decide(facts: Case): RowDecision;
}

/** The table. */
export const decisionTable: readonly Row[] = [
  {
    row: 0,
    record: 'attempt without an end, or next attempt',
    condition:
      'it is still in its pool; selected or needed, `when` is true; the journal is not damaged, and nothing that it was built on changed or is over',
    decision: 'adopt',
    matches: (facts) =>
      facts.left !== undefined && facts.health !== 'damaged' && facts.isApplicable && isWanted(facts),
    decide: ({ left }) => ({
      ...act(
        'adopt',
        `${left?.state === 'ended' ? 'has ended' : 'still runs'} where session ${left?.session} has started it`,
      ),
      ...(left !== undefined && { left }),
    }),
  },
  {
    row: 1,
    record: 'any',
    condition: 'the journal is damaged; in the suite',
    decision: 'not rerunnable: keep a result, otherwise crashed; others as row 14',
    matches: ({ health, task }) => health === 'damaged' && task !== undefined,
    decide: (facts) => {
      const reason = 'the journal is damaged';
      if (!facts.isOnce) return asNew(facts, reason);
      if (!facts.isFinal) return act('crash', `${reason}: it may have started`);
      return keep(facts, reason, facts.change ?? facts.providerChange ?? facts.staleProvider);
    },
  },
  {
    row: 2,
    record: 'result',
    condition: 'not in the suite',
    decision: 'drop; added during the run: keep. Poison of its resources stays',
    matches: ({ task, isFinal }) => task === undefined && isFinal,
    decide: (facts) => {
      const poisonsHolds = facts.record?.locksOk === false;
      if (facts.record?.origin === 'start')
        return { ...act('drop', 'is not in the suite any more'), poisonsHolds };
      return { ...keep(facts, 'was added during the run, and has ended'), poisonsHolds };
    },
  },
  {
    row: 3,
    record: 'other',
    condition: 'not in the suite',
    decision: 'list; added during the run: outstanding. Its resources are poisoned',
    matches: ({ task }) => task === undefined,
    decide: (facts) => ({
      ...act('list', 'was not added again'),
      isOutstanding: facts.record?.origin !== 'start',
      poisonsHolds: hasHeld(facts),
    }),
  },
  {
    row: 4,
    record: 'reboot requested',
    condition: 'the machine has not rebooted',
    decision: 'reboot',
    matches: ({ isRebootPending }) => isRebootPending,
    decide: ({ record }) => act('reboot', `requested reboot ${record?.reboots}`),
  },
  {
    row: 5,
    record: 'service was ready',
    condition: '',
    decision: 'needed: run; not rerunnable: crashed. Otherwise it ends well without a start',
    matches: ({ record }) => record?.state === 'up',
    decide: ({ isNeeded, isApplicable, isOnce }) => {
      if (!isNeeded || !isApplicable) return act('end', 'services end with their session');
      if (isOnce) return act('crash', 'ended with its session, and may not start twice');
      return act('run', 'services end with their session, and tasks still need it');
    },
  },
  {
    row: 6,
    record: 'attempt without an end',
    condition: 'not rerunnable',
    decision: 'crashed, after its cleanup; retries apply',
    matches: ({ isOpen, isOnce }) => isOpen && isOnce,
    decide: ({ record }) => ({
      ...act('crash', `may have started in session ${record?.session}, and its end is unknown`),
      cleansUp: true,
    }),
  },
  {
    row: 7,
    record: 'unfinished',
    condition: 'the command died too often while it ran',
    decision: 'crashed, after its cleanup; retries apply',
    matches: ({ isUnfinished, deaths }) => isUnfinished && deaths !== undefined,
    decide: ({ deaths }) => ({ ...act('crash', deaths ?? ''), cleansUp: true }),
  },
  {
    row: 8,
    record: 'unfinished',
    condition: '`when` is false',
    decision: 'skip, after its cleanup; without one its resources are poisoned',
    matches: ({ isUnfinished, isApplicable }) => isUnfinished && !isApplicable,
    decide: (facts) => ({
      ...skip(facts),
      cleansUp: true,
      poisonsHolds: facts.task?.hasCleanup !== true && hasHeld(facts),
    }),
  },
  {
    row: 9,
    record: 'unfinished',
    condition: 'neither selected nor needed',
    decision: 'leave; its resources are poisoned in this session',
    matches: (facts) => facts.isUnfinished && !isWanted(facts),
    decide: (facts) => ({ ...leave(), poisonsHolds: hasHeld(facts) }),
  },
  {
    row: 10,
    record: 'attempt ended, no result',
    condition: '',
    decision: 'its cleanup, then the next attempt or the result; changed and rerunnable: the next generation',
    matches: ({ record }) => record?.state === 'between' || record?.state === 'cleaning',
    decide: (facts) => {
      const { record, isOnce, isRerun, isApplicable } = facts;
      const change = facts.change ?? facts.providerChange;
      const isObsolete = !isOnce && isApplicable && isWanted(facts) && (isRerun || change !== undefined);
      const reason = `ended badly in attempt ${record?.attempt}`;
      if (isObsolete) return { ...act('run', joined(reason, change)), cleansUp: true };
      if (record?.state === 'between') return act('retry', `${reason}; retrying`);
      return act('finish', `${reason}, and its cleanup is due`);
    },
  },
  {
    row: 11,
    record: 'unfinished',
    condition: 'rerunnable',
    decision: 'its cleanup, then the same attempt runs again',
    matches: ({ isUnfinished, isOnce }) => isUnfinished && !isOnce,
    decide: ({ record, change, providerChange }) => {
      const verb = record?.state === 'cancelled' ? 'cancelled' : 'interrupted';
      return {
        ...act('run', joined(`was ${verb} in session ${record?.session}`, change ?? providerChange)),
        cleansUp: true,
      };
    },
  },
  {
    row: 12,
    record: 'cancelled',
    condition: 'not rerunnable',
    decision: 'keep, outstanding',
    matches: ({ record }) => record?.state === 'cancelled',
    decide: () => ({ ...act('keep', 'was cancelled, and may not start twice'), isOutstanding: true }),
  },
  {
    row: 13,
    record: 'none, or skipped',
    condition: 'not rerunnable; tasks may have started unrecorded',
    decision: 'crashed',
    matches: (facts) => facts.health === 'unrecorded' && facts.isOnce && hasNotStarted(facts),
    decide: () => act('crash', 'may have started while nothing could be recorded'),
  },
  {
    row: 14,
    record: 'none, or skipped by the end of the run',
    condition: '',
    decision: 'neither selected nor needed: leave; `when` is false: skip; otherwise run',
    matches: (facts) => hasNotStarted(facts) && facts.record?.skip?.isStopped !== false,
    decide: (facts) => asNew(facts, 'has not started'),
  },
  {
    row: 15,
    record: 'skipped otherwise',
    condition: '',
    decision: 'selected or needed: decide again; otherwise keep',
    matches: ({ record }) => record?.state === 'skipped',
    decide: (facts) => {
      const reason = `was skipped in session ${facts.record?.session}`;
      return isWanted(facts) ? act('decide', reason) : keep(facts, reason);
    },
  },
  {
    row: 16,
    record: 'result',
    condition: 'meaning, code or data differ or are unknown, or it ended badly and its limits differ',
    decision: 'run; not rerunnable, not selected or `when` is false: keep, stale',
    matches: ({ change }) => change !== undefined,
    decide: (facts) => runOrKeepStale(facts, facts.change ?? ''),
  },
  {
    row: 17,
    record: 'result',
    condition:
      'a task that met its requirements runs by row 16 or 17, did so since, is kept stale, or left the suite',
    decision: 'as row 16; kept stale: keep, stale',
    matches: ({ providerChange, staleProvider }) => (providerChange ?? staleProvider) !== undefined,
    decide: (facts) => {
      const { providerChange, staleProvider } = facts;
      if (providerChange === undefined) return keep(facts, staleProvider ?? '', staleProvider);
      return runOrKeepStale(facts, providerChange);
    },
  },
  {
    row: 18,
    record: 'teardown with a result',
    condition: 'a provider of what it tears down runs in this session, or has started since',
    decision: 'again, when it is due; not rerunnable or `when` is false: keep',
    matches: ({ providerRuns }) => providerRuns !== undefined,
    decide: (facts) => {
      const reason = `"${facts.providerRuns}" provides again`;
      return mayRunByNeed(facts) ? act('again', reason) : keep(facts, reason);
    },
  },
  {
    row: 19,
    record: 'salvage with a result',
    condition: 'a task that it lists runs in this session',
    decision: 'decide again; not rerunnable or `when` is false: keep',
    matches: ({ salvagedRuns }) => salvagedRuns !== undefined,
    decide: (facts) => {
      const reason = `"${facts.salvagedRuns}" runs again`;
      return mayRunByNeed(facts) ? act('decide', reason) : keep(facts, reason);
    },
  },
  {
    row: 20,
    record: 'result',
    condition: 'a rerun repeats its class; selected, and `when` is true',
    decision: 'run',
    matches: ({ askedFor, isSelected, isApplicable }) => askedFor !== undefined && isSelected && isApplicable,
    decide: ({ askedFor }) => act('run', `the rerun repeats tasks of the class ${askedFor}`),
  },
  {
    row: 21,
    record: 'result that let dependents run',
    condition: 'needed, and its scope is over',
    decision: 'again; not rerunnable or `when` is false: keep, and its new dependents are skipped',
    matches: ({ record, isNeeded, over }) => record?.gave === true && isNeeded && over !== undefined,
    decide: (facts) => {
      const { over = '' } = facts;
      return mayRunByNeed(facts) ? act('again', over) : keep(facts, `${over}, and it may not run again`);
    },
  },
  {
    row: 22,
    record: 'result',
    condition: '',
    decision: 'keep',
    matches: () => true,
    decide: (facts) => keep(facts, `ended in session ${facts.record?.session}`),
  },
];

function act(action: ResumeAction, reason: string): RowDecision {
  return { action, reason };
}

function keep(facts: Case, reason: string, stale?: string): RowDecision {
  const isStale = stale !== undefined;
  const isOutstanding = isStale || facts.isBad || facts.record?.state === 'cancelled';
  return { ...act('keep', stale === reason ? reason : joined(reason, stale)), isStale, isOutstanding };
}

function joined(reason: string, addition: string | undefined): string {
  return addition === undefined ? reason : `${reason}; ${addition}`;
}

function runOrKeepStale(facts: Case, reason: string): RowDecision {
  if (!facts.isOnce && facts.isSelected && facts.isApplicable) return act('run', reason);
  return keep(facts, reason, reason);
}

function asNew(facts: Case, reason: string): RowDecision {
  if (!isWanted(facts)) return leave();
  return facts.isApplicable ? act('run', reason) : skip(facts);
}

function leave(): RowDecision {
  return { ...act('leave', 'is not selected'), isOutstanding: true };
}

function skip({ task }: Case): RowDecision {
  return act('skip', typeof task?.when === 'string' ? task.when : 'does not apply');
}

function mayRunByNeed({ isOnce, isApplicable }: Case): boolean {
  return !isOnce && isApplicable;
}

function isWanted({ isSelected, isNeeded }: Case): boolean {
  return isSelected || isNeeded;
}

function hasNotStarted({ record }: Case): boolean {
  return isUnstarted(record);
}

/** Has an attempt left its resources in an unknown state? */
function hasHeld({ record }: Case): boolean {
  if (record === undefined || isUnstarted(record)) return false;
  return record.state === 'cancelled' ? !record.locksOk : true;
}
