/** How a suite interprets an error that a body threw. In `@pexen/sched` by itself, everything except a TaskFailError is an uncontrolled failure. */
import { isPexenError, type PoolOutcome, type Runnable } from '@pexen/core';
import { isProgram } from '../program-task.ts';

/**
 * Converts an error thrown by a body to a failed test, like exit code 1 of a program: dependents are skipped, its
 * resources are in order, its cleanup runs. If its body was not found, or values could not be passed, it remains an error, and the
 * resources are in order as well. Programs are not affected, since their exit code is explicit.
 */
export function thrownFails(outcome: PoolOutcome, task: Runnable): PoolOutcome {
  if (outcome.kind !== 'threw') return outcome;
  if (isPexenError(outcome.error)) return { ...outcome, locksOk: true };
  if (isProgram(task)) return outcome;
  return { ...outcome, kind: 'failed', depsOk: false, locksOk: true, wantsCleanup: true };
}
