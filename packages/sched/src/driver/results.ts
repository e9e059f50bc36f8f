/** Makes the results that the consumer gets of what the machine knows. */
import type { AttemptRecord, Finding, Result, Runnable, SharedState } from '@pexen/core';
import { STATUSES } from '../machine/outcomes.ts';
import type { TaskId } from '../machine/protocol.ts';
import { skipReason } from '../machine/skip-reason.ts';
import type { State } from '../machine/state.ts';
import { SLOW } from '../machine/task-table.ts';

const none: readonly never[] = Object.freeze([]);

/** The result of a task that is over. */
export function makeResult(
  state: State,
  task: TaskId,
  shared: SharedState,
  findings: readonly Finding[] = none,
): Result {
  const { plan, tasks } = state;
  const status = STATUSES[tasks.status[task] as number] as Result['status'];
  const attempts = tasks.records[task] ?? none;
  const facts = {
    task: plan.tasks[task] as Runnable,
    path: plan.pathOf(task),
    callPath: plan.naming.callPaths[task] as readonly string[],
    attempts,
    shared,
    flaky: status === 'returned' && attempts.length > 1,
    slow: tasks.has(task, SLOW),
    findings,
  };
  if (status === 'returned') return { ...facts, status, value: tasks.value[task] };
  if (status === 'skipped') return { ...facts, status, error: undefined, reason: skipReason(state, task) };
  const { error, reason } = (attempts.at(-1) as AttemptRecord).outcome;
  return {
    ...facts,
    status,
    error,
    reason: reason === undefined ? none : [{ task: facts.path, why: reason }],
  };
}
