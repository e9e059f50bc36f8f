/**
 * The test cases of a task: one for each of its findings, or one for itself where these do not say everything. A case is red only if the verdict
 * of its task is: a failed finding of a task that was expected to fail is not. Does not know XML.
 */
import { type Finding, isBad, type Judgement } from '@pexen/core';
import type { LateError } from '../model/change.ts';
import { durationOf, isGreen, isRed } from '../model/results.ts';
import type { EndedTask, RunTask, TaskAttempt, TaskResult } from '../model/run-task.ts';
import {
  detailsOf,
  failedBefore,
  lateErrorTexts,
  messageOf,
  missingReason,
  outcomeOf,
  placed,
  placeOf,
} from '../report-facts.ts';
import {
  attachmentLines,
  attemptText,
  dataOf,
  notesText,
  outputFileLines,
  outputOf,
} from '../text/report-texts.ts';
import { serviceText } from '../text/service.ts';

/** The status of a case in the report. */
type CaseStatus =
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly message: string }
  | {
      readonly kind: 'failure' | 'error';
      readonly type: string;
      readonly message: string;
      readonly text: string;
    };

/** An attempt that was retried. */
export interface Rerun {
  readonly kind: 'failure' | 'error';
  readonly type: string;
  readonly message: string;
  readonly text: string;
  readonly out: string;
  readonly err: string;
}

export interface TestCase {
  readonly name: string;
  /** Where the finding was observed, else where the task was made. `file` is relative to the working directory, where it is below that. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly seconds: number;
  readonly status: CaseStatus;
  readonly reruns: readonly Rerun[];
  readonly out: string;
  readonly err: string;
}

/** What the cases contain besides the verdicts. */
export interface CaseOptions {
  readonly output: 'failed' | 'all' | 'none';
  readonly outputLimit: number;
  readonly findings: boolean;
}

/** The cases of a task that ended, or was skipped. Files of tasks are relative to `root`. */
export function casesOf(task: EndedTask, options: CaseOptions, root: string): TestCase[] {
  const place = placeOf(task, root);
  if (task.result.status === 'skipped') return [{ ...skippedCase(task), ...place }];
  const own = { ...taskCase(task, options, root), ...place };
  if (!options.findings || !task.result.findings.some(isPoint)) return [own];
  const { judgement, findings } = task.result;
  const cases = findings.map((finding) => ({
    ...findingCase(own.name, finding, judgement),
    ...(finding.location === undefined ? place : placed(finding.location, root)),
  }));
  return saysItAll(task.result) ? withExtras(cases, own) : [own, ...cases];
}

/** A point of a test; warnings and infos alone make no cases. */
function isPoint({ status }: Finding): boolean {
  return status !== 'warn' && status !== 'info';
}

/** True if the cases of the findings say everything about the task: it then has no case of its own, and is not counted twice. */
function saysItAll({ judgement, findings, attempts }: TaskResult): boolean {
  const { verdict, reason = '' } = judgement;
  if (isGreen(verdict)) return true;
  if (verdict !== 'fail' && verdict !== 'expected-fail') return false;
  const failed = findings.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return false;
  // The reason of an expected failure is that of the expectation.
  const message = attempts.at(-1)?.error?.message ?? (verdict === 'fail' ? reason : '');
  return message === '' || / findings failed$/.test(message) || failed.some(isNamedIn(message));
}

function isNamedIn(message: string): (finding: Finding) => boolean {
  return ({ name }) => name !== '' && message.includes(name);
}

/** The cases of the findings. The first that failed, or else the first, has what the case of the task would have: output, attempts, time. */
function withExtras(cases: readonly TestCase[], own: TestCase): TestCase[] {
  const failed = cases.findIndex(({ status }) => status.kind === 'failure');
  const host = Math.max(0, failed);
  const rest = own.seconds - cases.reduce((sum, { seconds }) => sum + seconds, 0);
  return cases.map((each, index) => {
    if (index !== host) return each;
    const { reruns, err } = own;
    return { ...each, reruns, err, seconds: each.seconds + Math.max(0, rest), out: each.out + own.out };
  });
}

/** The case of a task that has no result, since the run was aborted. */
export function missingCase(task: RunTask, root: string): TestCase {
  const { callPath, state } = task;
  const message = missingReason(task);
  const error = { kind: 'error', type: 'interrupted', message, text: message } as const;
  const status = state === 'waiting' ? ({ kind: 'skipped', message } as const) : error;
  return { ...emptyCase(nameOf(callPath)), status, ...placeOf(task, root) };
}

/** The case of an error that surfaced after its body had ended. It makes no case of a task red. */
export function lateErrorCase(late: LateError): TestCase {
  const { from, message, text } = lateErrorTexts(late);
  return { ...emptyCase(from), status: { kind: 'error', type: late.error.name, message, text } };
}

function skippedCase({ callPath, result }: EndedTask): TestCase {
  const { verdict, reason = 'skipped' } = result.judgement;
  const status: CaseStatus = isBad(verdict)
    ? { kind: 'error', type: verdict, message: reason, text: reason }
    : { kind: 'skipped', message: reason };
  return { ...emptyCase(nameOf(callPath)), status };
}

function taskCase(
  { callPath, result, attachments }: EndedTask,
  options: CaseOptions,
  root: string,
): TestCase {
  const { attempts } = result;
  const { verdict, reason } = result.judgement;
  const last = attempts.at(-1);
  const shows = options.output === 'all' || (options.output === 'failed' && verdict !== 'pass');
  const remark = verdict === 'warn' || verdict === 'flaky' ? `${verdict}: ${reason ?? ''}\n` : '';
  const notes = options.findings && result.findings.some(isPoint) ? '' : notesText(result.findings);
  const attached = attachmentLines(attachments, options.outputLimit);
  const files = shows && last !== undefined ? outputFileLines(last, root) : '';
  const reruns = failedBefore(result).map((attempt) => rerunOf(attempt, shows, options));
  const lived = serviceText(result);
  return {
    ...emptyCase(nameOf(callPath)),
    seconds: durationOf(result) / 1000,
    status: statusOf(result, last),
    reruns: isGreen(verdict) || isRed(verdict) ? reruns : [],
    out:
      remark +
      (lived && `service: ${lived}\n`) +
      notes +
      (shows ? outputOf(last?.stdout, options.outputLimit) : '') +
      attached +
      files,
    err: shows ? outputOf(last?.stderr, options.outputLimit) : '',
  };
}

function statusOf(result: TaskResult, last: TaskAttempt | undefined): CaseStatus {
  const { verdict } = result.judgement;
  const message = messageOf(result);
  switch (verdict) {
    case 'pass':
    case 'warn':
    case 'flaky':
      return { kind: 'passed' };
    case 'skip':
      return { kind: 'skipped', message };
    case 'expected-fail':
      return { kind: 'skipped', message: `expected failure: ${message}` };
    case 'fail':
    case 'error':
    case 'timeout':
    case 'crashed':
    case 'cancelled':
      return {
        kind: verdict === 'fail' ? 'failure' : 'error',
        type: last?.error?.name ?? verdict,
        message,
        text: detailsOf(result),
      };
    default:
      return verdict satisfies never;
  }
}

function rerunOf(attempt: TaskAttempt, shows: boolean, { outputLimit }: CaseOptions): Rerun {
  return {
    kind: attempt.outcome === 'failed' ? 'failure' : 'error',
    type: attempt.error?.name ?? attempt.outcome,
    message: attempt.error?.message ?? attempt.reason ?? attempt.outcome,
    text: attemptText(attempt),
    out: shows ? outputOf(attempt.stdout, outputLimit) : '',
    err: shows ? outputOf(attempt.stderr, outputLimit) : '',
  };
}

function findingCase(parent: string, finding: Finding, judgement: Judgement): TestCase {
  const text = [finding.message ?? '', dataOf(finding.data)].filter(Boolean).join('\n');
  const remark = finding.status === 'warn' || finding.status === 'info' ? `${finding.status}: ${text}\n` : '';
  return {
    ...emptyCase(`${parent} › ${finding.name.trim() || '(unnamed)'}`),
    seconds: (finding.durationMs ?? 0) / 1000,
    status: findingStatus(finding, judgement, text),
    out: text === '' ? '' : remark,
  };
}

function findingStatus(finding: Finding, judgement: Judgement, text: string): CaseStatus {
  const { name, message } = finding;
  const outcome = outcomeOf(finding, judgement);
  if (outcome.kind === 'passed') return outcome;
  if (outcome.kind === 'failed')
    return { kind: 'failure', type: 'finding', message: message ?? name, text: text || name };
  return { kind: 'skipped', message: outcome.why };
}

function emptyCase(name: string): TestCase {
  const place = { file: undefined, line: undefined };
  return { name, ...place, seconds: 0, status: { kind: 'passed' }, reruns: [], out: '', err: '' };
}

function nameOf(callPath: readonly string[]): string {
  return callPath.at(-1) ?? '';
}
