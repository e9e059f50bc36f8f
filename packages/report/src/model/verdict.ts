/** Which verdict a result has. Knows nothing of how verdicts are shown. */
import { formatReason, type Judgement, judgementOf, type TaskFinished, type TaskSkipped } from '@pexen/core';

/** The verdict of a result, and why. A test suite says it with the event; otherwise it follows from the status. */
export function verdictOf(event: TaskFinished | TaskSkipped): Judgement {
  if (event.judgement !== undefined) return event.judgement;
  if (event.type === 'task-skipped') {
    const reason = formatReason(event.reason);
    return judgementOf({ status: 'skipped', findings: [], flaky: false, attempts: 0, reason });
  }
  const { status, findings, flaky, attempts } = event;
  const last = attempts.at(-1);
  const reason = status === 'failed' || status === 'threw' ? last?.error?.message : last?.reason;
  return judgementOf({ status, findings, flaky, attempts: attempts.length, reason });
}
