/**
 * The test cases of a task: one for itself, one for each of its findings. A case is red only if the verdict of its task is: a failed finding of
 * a task that was expected to fail is not. Does not know XML.
 */
import { type Finding, isBad, type Verdict } from '@pexen/core';
import type { LateError } from '../model/change.ts';
import type { EndedTask, RunTask, TaskAttempt, TaskResult } from '../model/run-task.ts';
import { attachmentLines, attemptText, dataOf, findingsText, goneText, outputOf } from './texts.ts';

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

/** The cases of a task that ended, or was skipped. */
export function casesOf(task: EndedTask, options: CaseOptions): TestCase[] {
  const { result } = task;
  if (result.status === 'skipped') return [skippedCase(task)];
  const own = taskCase(task, options);
  if (!options.findings) return [own];
  const { verdict } = result.judgement;
  return [own, ...result.findings.map((finding) => findingCase(own.name, finding, verdict))];
}

/** The case of a task that has no result, since the run was aborted. */
export function missingCase({ callPath, state }: RunTask): TestCase {
  const message = 'the run was aborted before this task ended';
  const error = { kind: 'error', type: 'interrupted', message, text: message } as const;
  const skipped = { kind: 'skipped', message: 'the run was aborted before this task started' } as const;
  return { ...emptyCase(nameOf(callPath)), status: state === 'waiting' ? skipped : error };
}

/** The case of an error that surfaced after its body had ended. It makes no case of a task red. */
export function lateErrorCase({ tasks, worker, error }: LateError): TestCase {
  const message = `${error.name}: ${error.message}`;
  const from = tasks.length === 0 ? worker : tasks.join(', ');
  const why = `It surfaced in ${worker} after its task had ended. It may come from: ${from}`;
  const text = `${why}\n\n${error.stack ?? message}`;
  return { ...emptyCase(from), status: { kind: 'error', type: error.name, message, text } };
}

function skippedCase({ callPath, result }: EndedTask): TestCase {
  const { reason = 'skipped' } = result.judgement;
  return { ...emptyCase(nameOf(callPath)), status: { kind: 'skipped', message: reason } };
}

function taskCase({ callPath, result, attachments }: EndedTask, options: CaseOptions): TestCase {
  const { attempts, durationMs } = result;
  const { verdict, reason } = result.judgement;
  const last = attempts.at(-1);
  const shows = options.output === 'all' || (options.output === 'failed' && verdict !== 'pass');
  const remark = verdict === 'warn' || verdict === 'flaky' ? `${verdict}: ${reason ?? ''}\n` : '';
  const attached = attachmentLines(attachments, options.outputLimit);
  const reruns = attempts.slice(0, -1).map((attempt) => rerunOf(attempt, shows, options));
  return {
    name: nameOf(callPath),
    seconds: durationMs / 1000,
    status: statusOf(result, last),
    reruns: isGreen(verdict) || isRed(verdict) ? reruns : [],
    out: remark + (shows ? outputOf(last?.stdout, options.outputLimit) : '') + attached,
    err: shows ? outputOf(last?.stderr, options.outputLimit) : '',
  };
}

function statusOf(result: TaskResult, last: TaskAttempt | undefined): CaseStatus {
  const { verdict, reason } = result.judgement;
  const message = reason ?? last?.error?.message ?? last?.reason ?? verdict;
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
        text: textOf(
          message,
          findingsText(result.findings),
          attemptText(last),
          goneText(result.providersGone),
        ),
      };
    default:
      return verdict satisfies never;
  }
}

/** Leaves out the message if a later text contains it. */
function textOf(message: string, findings: string, attempt: string, gone: string): string {
  const isShown = attempt.includes(message) || findings.includes(message);
  return [isShown ? '' : message, findings, attempt, gone].filter((text) => text !== '').join('\n\n');
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

function findingCase(parent: string, finding: Finding, verdict: Verdict): TestCase {
  const text = [finding.message ?? '', dataOf(finding.data)].filter(Boolean).join('\n');
  const remark = finding.status === 'warn' || finding.status === 'info' ? `${finding.status}: ${text}\n` : '';
  return {
    ...emptyCase(`${parent} › ${finding.name.trim() || '(unnamed)'}`),
    status: findingStatus(finding, verdict, text),
    out: text === '' ? '' : remark,
  };
}

function findingStatus({ status, name, message }: Finding, verdict: Verdict, text: string): CaseStatus {
  switch (status) {
    case 'pass':
    case 'warn':
    case 'info':
      return { kind: 'passed' };
    case 'skip':
    case 'todo':
      return { kind: 'skipped', message: [status, message].filter(Boolean).join(': ') };
    case 'fail':
      if (!isRed(verdict)) {
        return { kind: 'skipped', message: `failed, which counts as ${verdict}: ${message ?? name}` };
      }
      return { kind: 'failure', type: 'finding', message: message ?? name, text: text || name };
    default:
      return status satisfies never;
  }
}

function isRed(verdict: Verdict): boolean {
  return isBad(verdict) || verdict === 'cancelled';
}

function isGreen(verdict: Verdict): boolean {
  return verdict === 'pass' || verdict === 'warn' || verdict === 'flaky';
}

function emptyCase(name: string): TestCase {
  return { name, seconds: 0, status: { kind: 'passed' }, reruns: [], out: '', err: '' };
}

function nameOf(callPath: readonly string[]): string {
  return callPath.at(-1) ?? '';
}
