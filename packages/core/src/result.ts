/** What the consumer of a run gets: exactly one result for every task added, and the verdict that follows from it by default. */
import type { CapturedOutput, Outcome, OutcomeKind } from './outcome.ts';
import type { SharedState } from './shared-state.ts';
import type { Runnable } from './task.ts';
import type { Finding } from './task-update.ts';

/** `skipped` never started; every other status is the name of how the last attempt ended. */
export type ResultStatus = OutcomeKind | 'skipped';

/** One attempt, as it was. Times are milliseconds; `startedAtMs` counts from the start of the run. */
export interface AttemptRecord {
  /** Numbered from 1, without gaps. */
  readonly attempt: number;
  readonly outcome: Outcome;
  /** The name its pool gives to the worker. */
  readonly worker: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** One link of the chain that says why a task was skipped: this task, and what about it. The last link is where it began. */
export interface ReasonLink {
  readonly task: string;
  readonly why: string;
}

/** A provider of what a task required, whose worker was gone before the task failed: a server that it had started there was gone, too. */
export interface ProviderGone {
  /** The path of the provider. */
  readonly provider: string;
  /** The worker in which its last attempt ran. */
  readonly worker: string;
  /** How the worker ended, as what follows "it": "did not end in time". */
  readonly reason: string;
}

/** `the worker of its provider "db" (process 0 (pid 123)) is gone: it did not end in time`. */
export function formatProviderGone({ provider, worker, reason }: ProviderGone): string {
  return `the worker of its provider "${provider}" (${worker}) is gone: it ${reason}`;
}

interface ResultFacts {
  /** The very object that was handed to the run. */
  readonly task: Runnable;
  /** The call path, as text: unique in the run. */
  readonly path: string;
  readonly callPath: readonly string[];
  readonly attempts: readonly AttemptRecord[];
  /** The task's final dictionary; empty if it never started. */
  readonly shared: SharedState;
  /** Returned, but not at the first attempt. */
  readonly flaky: boolean;
  /** Took longer than its `slowAfter`. */
  readonly slow: boolean;
  /** What the body told by `report`, in order. */
  readonly findings: readonly Finding[];
  /** What the run's `judge` made of it. */
  readonly judgement?: Judgement;
}

/** The task ended well. */
export interface ReturnedResult<Value = unknown> extends ResultFacts {
  readonly status: 'returned';
  readonly value: Value;
  readonly error?: undefined;
  readonly reason?: undefined;
  readonly providersGone?: undefined;
}

/** The task did not end well, or never started. */
export interface OtherResult extends ResultFacts {
  readonly status: Exclude<ResultStatus, 'returned'>;
  readonly value?: undefined;
  /** What was thrown, where something was. */
  readonly error: unknown;
  /** Of a skipped task: the chain of reasons. Else at most one link. */
  readonly reason: readonly ReasonLink[];
  /**
   * The body (or the cleanup) could not be ended and may still run. What it uses and claims stays taken until it settles, and is
   * poisoned then.
   */
  readonly abandoned?: true;
  /**
   * The task failed after workers were gone in which tasks had run that it builds on, directly or through others: nearest first, and possibly
   * the cause of the failure. Absent where there are none.
   */
  readonly providersGone?: readonly ProviderGone[];
}

/** What became of one task. `status` tells the two kinds apart: only a task that returned has a value. */
export type Result<Value = unknown> = ReturnedResult<Value> | OtherResult;

/** `requires "bin"; "link" threw`: a reason chain as one line. */
export function formatReason(reason: readonly ReasonLink[]): string {
  return reason.map(({ task, why }, index) => (index === 0 ? why : `${task} ${why}`)).join('; ');
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
