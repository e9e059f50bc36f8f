/** Which verdict follows from the way a task ended, where nobody says otherwise. */
import type { Finding, Judgement, Verdict } from './finding.ts';
import type { ResultStatus } from './result.ts';

/** What a verdict follows from. */
export interface JudgedFacts {
  readonly status: ResultStatus;
  readonly findings: readonly Finding[];
  readonly flaky: boolean;
  /** How many attempts there were. */
  readonly attempts: number;
  /** What was thrown, or why it was stopped or skipped: one sentence, or nothing. */
  readonly reason: string | undefined;
}

/** Verdicts that make a run a failed one. */
const bad: ReadonlySet<Verdict> = new Set<Verdict>(['fail', 'error', 'timeout', 'crashed']);

/** True for verdicts that make a run a failed one. */
export function isBad(verdict: Verdict): boolean {
  return bad.has(verdict);
}

/**
 * | status | verdict |
 * |---|---|
 * | returned | `fail` if a finding failed, else `flaky` if not at the first attempt, else `warn` if a finding warns, else `pass` |
 * | failed (said so itself) | `fail` |
 * | threw | `error` |
 * | timed-out | `timeout` |
 * | crashed, lost | `crashed` |
 * | cancelled | `cancelled` |
 * | skipped-itself | `fail` if a finding failed, else `skip` |
 * | skipped | `skip` |
 */
export function judgementOf(facts: JudgedFacts): Judgement {
  if (facts.status === 'returned') return judgementOfReturned(facts);
  if (facts.status === 'skipped-itself' && count(facts.findings, 'fail') > 0) return failedFindings(facts);
  const verdict = verdicts[facts.status];
  return facts.reason === undefined || facts.reason === '' ? { verdict } : { verdict, reason: facts.reason };
}

const verdicts: Readonly<Record<Exclude<ResultStatus, 'returned'>, Verdict>> = {
  failed: 'fail',
  threw: 'error',
  'timed-out': 'timeout',
  crashed: 'crashed',
  lost: 'crashed',
  cancelled: 'cancelled',
  'skipped-itself': 'skip',
  skipped: 'skip',
};

function judgementOfReturned({ findings, flaky, attempts }: JudgedFacts): Judgement {
  if (count(findings, 'fail') > 0) return failedFindings({ findings });
  if (flaky) return { verdict: 'flaky', reason: `passed at attempt ${attempts}` };
  const warned = count(findings, 'warn');
  if (warned > 0) return { verdict: 'warn', reason: warned === 1 ? '1 problem' : `${warned} problems` };
  return { verdict: 'pass' };
}

function failedFindings({ findings }: Pick<JudgedFacts, 'findings'>): Judgement {
  return { verdict: 'fail', reason: `${count(findings, 'fail')} of ${findings.length} findings failed` };
}

function count(findings: readonly Finding[], status: Finding['status']): number {
  let found = 0;
  for (const finding of findings) if (finding.status === status) found++;
  return found;
}
