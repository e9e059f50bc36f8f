/** The result of a task, with its verdict, and what all results of a run add up to. Does not know how they are shown. */
import {
  formatReason,
  isBad,
  type Judgement,
  judgementOf,
  type ReasonLink,
  type TaskFinished,
  type TaskSkipped,
  type Verdict,
} from '@pexen/core';
import type { TaskAttempt, TaskResult } from './run-task.ts';

/** One for all: most tasks have none of it. */
const none: readonly never[] = [];

/** The verdict of a result, and why. The event of a test suite has it; otherwise it follows from the status. */
export function verdictOf(event: TaskFinished | TaskSkipped): Judgement {
  if (event.judgement !== undefined) return event.judgement;
  if (event.type === 'task-skipped') {
    const { lostWith } = event;
    const reason = formatReason(event.reason);
    return judgementOf({ status: 'skipped', findings: [], flaky: false, attempts: 0, reason, lostWith });
  }
  const { status, findings, flaky, attempts } = event;
  const last = attempts.at(-1);
  const reason = status === 'failed' || status === 'threw' ? last?.error?.message : last?.reason;
  return judgementOf({ status, findings, flaky, attempts: attempts.length, reason });
}

/** True for the verdicts that a report shows as failures. */
export function isRed(verdict: Verdict): boolean {
  return isBad(verdict) || verdict === 'cancelled';
}

/** True for the verdicts that a report shows as passed. */
export function isGreen(verdict: Verdict): boolean {
  return verdict === 'pass' || verdict === 'warn' || verdict === 'flaky';
}

/** The result that the model keeps, from the event that reports it. */
export function resultOf(event: TaskFinished | TaskSkipped): TaskResult {
  return event.type === 'task-skipped' ? skippedResult(event) : finishedResult(event);
}

function finishedResult(event: TaskFinished): TaskResult {
  return {
    status: event.status,
    judgement: verdictOf(event),
    endedAtMs: event.atMs,
    durationMs: event.durationMs,
    attempts: event.attempts,
    findings: event.findings,
    flaky: event.flaky,
    slow: event.slow,
    reason: none,
    providersGone: event.providersGone ?? none,
    ...memoryOf(event),
    ...(event.interruptions !== undefined && { interruptions: event.interruptions }),
  };
}

function skippedResult(event: TaskSkipped): TaskResult {
  return {
    status: 'skipped',
    judgement: verdictOf(event),
    endedAtMs: event.atMs,
    durationMs: 0,
    attempts: none,
    findings: none,
    flaky: false,
    slow: false,
    reason: event.reason,
    providersGone: none,
    ...memoryOf(event),
  };
}

/** What is known of the task from before this session. */
function memoryOf({
  recalled,
  earlier,
}: TaskFinished | TaskSkipped): Pick<TaskResult, 'recalled' | 'earlier'> {
  return { ...(recalled !== undefined && { recalled }), ...(earlier !== undefined && { earlier }) };
}

/** A task that the summary lists again. */
export interface NotPassed {
  readonly path: string;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  /** Of a service that was ready: until then. */
  readonly durationMs: number;
}

/** The results so far, as JSON. */
export interface Totals {
  /** How many results have each verdict; verdicts that no result has are left out. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** How many results are those of services. */
  readonly services: number;
  /** The duration of all attempts together, without those of recalled results and of services, which go on while others work. */
  readonly workMs: number;
  /** How many results are those of earlier sessions, or of another run. */
  readonly recalled: number;
  /** Bad verdicts and cancelled tasks, in the order of their ends; at most 200. */
  readonly notPassed: readonly NotPassed[];
  /** How many more there are. */
  readonly unlisted: number;
  /** How many tasks were skipped for which root cause: the end of their chains of reasons. At most 200 causes. */
  readonly skippedFor: readonly (readonly [reason: string, count: number])[];
}

/** Longer lists are for report files, which have every task. */
const MOST_LISTED = 200;

/** Adds up the results of a run: counts by verdict, the time worked, and the tasks that did not pass. */
export class Tally {
  #services = 0;
  #workMs = 0;
  #recalled = 0;
  #unlisted = 0;
  readonly #verdicts: Partial<Record<Verdict, number>> = {};
  readonly #notPassed: NotPassed[] = [];
  readonly #skippedFor = new Map<string, number>();

  add(path: string, result: TaskResult, isService: boolean): void {
    const { status, judgement, reason } = result;
    const { verdict } = judgement;
    if (isService) this.#services++;
    if (result.recalled !== undefined) this.#recalled++;
    else if (!isService) this.#workMs += result.durationMs;
    this.#verdicts[verdict] = (this.#verdicts[verdict] ?? 0) + 1;
    // What a task was built on may be gone: such a skip fails the run, and is listed with what did not pass.
    if (status === 'skipped' && !isBad(verdict)) this.#skipped(rootOf(reason));
    if (status === 'skipped-itself') this.#skipped(judgement.reason);
    if (!isBad(verdict) && verdict !== 'cancelled') return;
    if (this.#notPassed.length >= MOST_LISTED) this.#unlisted++;
    else this.#notPassed.push({ path, verdict, reason: judgement.reason, durationMs: durationOf(result) });
  }

  totals(): Totals {
    return {
      ...{ verdicts: { ...this.#verdicts }, services: this.#services },
      ...{ workMs: this.#workMs, recalled: this.#recalled },
      ...{ notPassed: [...this.#notPassed], unlisted: this.#unlisted, skippedFor: [...this.#skippedFor] },
    };
  }

  #skipped(reason: string | undefined): void {
    if (reason === undefined) return;
    const before = this.#skippedFor.get(reason);
    if (before === undefined && this.#skippedFor.size >= MOST_LISTED) return;
    this.#skippedFor.set(reason, (before ?? 0) + 1);
  }
}

/** How long a task took, ms; a service, until it was ready, since how long it was up depends on others. */
export function durationOf({ attempts, durationMs }: TaskResult): number {
  return lastReady(attempts)?.readyAfterMs ?? durationMs;
}

/** The latest attempt of a service in which it was ready; undefined for other tasks. */
export function lastReady(attempts: readonly TaskAttempt[]): TaskAttempt | undefined {
  return attempts.findLast(({ readyAfterMs }) => readyAfterMs !== undefined);
}

/** The root cause of a chain of reasons. */
function rootOf(reason: readonly ReasonLink[]): string | undefined {
  const root = reason.at(-1);
  if (root === undefined) return undefined;
  return reason.length === 1 ? root.why : `${root.task} ${root.why}`;
}
