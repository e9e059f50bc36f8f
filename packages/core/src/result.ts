/** What the consumer of a run gets: exactly one result for every task added, and the verdict that follows from it by default. */
import type { CapturedOutput, Outcome, OutcomeKind } from './outcome.ts';
import type { SharedState } from './shared-state.ts';
import type { Runnable } from './task.ts';
import type { Finding } from './task-update.ts';

/** `skipped`: the task never started. Every other status names how the last attempt ended. */
export type ResultStatus = OutcomeKind | 'skipped';

/** One attempt. Times are milliseconds; `startedAtMs` counts from the start of the run. */
export interface AttemptRecord {
  /** Numbered from 1, without gaps. */
  readonly attempt: number;
  readonly outcome: Outcome;
  /** The pool's name for the worker. */
  readonly worker: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of a service that was ready: how long it took until then. */
  readonly readyAfterMs?: number;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** One link of the chain of reasons for which a task was skipped: a task, and what happened to it. The last link is the origin. */
export interface ReasonLink {
  readonly task: string;
  readonly why: string;
}

/** A provider whose worker was gone before a task that required it failed: servers that the provider had started there were gone, too. */
export interface ProviderGone {
  /** The path of the provider. */
  readonly provider: string;
  /** The worker in which its last attempt ran. */
  readonly worker: string;
  /** How the worker ended, to follow "it": "did not end in time". */
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
  /** The findings that the body reported, in order. */
  readonly findings: readonly Finding[];
  /** The judgement of the run's `judge`. */
  readonly judgement?: Judgement;
  /** Its result is that of an earlier session of the run, or of the run that this one repeats in part. */
  readonly recalled?: RecalledFrom;
  /** How often the end of a session interrupted an attempt of it. Interrupted attempts have no number. Absent: never. */
  readonly interruptions?: number;
  /** Results that it had before it was executed again, oldest first. Absent: none. */
  readonly earlier?: readonly EarlierResult[];
}

/** Where a result that was not made in this session comes from. */
export interface RecalledFrom {
  /** The session in which the task ended, from 1. */
  readonly session: number;
  /** True if it is not the result of the present code, and could not be renewed. */
  readonly isStale: boolean;
  /** Why it is stale, or counts as crashed: continues a sentence after the path. */
  readonly note?: string;
}

/** A result of a task from before its latest execution. */
export interface EarlierResult {
  readonly session: number;
  readonly status: ResultStatus;
  readonly verdict?: Verdict;
  /** True where the task was executed again only because what it had provided was gone: the worse of the two verdicts counts. */
  readonly counts: boolean;
}

/** The task ended well. */
export interface ReturnedResult<Value = unknown> extends ResultFacts {
  readonly status: 'returned';
  readonly value: Value;
  readonly error?: undefined;
  readonly reason?: undefined;
  readonly providersGone?: undefined;
  readonly lostWith?: undefined;
}

/** The task did not end well, or it never started. */
export interface OtherResult extends ResultFacts {
  readonly status: Exclude<ResultStatus, 'returned'>;
  readonly value?: undefined;
  /** What was thrown, if anything was. */
  readonly error: unknown;
  /** For a skipped task: the chain of reasons. Otherwise at most one link. */
  readonly reason: readonly ReasonLink[];
  /**
   * The body (or the cleanup) could not be ended and may still run. The resources that it uses and claims stay taken until it settles, and
   * are then poisoned.
   */
  readonly abandoned?: true;
  /**
   * Providers, direct and indirect, whose workers were gone when the task failed: nearest first, and possibly the cause of the failure. Absent
   * where there are none.
   */
  readonly providersGone?: readonly ProviderGone[];
  /** Of a skipped task: the path of the service whose end took away what the task needs. It fails the run. */
  readonly lostWith?: string;
}

/** How one task ended. `status` discriminates the union: only a task that returned has a value. */
export type Result<Value = unknown> = ReturnedResult<Value> | OtherResult;

/** `requires "bin"; "link" threw`: a reason chain as one line. */
export function formatReason(reason: readonly ReasonLink[]): string {
  return reason.map(({ task, why }, index) => (index === 0 ? why : `${task} ${why}`)).join('; ');
}

/** The verdict of a test suite on a result. */
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

/** A verdict, with its reason if there is one. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason?: string;
  /** The failed findings that were expected to fail: name → reason. They do not count. */
  readonly expectedFailures?: Readonly<Record<string, string>>;
}

/** The facts that a verdict follows from. */
export interface JudgedFacts {
  readonly status: ResultStatus;
  readonly findings: readonly Finding[];
  readonly flaky: boolean;
  /** How many attempts there were. */
  readonly attempts: number;
  /** What was thrown, or why it was stopped or skipped: one sentence, or undefined. */
  readonly reason: string | undefined;
  /** See `OtherResult`. */
  readonly lostWith?: string | undefined;
}

/** Verdicts that fail a run. */
const bad: ReadonlySet<Verdict> = new Set<Verdict>(['fail', 'error', 'timeout', 'crashed']);

/** True for verdicts that fail a run. */
export function isBad(verdict: Verdict): boolean {
  return bad.has(verdict);
}

/**
 * | status | verdict |
 * |---|---|
 * | returned | `fail` if a finding failed, else `flaky` if not at the first attempt, else `warn` if a finding warns, else `pass` |
 * | failed (controlled) | `fail` |
 * | threw | `error` |
 * | timed-out | `timeout` |
 * | crashed, lost | `crashed` |
 * | cancelled | `cancelled` |
 * | skipped-itself | `fail` if a finding failed, else `skip` |
 * | skipped | `skip`; `error` if what it needs was lost with a service |
 */
export function judgementOf(facts: JudgedFacts): Judgement {
  if (facts.status === 'returned') return judgementOfReturned(facts);
  if (facts.status === 'skipped-itself' && count(facts.findings, 'fail') > 0) return failedFindings(facts);
  const isLost = facts.status === 'skipped' && facts.lostWith !== undefined;
  const verdict = isLost ? 'error' : usualVerdict(facts.status);
  return facts.reason === undefined || facts.reason === '' ? { verdict } : { verdict, reason: facts.reason };
}

/** The verdict that follows from the status alone. */
export function usualVerdict(status: ResultStatus): Verdict {
  return verdicts[status];
}

const verdicts: Readonly<Record<ResultStatus, Verdict>> = {
  returned: 'pass',
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
  if (warned > 0) return { verdict: 'warn', reason: warned === 1 ? '1 warning' : `${warned} warnings` };
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
