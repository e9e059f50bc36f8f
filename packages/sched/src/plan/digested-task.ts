/** A task of a plan as digests see it. */
import { type DigestedTask, defined } from '@pexen/core';
import type { CompiledTasks } from './compiled-tasks.ts';

/** What the digests of a task are computed from. */
export function digestedTask(plan: CompiledTasks, task: number): DigestedTask {
  const { timeoutMs, idleMs, graceMs, retries } = plan.rulesOf(task);
  return {
    definition: plan.definition(task),
    address: plan.addresses.get(task),
    limits: defined({ timeoutMs, idleMs, graceMs, retries }),
    pathsOf: (object) => plan.builder.tasksOf(object).map((each) => plan.pathOf(each)),
  };
}
