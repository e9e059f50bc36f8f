/** A task as a test of a CTRF report: plain data, valid under the schema of the format for any task. */
import type { Attachment, CapturedOutput, Finding, Verdict } from '@pexen/core';
import type { LateError } from '../model/change.ts';
import { durationOf, isRed } from '../model/results.ts';
import type { EndedTask, RunTask, TaskAttempt, TaskResult } from '../model/run-task.ts';
import {
  detailsOf,
  type FindingOutcome,
  lateErrorTexts,
  messageOf,
  missingReason,
  outcomeOf,
  placed,
  placeOf,
} from '../report-facts.ts';
import { limited, plainLine, plainText } from '../text/plain.ts';
import { attemptText, dataOf, fromHere, outputOf } from '../text/report-texts.ts';
import { serviceText } from '../text/service.ts';

/** The statuses of CTRF. */
type CtrfStatus = 'passed' | 'failed' | 'skipped' | 'pending' | 'other';

/** What the report needs to know of a test itself; the other entries are as in the format. */
export interface CtrfTest {
  readonly status: CtrfStatus;
  readonly flaky?: boolean;
  readonly suite: readonly string[];
  readonly [entry: string]: unknown;
}

/** What a test is made with besides its task. */
export interface TestSurroundings {
  readonly output: 'failed' | 'all' | 'none';
  readonly outputLimit: number;
  /** The start of the run, ms since 1970. */
  readonly startedAt: number;
  readonly root: string;
}

/** A task that ended, or was skipped. */
export function testOf(task: EndedTask, around: TestSurroundings): CtrfTest {
  const { result, attachments } = task;
  const { verdict } = result.judgement;
  const last = result.attempts.at(-1);
  const shows = around.output === 'all' || (around.output === 'failed' && verdict !== 'pass');
  return {
    ...identityOf(task, around.root),
    ...{ status: statuses[verdict], rawStatus: verdict, duration: whole(durationOf(result)) },
    ...timesOf(result, around.startedAt),
    ...(verdict !== 'pass' && { message: limited(plainText(messageOf(result)), around.outputLimit) }),
    ...(isRed(verdict) && { trace: limited(plainText(detailsOf(result)), around.outputLimit) }),
    ...(result.attempts.length > 1 && retriesOf(result, shows, around)),
    ...(verdict === 'flaky' && { flaky: true }),
    ...(shows && outputsOf(last, around.outputLimit)),
    ...(last !== undefined && { threadId: plainLine(last.worker) }),
    ...(result.findings.length > 0 && { steps: result.findings.map((each) => stepOf(each, result, around)) }),
    ...attachmentsOf(attachments, shows ? last : undefined),
    ...extraOf(task, around),
  };
}

/** A task that has no result, since the run was aborted. */
export function missingTest(task: RunTask, { root }: Pick<TestSurroundings, 'root'>): CtrfTest {
  const status = task.state === 'waiting' ? 'pending' : 'other';
  return { ...identityOf(task, root), ...{ status, duration: 0, message: missingReason(task) } };
}

/** An error that surfaced after its task had ended. */
export function lateErrorTest(late: LateError): CtrfTest {
  const { from, message, text } = lateErrorTexts(late);
  return {
    ...{
      name: plainLine(from),
      suite: ['late errors'],
      status: 'failed',
      rawStatus: 'late-error',
      duration: 0,
    },
    ...{ message: plainText(message), trace: plainText(text), threadId: plainLine(late.worker) },
  };
}

const statuses: Readonly<Record<Verdict, CtrfStatus>> = {
  ...{ pass: 'passed', warn: 'passed', flaky: 'passed' },
  ...{ fail: 'failed', error: 'failed', timeout: 'failed', crashed: 'failed' },
  ...{ skip: 'skipped', 'expected-fail': 'skipped', cancelled: 'other' },
};

function identityOf(task: RunTask, root: string): Pick<CtrfTest, 'suite'> {
  const { callPath, path, facts } = task;
  const folders = callPath.slice(0, -1).map((part) => plainLine(part));
  const { file, line } = placeOf(task, root);
  return {
    ...{ testId: plainLine(path), name: plainLine(callPath.at(-1) ?? '') },
    suite: folders.length === 0 ? ['pexen'] : folders,
    ...(file !== undefined && { filePath: plainText(file) }),
    ...(line !== undefined && Number.isInteger(line) && { line }),
    ...(facts.tags !== undefined && { tags: facts.tags.map((tag) => plainLine(tag)) }),
    ...(facts.service === true && { type: 'service' }),
  };
}

/** The first start and the last end. */
function timesOf({ attempts }: TaskResult, startedAt: number): object {
  const [first, last] = [attempts[0], attempts.at(-1)];
  if (first === undefined || last === undefined) return {};
  return {
    start: whole(startedAt + first.startedAtMs),
    stop: whole(startedAt + last.startedAtMs + last.durationMs),
  };
}

/** The attempts before the last one. A service that made way returned there. */
function retriesOf({ attempts }: TaskResult, shows: boolean, around: TestSurroundings): object {
  return {
    retries: attempts.length - 1,
    retryAttempts: attempts.slice(0, -1).map((each, index) => ({
      ...{ attempt: index + 1, status: each.outcome === 'returned' ? 'passed' : 'failed' },
      ...{ duration: whole(each.durationMs), start: whole(around.startedAt + each.startedAtMs) },
      stop: whole(around.startedAt + each.startedAtMs + each.durationMs),
      message: plainText(each.error?.message ?? each.reason ?? each.outcome),
      ...(attemptText(each) !== '' && { trace: limited(plainText(attemptText(each)), around.outputLimit) }),
      ...(shows && outputsOf(each, around.outputLimit)),
      extra: { outcome: each.outcome, worker: plainLine(each.worker) },
    })),
  };
}

function outputsOf(attempt: TaskAttempt | undefined, limit: number): object {
  const [stdout, stderr] = [linesOf(attempt?.stdout, limit), linesOf(attempt?.stderr, limit)];
  return { ...(stdout.length > 0 && { stdout }), ...(stderr.length > 0 && { stderr }) };
}

function linesOf(output: CapturedOutput | undefined, limit: number): readonly string[] {
  const text = plainText(outputOf(output, limit)).replace(/\r?\n$/, '');
  return text === '' ? [] : text.split(/\r?\n/);
}

function stepOf(
  finding: Finding,
  { judgement }: TaskResult,
  { root, outputLimit }: TestSurroundings,
): object {
  const { name, status, message, durationMs, location, data } = finding;
  const outcome = outcomeOf(finding, judgement);
  const details = limited(plainText(dataOf(data)), outputLimit);
  return {
    ...{ name: plainLine(name), status: stepStatuses[outcome.kind] },
    extra: {
      rawStatus: status,
      ...(message !== undefined && { message: plainText(message) }),
      ...('why' in outcome && { why: plainText(outcome.why) }),
      ...(durationMs !== undefined && { duration: whole(durationMs) }),
      ...(location !== undefined && placed(location, root)),
      ...(details !== '' && { data: details }),
    },
  };
}

const stepStatuses: Readonly<Record<FindingOutcome['kind'], CtrfStatus>> = {
  ...{ passed: 'passed', failed: 'failed', skipped: 'skipped', todo: 'pending', excused: 'skipped' },
};

/** Attached files, and the files with the output of the last attempt. The format has no attached texts: those are in `extra`. */
function attachmentsOf(attachments: readonly Attachment[], last: TaskAttempt | undefined): object {
  const files = [
    ...attachments.flatMap(({ name, mediaType = 'application/octet-stream', file }) =>
      file === undefined ? [] : [attached(name, mediaType, file)],
    ),
    ...Object.entries({ stdout: last?.stdout?.file, stderr: last?.stderr?.file }).flatMap(([name, file]) =>
      file === undefined ? [] : [attached(name, 'text/plain', file)],
    ),
  ];
  return files.length === 0 ? {} : { attachments: files };
}

function attached(name: string, contentType: string, file: string): object {
  return { name: plainLine(name), contentType: plainLine(contentType), path: plainText(fromHere(file)) };
}

function extraOf({ result, facts, attachments }: EndedTask, { outputLimit }: TestSurroundings): object {
  const texts = attachments.filter(({ text }) => text !== undefined);
  const { reason, providersGone, recalled, earlier, interruptions } = result;
  const extra = {
    ...(reason.length > 0 && { reason }),
    ...(result.slow && { slow: true }),
    ...(facts.service === true && { service: serviceText(result) }),
    ...(providersGone.length > 0 && { providersGone }),
    ...(recalled !== undefined && { recalled }),
    ...(earlier !== undefined && { earlier }),
    ...(interruptions !== undefined && { interruptions }),
    ...(texts.length > 0 && {
      attachedTexts: texts.map(({ name, text = '' }) => ({
        name: plainLine(name),
        text: limited(plainText(text), outputLimit),
      })),
    }),
  };
  return Object.keys(extra).length === 0 ? {} : { extra };
}

/** A whole number of milliseconds; 0 for anything else. */
function whole(ms: number): number {
  return Number.isFinite(ms) ? Math.round(Math.min(Math.max(0, ms), 1e15)) : 0;
}
