/** What every format says of a task: its message, its details, its place, and what a finding counts as. Does not know how it is written. */
import { resolve } from 'node:path';
import type { Finding, Judgement, SourceLocation } from '@pexen/core';
import type { LateError } from './model/change.ts';
import { isRed } from './model/results.ts';
import type { EndedTask, RunTask, TaskAttempt, TaskResult } from './model/run-task.ts';
import type { ReadonlyRunModel } from './reporter.ts';
import { attemptText, findingsText, fromHere, goneText } from './text/report-texts.ts';
import { absolute, framesOf } from './text/source.ts';

/** A place in a source. `file` is relative to the working directory, where it is below that. */
export interface Place {
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** Where the task was made. Relative files of tasks start at `root`. */
export function placeOf({ facts: { location } }: RunTask, root: string): Place {
  return location === undefined ? { file: undefined, line: undefined } : placed(location, root);
}

/** Where a finding was observed. */
export function placed({ file, line }: SourceLocation, root: string): Place {
  return { file: fromHere(resolve(root, file)), line };
}

/** Where a failure is best looked at: at its first failed finding, in the code that threw, else where the task was made. Absolute. */
export function failurePlace({ facts, result }: EndedTask, root: string): SourceLocation | undefined {
  const { findings, attempts } = result;
  const finding = findings.find(({ status, location }) => status === 'fail' && location !== undefined);
  const [frame] = framesOf(attempts.at(-1)?.error?.stack ?? '', false);
  const place = finding?.location ?? frame?.location ?? facts.location;
  return place && absolute(place, root);
}

/** The directory that the files of tasks are relative to. */
export function rootOf({ run: { root = '.' } }: ReadonlyRunModel): string {
  return root;
}

/** The tasks without a result, in the order in which they were added. */
export function* openTasks(model: ReadonlyRunModel): Generator<RunTask> {
  for (const task of model.tasks()) if (task.state !== 'done') yield task;
}

/** Why the task has its verdict, in a sentence; at least the verdict. */
export function messageOf({ judgement: { verdict, reason }, attempts }: TaskResult): string {
  const last = attempts.at(-1);
  return reason ?? last?.error?.message ?? last?.reason ?? verdict;
}

/** The message, the failed findings, the error with its stack, and the providers that were gone. Nothing is repeated. */
export function detailsOf(result: TaskResult): string {
  const message = messageOf(result);
  const findings = findingsText(result.findings);
  const attempt = attemptText(result.attempts.at(-1));
  const isShown = attempt.includes(message) || findings.includes(message);
  const texts = [isShown ? '' : message, findings, attempt, goneText(result.providersGone)];
  return texts.filter((text) => text !== '').join('\n\n');
}

/** The attempts before the last one that failed. A service that made way returned and started again: that attempt did not fail. */
export function failedBefore({ attempts }: TaskResult): readonly TaskAttempt[] {
  return attempts.slice(0, -1).filter(({ outcome }) => outcome !== 'returned');
}

/** What a finding counts as. A failed one is `excused` where its task did not fail because of it. */
export type FindingOutcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'skipped' | 'todo' | 'excused'; readonly why: string };

/** A finding is as red as the verdict of its task. */
export function outcomeOf(
  { status, name, message }: Finding,
  { verdict, reason, expectedFailures = {} }: Judgement,
): FindingOutcome {
  switch (status) {
    case 'pass':
    case 'warn':
    case 'info':
      return { kind: 'passed' };
    case 'skip':
      return { kind: 'skipped', why: withStatus(status, message) };
    case 'todo':
      return { kind: 'todo', why: withStatus(status, message) };
    case 'fail': {
      const expected = Object.hasOwn(expectedFailures, name) ? expectedFailures[name] : undefined;
      if (expected !== undefined) return { kind: 'excused', why: `expected failure: ${expected}` };
      if (verdict === 'expected-fail')
        return { kind: 'excused', why: `expected failure: ${reason ?? message ?? name}` };
      if (isRed(verdict)) return { kind: 'failed' };
      return { kind: 'excused', why: `failed, which counts as ${verdict}: ${message ?? name}` };
    }
    default:
      return status satisfies never;
  }
}

/** `todo: later`; a message that starts with the status already stays as it is. */
function withStatus(status: string, message = ''): string {
  if (message === '') return status;
  return message.toLowerCase().startsWith(status) ? message : `${status}: ${message}`;
}

/** Why a task has no result. */
export function missingReason({ state }: RunTask): string {
  return state === 'waiting'
    ? 'the run was aborted before this task started'
    : 'the run was aborted before this task ended';
}

/** An error that surfaced after its task had ended: the tasks that it may come from, its message, and its whole text. */
export function lateErrorTexts({ tasks, worker, error }: LateError): {
  readonly from: string;
  readonly message: string;
  readonly text: string;
} {
  const message = `${error.name}: ${error.message}`;
  const from = tasks.length === 0 ? worker : tasks.join(', ');
  const why = `It surfaced in ${worker} after its task had ended. It may come from: ${from}`;
  return { from, message, text: `${why}\n\n${error.stack ?? message}` };
}
