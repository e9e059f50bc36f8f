/** What a test suite makes of a result: one verdict, and the reason for it where there is one to give. */
import { type Finding, formatReason, type Judgement, type Result, type Verdict } from '@pexen/core';

/** The reason why a task is expected not to pass, or undefined where it is expected to pass. */
export type Expectation = (path: string) => string | undefined;

/** Verdicts that make a run a failed one. */
export const badVerdicts: ReadonlySet<Verdict> = new Set<Verdict>(['fail', 'error', 'timeout', 'crashed']);

/** The verdict over a result, seen with what was expected of it. */
export function judge(result: Result, expectedToFail: Expectation): Judgement {
  const judgement = judgeAlone(result);
  const expected = expectedToFail(result.path);
  if (expected === undefined) return judgement;
  if (badVerdicts.has(judgement.verdict)) return { verdict: 'expected-fail', reason: expected };
  if (judgement.verdict !== 'pass') return judgement;
  return { verdict: 'warn', reason: `passed, though it was expected to fail: ${expected}` };
}

function judgeAlone(result: Result): Judgement {
  switch (result.status) {
    case 'returned':
      return judgeReturned(result);
    case 'failed':
      return withReason('fail', messageOf(result.error));
    case 'threw':
      return withReason('error', messageOf(result.error));
    case 'timed-out':
      return withReason('timeout', formatReason(result.reason));
    case 'crashed':
    case 'lost':
      return withReason('crashed', formatReason(result.reason));
    case 'cancelled':
      return withReason('cancelled', formatReason(result.reason));
    case 'skipped':
    case 'skipped-itself':
      return withReason('skip', formatReason(result.reason));
    default:
      return result satisfies never;
  }
}

/** A failing finding fails a test that returned; a problem or a further attempt is worth a mention. */
function judgeReturned({ findings, flaky, attempts }: Result): Judgement {
  const failed = named(findings, 'fail');
  if (failed.length > 0) return { verdict: 'fail', reason: `failed: ${failed.join(', ')}` };
  if (flaky) return { verdict: 'flaky', reason: `passed at attempt ${attempts.length}` };
  const warned = named(findings, 'warn');
  return warned.length > 0 ? { verdict: 'warn', reason: warned.join(', ') } : { verdict: 'pass' };
}

function named(findings: readonly Finding[], status: Finding['status']): string[] {
  return findings
    .filter((finding) => finding.status === status)
    .map(({ name, message }) => (message === undefined ? name : `${name}: ${message}`));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withReason(verdict: Verdict, reason: string): Judgement {
  return reason === '' ? { verdict } : { verdict, reason };
}
