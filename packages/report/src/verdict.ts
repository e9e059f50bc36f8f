/** Which verdict a result has, and which verdicts are bad ones. Knows nothing of how they are shown. */
import { formatReason, type Judgement, type TaskFinished, type TaskSkipped, type Verdict } from '@pexen/core';

const bad: ReadonlySet<Verdict> = new Set<Verdict>(['fail', 'error', 'timeout', 'crashed']);

/** True for verdicts that make a run a failed one. */
export function isBad(verdict: Verdict): boolean {
  return bad.has(verdict);
}

/**
 * The verdict of a result, and why. A test suite says it with the event (`judgement`); the scheduler alone does not, and then
 * it follows from the status:
 *
 * | status | verdict |
 * |---|---|
 * | returned | `fail` if a finding failed, else `flaky` if not at the first attempt, else `warn` if a finding warns, else `pass` |
 * | failed (said so itself) | `fail` |
 * | threw | `error` |
 * | timed-out | `timeout` |
 * | crashed, lost | `crashed` |
 * | cancelled | `cancelled` |
 * | skipped-itself, skipped | `skip` |
 */
export function verdictOf(event: TaskFinished | TaskSkipped): Judgement {
  if (event.judgement !== undefined) return event.judgement;
  if (event.type === 'task-skipped') return { verdict: 'skip', ...reasonOf(formatReason(event.reason)) };
  const last = event.attempts.at(-1);
  switch (event.status) {
    case 'returned':
      return verdictOfReturned(event);
    case 'failed':
      return { verdict: 'fail', ...reasonOf(last?.error?.message) };
    case 'threw':
      return { verdict: 'error', ...reasonOf(last?.error?.message) };
    case 'timed-out':
      return { verdict: 'timeout', ...reasonOf(last?.reason) };
    case 'crashed':
    case 'lost':
      return { verdict: 'crashed', ...reasonOf(last?.reason) };
    case 'cancelled':
      return { verdict: 'cancelled', ...reasonOf(last?.reason) };
    case 'skipped-itself':
      return { verdict: 'skip', ...reasonOf(last?.reason) };
    default:
      return event.status satisfies never;
  }
}

function verdictOfReturned({ findings, flaky, attempts }: TaskFinished): Judgement {
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (failed > 0) return { verdict: 'fail', reason: `${failed} of ${findings.length} findings failed` };
  if (flaky) return { verdict: 'flaky', reason: `passed at attempt ${attempts.length}` };
  const warned = findings.filter(({ status }) => status === 'warn').length;
  if (warned === 0) return { verdict: 'pass' };
  return { verdict: 'warn', reason: `${warned} ${warned === 1 ? 'problem' : 'problems'}` };
}

function reasonOf(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined || reason === '' ? {} : { reason };
}
