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
  id: TaskId,
  shared: SharedState,
  findings: readonly Finding[] = none,
): Result {
  const { plan, tasks } = state;
  const status = STATUSES[tasks.status[id] as number] as Result['status'];
  const attempts = tasks.records[id] ?? none;
  const task = plan.tasks[id] as Runnable;
  const path = plan.pathOf(id);
  const callPath = plan.naming.callPathOf(id);
  const slow = tasks.has(id, SLOW);
  if (status === 'returned') {
    const flaky = attempts.length > 1;
    return { task, path, callPath, status, value: tasks.value[id], attempts, shared, flaky, slow, findings };
  }
  const { error, reason: why } = (attempts.at(-1) as AttemptRecord | undefined)?.outcome ?? {};
  const reason =
    status === 'skipped' ? skipReason(state, id) : why === undefined ? none : [{ task: path, why }];
  return { task, path, callPath, status, error, reason, attempts, shared, flaky: false, slow, findings };
}
