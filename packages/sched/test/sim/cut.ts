/**
 * A run that is cut in the middle, and goes on in a second session: what the first one recorded, as its watcher saw it, and what the second
 * machine is to do because of it. Naive: guards keep tasks out that cannot be in the way of their owner.
 */
import type { AttemptRecord, Guarding, Outcome, Recall, RecalledTask, ResultStatus } from '@pexen/core';
import type { TaskSpec } from './scenario.ts';
import type { Shadow, TaskShadow } from './shadow.ts';
import type { Verdict } from './verdict.ts';

/** What was recorded of a task before the cut. */
export interface Recorded {
  readonly spec: TaskSpec;
  /** Attempts that had ended. */
  readonly attempts: number;
  /** How the last of them ended. */
  readonly last: Verdict | undefined;
  /** It had its result; otherwise it goes on. */
  readonly isOver: boolean;
  /** An attempt, or its cleanup, was under way. */
  readonly isInterrupted: boolean;
}

/** An attempt of it was interrupted, and may not be started again. */
export function isCrash({ spec, isOver, isInterrupted }: Recorded): boolean {
  return !isOver && isInterrupted && !spec.rerunnable;
}

/** The cleanup of the interrupted attempt comes first. */
export function isUnclean({ spec, isOver, isInterrupted }: Recorded): boolean {
  return !isOver && isInterrupted && spec.cleanup !== undefined;
}

/** What the machine is to know of the tasks that were added. `names` are those of all tasks so far, by number. */
export function recallOf(
  recorded: ReadonlyMap<string, Recorded>,
  added: readonly TaskSpec[],
  names: readonly string[],
  guards: readonly Guard[],
): Recall {
  const isNew = new Set(added.map(({ name }) => name));
  const numberOf = (name: string): number => names.indexOf(name);
  return {
    tasks: [...recorded.values()]
      .filter(({ spec }) => isNew.has(spec.name))
      .map((each) => recalled(each, numberOf(each.spec.name))),
    guards: guards
      .filter(({ owner }) => isNew.has(owner))
      .map(({ owner, tasks }): Guarding => {
        const resources = recorded.get(owner)?.spec.claims ?? [];
        return { owner: numberOf(owner), tasks: tasks.map(numberOf), resources };
      }),
    poisoned: [],
  };
}

/** The tasks wait until the owner has a result. */
export interface Guard {
  readonly owner: string;
  readonly tasks: readonly string[];
}

/**
 * Guards for interrupted tasks among those of the start: tasks that conflict with them, and that they cannot wait for. Not where groups are
 * concerned, nor tasks that are to go on themselves.
 */
export function guardsOf(recorded: ReadonlyMap<string, Recorded>, shadow: Shadow): readonly Guard[] {
  const first = shadow.tasks.filter(({ batch }) => batch === 1);
  return first.flatMap((owner): Guard[] => {
    const record = recorded.get(owner.spec.name);
    if (record === undefined || record.isOver || !record.isInterrupted) return [];
    if (owner.spec.group !== undefined || owner.spec.exclusive) return [];
    const needed = neededBy(owner, shadow);
    const tasks = first.filter(({ spec }) => {
      const isFree = spec.salvages.length + spec.tearsDown.length === 0 && !spec.exclusive;
      return isFree && spec.group === undefined && !recorded.has(spec.name);
    });
    const kept = tasks.filter((task) => !needed.has(task) && shadow.meets(task, owner));
    return kept.length === 0 ? [] : [{ owner: owner.spec.name, tasks: kept.map(({ spec }) => spec.name) }];
  });
}

/** All tasks that could come before this one, and before those that hold what it needs. */
function neededBy(task: TaskShadow, shadow: Shadow): ReadonlySet<TaskShadow> {
  const needed = new Set([task]);
  for (const each of needed) {
    for (const before of shadow.predecessors(each)) needed.add(before);
    for (const requirement of each.spec.requires)
      for (const candidate of shadow.candidates(each, requirement)) needed.add(candidate);
  }
  return needed;
}

const kinds = ['returned', 'failed', 'threw', 'skipped-itself', 'timed-out', 'cancelled', 'crashed', 'lost'];

function recalled(
  { spec, attempts, last, isOver, isInterrupted, ...rest }: Recorded,
  task: number,
): RecalledTask {
  const records = Array.from({ length: attempts }, (_, at): AttemptRecord => {
    const isLast = at + 1 === attempts;
    return { attempt: at + 1, outcome: outcomeOf(isLast ? last : undefined), ...somewhere };
  });
  const facts = { task, earlier: [], attempts: records, interruptions: isInterrupted ? 1 : 0 };
  if (!isOver || last === undefined) {
    const record = { spec, attempts, last, isOver, isInterrupted, ...rest };
    const crashed = isCrash(record) ? { crashed: 'it may have started' } : undefined;
    return { ...facts, kind: 'start', cleansUp: isUnclean(record), ...crashed };
  }
  return {
    ...facts,
    ...{ kind: 'result', from: { session: 1, isStale: false }, findings: [], attachments: [], slow: false },
    ...{ status: statusOf(last), value: 1, provided: [] },
    ...{ provides: last.end.provides, locksOk: !last.poisons },
  };
}

function statusOf({ status }: Verdict): Exclude<ResultStatus, 'skipped'> {
  if (!kinds.includes(status)) throw new Error(`${status} is not the status of a result`);
  return status as Exclude<ResultStatus, 'skipped'>;
}

function outcomeOf(verdict: Verdict | undefined): Outcome {
  return verdict === undefined
    ? { kind: 'threw', locksOk: false }
    : { kind: statusOf(verdict), locksOk: !verdict.poisons };
}

const somewhere = { worker: 'w', startedAtMs: 0, durationMs: 1 } as const;
