/** The rule that a failed assertion in a module's task is a controlled failure, as a program's exit code 1 is. */
import type { PoolOutcome } from '@pexen/core';

/** The outcome, with an AssertionError (of node:assert, chai or others, from any worker) taken for a failed test. */
export function assertionsFail(outcome: PoolOutcome): PoolOutcome {
  if (outcome.kind !== 'threw' || !isAssertionError(outcome.error)) return outcome;
  return { ...outcome, kind: 'failed', depsOk: false, locksOk: true };
}

function isAssertionError(error: unknown): boolean {
  return error instanceof Error && error.name.split(' ')[0] === 'AssertionError';
}
