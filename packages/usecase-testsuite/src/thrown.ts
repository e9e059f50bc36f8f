/** What it means in a suite that a module's task threw. `@pexen/sched` alone takes everything but a TaskFailError as out of control. */
import { definitionOf, isPexenError, type PoolOutcome, type Runnable } from '@pexen/core';

/**
 * The outcome, with what a body threw taken for a failed test, as a program's exit code 1 is: dependents are skipped, its
 * resources are in order, its cleanup runs. Where its body was not found, or values could not cross, it stays an error, and the
 * resources are in order too. Programs have said by their exit code what they mean.
 */
export function thrownFails(outcome: PoolOutcome, task: Runnable): PoolOutcome {
  if (outcome.kind !== 'threw') return outcome;
  if (isPexenError(outcome.error)) return { ...outcome, locksOk: true };
  if (typeof definitionOf(task).body !== 'function') return outcome;
  return { ...outcome, kind: 'failed', depsOk: false, locksOk: true, wantsCleanup: true };
}
