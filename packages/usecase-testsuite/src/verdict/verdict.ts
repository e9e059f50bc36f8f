/** The verdict of a test suite on a result, with its reason if there is one. */
import {
  type EarlierResult,
  errorInfo,
  type Finding,
  formatReason,
  isBad,
  isPexenError,
  type Judgement,
  judgementOf,
  type Result,
  type Verdict,
} from '@pexen/core';
import { worseVerdict } from '@pexen/store';
import { isProgram } from '../program-task.ts';

/** The reason why a task is expected not to pass, or undefined where it is expected to pass. */
export type Expectation = (path: string) => string | undefined;

/** For a task: the reasons why findings are expected to fail, by their names; undefined where none is. */
export type FindingExpectation = (path: string) => ((finding: string) => string | undefined) | undefined;

/**
 * The verdict on a result, compared with the expectations. Of a task that was executed again for what it provides, the worse of its verdicts counts:
 * a second success does not undo a failure.
 */
export function judge(
  result: Result,
  expectedToFail: Expectation,
  expectedFindings: FindingExpectation = () => undefined,
): Judgement {
  const latest = judgeResult(result, expectedToFail, expectedFindings);
  const expected = expectedToFail(result.path);
  return (result.earlier ?? [])
    .filter(({ counts }) => counts)
    .map((earlier) => judgeEarlier(earlier, expected))
    .reduce((worst, each) => {
      const isWorse =
        each.verdict !== worst.verdict && worseVerdict(each.verdict, worst.verdict) === each.verdict;
      return isWorse ? each : worst;
    }, latest);
}

/** Its verdict is that of its session, but for the expectation, which may have changed since. */
function judgeEarlier({ session, status, verdict }: EarlierResult, expected: string | undefined): Judgement {
  const recorded = verdict ?? ofStatus(status);
  if (expected !== undefined && isBad(recorded)) return { verdict: 'expected-fail', reason: expected };
  const isUnexpected = expected === undefined && recorded === 'expected-fail';
  const present = isUnexpected ? ofStatus(status) : recorded;
  return { verdict: present, reason: `${present} in session ${session}, before it was executed again` };
}

function ofStatus(status: EarlierResult['status']): Verdict {
  return judgementOf({ status, findings: [], flaky: false, attempts: 1, reason: undefined }).verdict;
}

function judgeResult(
  result: Result,
  expectedToFail: Expectation,
  expectedFindings: FindingExpectation,
): Judgement {
  const judgement = judgeTask(result, expectedToFail);
  const reasonFor = expectedFindings(result.path);
  if (reasonFor === undefined) return judgement;
  const expected = result.findings.filter(({ name }) => reasonFor(name) !== undefined);
  if (judgement.verdict === 'expected-fail') return judgement;
  const failed = expected.filter(({ status }) => status === 'fail');
  const passed = expected.find(({ status }) => status === 'pass');
  const without = failed.length > 0 ? judgeWithout(failed, reasonFor, result, expectedToFail) : judgement;
  if (passed === undefined || (without.verdict !== 'pass' && without.verdict !== 'expected-fail'))
    return without;
  const reason = `"${passed.name}" passed, though it was expected to fail: ${reasonFor(passed.name)}`;
  return { ...without, verdict: 'warn', reason };
}

/** The verdict if the expected findings had not failed. A program that failed for no other reason than these counts as if it had passed. */
function judgeWithout(
  failed: readonly Finding[],
  reasonFor: (finding: string) => string | undefined,
  result: Result,
  expectedToFail: Expectation,
): Judgement {
  const known = new Set(failed);
  const findings = result.findings.map((finding) =>
    known.has(finding) ? { ...finding, status: 'todo' as const } : finding,
  );
  const others = findings.filter(({ status }) => status === 'fail').length;
  const isExplained =
    result.status === 'failed' && others === 0 && isProgram(result.task) && !isPexenError(result.error);
  const without = isExplained
    ? judgementOf({
        status: 'returned',
        findings,
        flaky: false,
        attempts: result.attempts.length,
        reason: '',
      })
    : judgeTask({ ...result, findings }, expectedToFail);
  const expectedFailures = Object.fromEntries(failed.map(({ name }) => [name, reasonFor(name) ?? '']));
  if (isBad(without.verdict) || without.verdict === 'cancelled') return { ...without, expectedFailures };
  const [first = ''] = Object.values(expectedFailures);
  const reason = failed.length === 1 ? first : `${failed.length} findings failed as expected: ${first}`;
  return { verdict: 'expected-fail', reason, expectedFailures };
}

function judgeTask(result: Result, expectedToFail: Expectation): Judgement {
  const { status, findings, flaky, attempts, lostWith } = result;
  const judgement = judgementOf({
    ...{ status, findings, flaky, attempts: attempts.length },
    reason: reasonOf(result),
    lostWith,
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
