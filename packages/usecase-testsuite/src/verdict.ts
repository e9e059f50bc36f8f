/** What a test suite makes of a result: one verdict, and the reason for it where there is one to give. */
import {
  errorInfo,
  formatReason,
  isBad,
  isPexenError,
  type Judgement,
  judgementOf,
  type Result,
} from '@pexen/core';

/** The reason why a task is expected not to pass, or undefined where it is expected to pass. */
export type Expectation = (path: string) => string | undefined;

/** The verdict over a result, seen with what was expected of it. */
export function judge(result: Result, expectedToFail: Expectation): Judgement {
  const { status, findings, flaky, attempts } = result;
  const judgement = judgementOf({
    status,
    findings,
    flaky,
    attempts: attempts.length,
    reason: reasonOf(result),
  });
  const expected = expectedToFail(result.path);
  // Nobody knows whether it passed, so that is nothing which could be expected of it.
  if (isPexenError(result.error) && result.error.code === 'PEXEN_EVIDENCE_LOST')
    return { ...judgement, verdict: 'error' };
  if (expected === undefined) return judgement;
  if (isBad(judgement.verdict)) return { verdict: 'expected-fail', reason: expected };
  if (judgement.verdict !== 'pass') return judgement;
  return { verdict: 'warn', reason: `passed, though it was expected to fail: ${expected}` };
}

function reasonOf({ status, error, reason = [] }: Result): string {
  if (status !== 'failed' && status !== 'threw') return formatReason(reason);
  // Of ours, what it says: task and place are known, and the way out follows.
  if (isPexenError(error)) return error.problems.map(({ message }) => message).join('; ');
  return errorInfo(error, 0).message;
}
