/** The verdict of a task that was executed more than once. Knows nothing of decisions. */
import { isBad, type Verdict } from '@pexen/core';
import type { ExecutionRecord, RunRecords, TaskRecord } from './task-record.ts';

/** From best to worst. */
const ranking = [
  ...(['pass', 'expected-fail', 'warn', 'flaky', 'skip', 'cancelled'] as const),
  ...(['fail', 'timeout', 'crashed', 'error'] as const),
] satisfies readonly Verdict[];

/** The worse of two verdicts. */
export function worseVerdict(one: Verdict, other: Verdict): Verdict {
  return ranking.indexOf(one) >= ranking.indexOf(other) ? one : other;
}

/** The results of a task, by what they count for. */
export interface CountedExecutions {
  /** The latest result that is not of an extra execution, and the extra executions since: the verdict is the worst of these. */
  readonly counted: readonly ExecutionRecord[];
  /** All results before: they stand in the report, and do not count. */
  readonly earlier: readonly ExecutionRecord[];
}

/** Divides the results of a task, oldest first. */
export function countedExecutions(executions: readonly ExecutionRecord[]): CountedExecutions {
  const start = Math.max(
    0,
    executions.findLastIndex(({ isExtra }) => !isExtra),
  );
  return { counted: executions.slice(start), earlier: executions.slice(0, start) };
}

/** The verdict that follows from the results of a task; undefined without a result. */
export function verdictOfExecutions(executions: readonly ExecutionRecord[]): Verdict | undefined {
  const { counted } = countedExecutions(executions);
  return counted.map(({ verdict }) => verdict).reduce<Verdict | undefined>(worseOrOnly, undefined);
}

function worseOrOnly(one: Verdict | undefined, other: Verdict): Verdict {
  return one === undefined ? other : worseVerdict(one, other);
}

/** True if the task ended badly, or was skipped because another task did. */
export function isBadRecord(record: TaskRecord, records: RunRecords): boolean {
  if (record.state !== 'skipped') return isBad(verdictOfExecutions(record.executions) ?? 'pass');
  const cause = records.tasks.get(record.skip?.cause ?? '');
  return cause !== undefined && cause.state !== 'skipped' && isBadRecord(cause, records);
}
