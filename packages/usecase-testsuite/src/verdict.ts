/** The verdict of a test suite on a result, with its reason if there is one. */
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

/** The verdict on a result, compared with the expectation. */
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
  // It is unknown whether the test passed, so an expected failure does not apply.
  if (isPexenError(result.error) && result.error.code === 'PEXEN_EVIDENCE_LOST')
    return { ...judgement, verdict: 'error' };
  if (expected === undefined) return judgement;
  if (isBad(judgement.verdict)) return { verdict: 'expected-fail', reason: expected };
  if (judgement.verdict !== 'pass') return judgement;
  return { verdict: 'warn', reason: `passed, though it was expected to fail: ${expected}` };
}

function reasonOf({ status, error, reason = [] }: Result): string {
  if (status !== 'failed' && status !== 'threw') return formatReason(reason);
  // The messages are enough: task and location are known, and the hint follows.
  if (isPexenError(error)) return error.problems.map(({ message }) => message).join('; ');
  return errorInfo(error, 0).message;
}
