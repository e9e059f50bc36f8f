/** Asks the digester of a run about its tasks. Knows no event. */
import {
  type Digest,
  type DigestedTask,
  type Digester,
  defined,
  type Runnable,
  type TaskDigests,
} from '@pexen/core';
import type { TaskId } from '../machine/protocol.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';

/** The digests of a task that was added; undefined where nobody works them out. */
export function digestsOf(
  plan: CompiledTasks,
  task: TaskId,
  digester: Digester | undefined,
): TaskDigests | undefined {
  return digester?.digestsOf(digestedTask(plan, task));
}

/** The code of a task that has run; undefined where nobody works it out. */
export function codeOf(
  plan: CompiledTasks,
  task: TaskId,
  digester: Digester | undefined,
): Digest | undefined {
  return digester?.codeOf(digestedTask(plan, task));
}

function digestedTask(plan: CompiledTasks, task: TaskId): DigestedTask {
  const { timeoutMs, idleMs, graceMs, retries } = plan.rulesOf(task);
  return {
    definition: plan.definition(task),
    address: plan.addresses.get(task),
    limits: defined({ timeoutMs, idleMs, graceMs, retries }),
    pathsOf: (object) => plan.builder.madeOf(object as Runnable).map((each) => plan.pathOf(each)),
  };
}
