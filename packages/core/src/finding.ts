/** What a test found out: several findings a task, and one verdict over all. */

/** One result of the several a task may have. */
export interface Finding {
  readonly name: string;
  /** `warn`: a problem that does not fail the task; `todo`: expected not to pass yet. */
  readonly status: 'pass' | 'fail' | 'warn' | 'skip' | 'todo' | 'info';
  readonly message?: string;
  readonly data?: unknown;
}

/** What a test suite makes of a result. */
export type Verdict =
  | 'pass'
  | 'warn'
  | 'fail'
  | 'error'
  | 'timeout'
  | 'crashed'
  | 'skip'
  | 'expected-fail'
  | 'flaky'
  | 'cancelled';

/** A verdict with the reason for it, where there is one to give. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason?: string;
}
