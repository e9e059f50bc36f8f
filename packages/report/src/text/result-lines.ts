/** One result as lines for people: one line, and if the task did not pass, the details below it. */
import {
  type Attachment,
  formatProviderGone,
  formatReason,
  isBad,
  type SourceLocation,
  type Verdict,
} from '@pexen/core';
import type { Change, LateError } from '../model/change.ts';
import { durationOf } from '../model/results.ts';
import type { EndedTask, RunTask, TaskAttempt, TaskError, TaskResult } from '../model/run-task.ts';
import {
  errorLines,
  findingLines,
  findingsHeadline,
  outputFileLines,
  outputLines,
  outputsOf,
  taskPlaceLines,
  unexpected,
} from './failure.ts';
import { formatSeconds, formatSpan } from './format.ts';
import { type Paint, verdictLooks } from './paint.ts';
import { printable, printableLines } from './printable.ts';
import { serviceStopText, serviceText } from './service.ts';
import type { Shown } from './shown.ts';
import { absolute } from './source.ts';
import { clip, clipMiddle, widthOf } from './width.ts';

const WORD_COLUMNS = 9;
const REASON_COLUMNS = 160;
/** Details start below the path. */
export const INDENT: string = ' '.repeat(WORD_COLUMNS + 3);

export interface LineOptions {
  readonly paint: Paint;
  /** How many of the last lines of each output are shown. */
  readonly outputLines: number;
  /** The directory that the files of tasks are relative to. */
  readonly root: string;
  /** The width of the terminal: lines of sources are cut to it. Undefined: they are not. */
  readonly columns: number | undefined;
  /** The command that runs only the task with this path. */
  readonly rerun: ((path: string) => string) | undefined;
  readonly shown: Pick<Shown, 'allFindings' | 'allOutput'>;
}

/** `     PASS [   0.213s] sys/net/ping  reason`. */
export function statusLine(
  verdict: Verdict,
  duration: string,
  path: string,
  reason: string | undefined,
  paint: Paint,
): string {
  const { word, style } = verdictLooks[verdict];
  return wordLine(paint(style, word), word.length, duration, path, reason, paint);
}

/** A line whose first word is not a verdict: `SLOW`, `RETRY`, `LOST`, `NOTE`. */
export function eventLine(
  word: string,
  duration: string,
  path: string,
  reason: string,
  paint: Paint,
): string {
  return wordLine(paint('yellow', word), word.length, duration, path, reason, paint);
}

/**
 * The lines of a change: an end, an attempt that will be retried, a service that is ready, makes way or dies, a lost worker, a late error. All
 * other changes have none.
 */
export function changeLines(change: Change, options: LineOptions): string[] {
  switch (change.kind) {
    case 'task-ended':
      return change.task.result.status === 'skipped'
        ? skippedLines(change.task, options)
        : finishedLines(change.task, options);
    case 'attempt-ended': {
      const { task, attempt, retryInMs, died } = change;
      if (died) return deathLines(task, attempt, options);
      return retryInMs === undefined ? [] : [retryLine(task.path, attempt, retryInMs, options)];
    }
    case 'service-ready':
      return [readyLine(change.task, change.afterMs, options)];
    case 'service-stopping':
      return change.why === 'made-way' || change.why === 'provider-down'
        ? [eventLine('STOP', '', change.task.path, serviceStopText(change.why), options.paint)]
        : [];
    case 'worker-lost': {
      const { worker, pool, reason } = change.lost;
      return [eventLine('LOST', '', `${worker} of ${pool}`, reason, options.paint)];
    }
    case 'late-error':
      return lateErrorLines(change.late, options);
    case 'attempt-started':
      return adoptedLines(change.task, options);
    case 'run-started':
    case 'tasks-added':
    case 'task-update':
    case 'run-ended':
      return [];
    default:
      change satisfies never;
      // A change of a later version has no line.
      return [];
  }
}

/** The line of an attempt that an earlier session has started. */
function adoptedLines({ path, running }: RunTask, { paint }: LineOptions): string[] {
  if (running?.adoptedFrom === undefined) return [];
  return [
    eventLine('ADOPTED', '', path, `started in session ${running.adoptedFrom}, on ${running.worker}`, paint),
  ];
}

/** The line of a task that ended, with findings, error and output where it did not pass. */
function finishedLines(task: EndedTask, options: LineOptions): string[] {
  const { path, result, facts, attachments } = task;
  const { verdict, reason } = result.judgement;
  const headline = headlineOf(result, reason);
  const slow = result.slow ? [headline, '(slow)'].filter(Boolean).join(' ') : headline;
  const extra = [slow, serviceText(result)].filter(Boolean).join('; ');
  const line = statusLine(verdict, formatSeconds(durationOf(result)), path, extra, options.paint);
  const location = facts.location === undefined ? undefined : absolute(facts.location, options.root);
  const shown = inFull([headline, reason]);
  const details = detailsOf(result, { path, location, verdict, shown, attachments }, options);
  return [line, ...details.map(indented)];
}

/** The line of a task that never started, with the chain of reasons. */
function skippedLines({ path, result }: EndedTask, { paint }: LineOptions): string[] {
  const { verdict, reason = formatReason(result.reason) } = result.judgement;
  return [statusLine(verdict, '', path, reason, paint)];
}

/** The lines of an error that surfaced after its body had ended, with the tasks that it may come from. */
function lateErrorLines({ tasks, error, worker }: LateError, { paint }: LineOptions): string[] {
  const [only = worker] = tasks;
  const isCertain = tasks.length <= 1;
  const where = isCertain ? only : `one of ${tasks.length} tasks`;
  const headline = `${error.name}: ${error.message}`;
  const line = wordLine(paint('red', 'LATE'), 4, '', where, headline, paint);
  const why = isCertain
    ? `It surfaced in ${worker} after the task had ended.`
    : `It surfaced in ${worker} after its task had ended. It may come from: ${tasks.join(', ')}`;
  const details = errorLines(error, {
    shown: inFull([headline]),
    outputs: [],
    taskLocation: undefined,
    paint,
    columns: undefined,
  });
  return [line, ...[...printableLines(why), ...details].map(indented)];
}

/** The line of a service that is ready: from now on it is not waited for. */
function readyLine({ path, service }: RunTask, afterMs: number, { paint }: LineOptions): string {
  const again = service?.deaths === 0 ? '' : paint('dim', 'again');
  return wordLine(paint('green', 'UP'), 2, formatSeconds(afterMs), path, again, paint);
}

/**
 * The lines of a service that ended while tasks needed it: what fails from now on may come from that. With the last that it printed, unless its
 * result follows, which has that, too.
 */
function deathLines({ path, service }: RunTask, ended: TaskAttempt, options: LineOptions): string[] {
  const { paint, outputLines: atMost, root } = options;
  const why = ended.error?.message ?? ended.reason ?? ended.outcome;
  const startsAgain = service?.startsAgain === true;
  const next = startsAgain ? '; starts again when a task needs it' : '';
  const line = wordLine(
    paint(['red', 'bold'], 'DIED'),
    4,
    formatSeconds(ended.durationMs),
    path,
    why + next,
    paint,
  );
  if (!startsAgain) return [line];
  const output = [...outputLines(outputsOf(ended, atMost), paint), ...outputFileLines(ended, root, paint)];
  return [line, ...output.map(indented)];
}

/** The line of an attempt that will be retried. */
function retryLine(path: string, ended: TaskAttempt, retryInMs: number, { paint }: LineOptions): string {
  const { attempt, outcome, durationMs, error, reason } = ended;
  const why = error?.message ?? reason;
  const text = why === undefined ? `attempt ${attempt} ${outcome}` : `attempt ${attempt} failed: ${why}`;
  const again = retryInMs < 1 ? 'retrying' : `retrying in ${formatSpan(retryInMs)}`;
  return eventLine('RETRY', formatSeconds(durationMs), path, `${clip(oneLine(text), 90)}; ${again}`, paint);
}

function wordLine(
  word: string,
  wordLength: number,
  duration: string,
  path: string,
  reason: string | undefined,
  paint: Paint,
): string {
  const time = paint('dim', `[${duration.padStart(WORD_COLUMNS)}]`);
  const why = reason === undefined || reason === '' ? '' : `  ${paint('dim', oneLine(reason))}`;
  return `${' '.repeat(Math.max(0, WORD_COLUMNS - wordLength))}${word} ${time} ${pathText(path, paint)}${why}`;
}

/** The path, with its last part, the name of the task, in bold. */
function pathText(path: string, paint: Paint): string {
  const shown = printable(path);
  const end = shown.lastIndexOf('/') + 1;
  return shown.slice(0, end) + paint('bold', shown.slice(end));
}

/** The reason; if it only repeats the findings below, their number instead. */
function headlineOf(result: TaskResult, reason: string | undefined): string {
  const findings = unexpected(result.findings, result.judgement);
  const counted = findingsHeadline(findings);
  if (reason === undefined) return counted;
  const repeats = findings.some(
    ({ name, status }) => isListed(status) && name !== '' && reason.includes(name),
  );
  return repeats && counted !== '' ? counted : withClass(result.attempts.at(-1)?.error, reason);
}

/** Classes that say nothing more than their message. */
const plainClasses: ReadonlySet<string> = new Set(['Error', 'AssertionError', 'TaskFailError', 'PexenError']);

/** `TypeError: x is not a function`. Other thrown values have their type as its name. */
function withClass(error: TaskError | undefined, reason: string): string {
  if (error === undefined || error.message !== reason || plainClasses.has(error.name)) return reason;
  return /^[A-Z]\w*$/.test(error.name) ? `${error.name}: ${reason}` : reason;
}

interface Detailed {
  readonly path: string;
  /** Where the task was made. */
  readonly location: SourceLocation | undefined;
  readonly verdict: Verdict;
  /** The texts that the line above shows in full. */
  readonly shown: readonly string[];
  readonly attachments: readonly Attachment[];
}

function detailsOf(
  result: TaskResult,
  { path, location, verdict, shown, attachments }: Detailed,
  { paint, outputLines: atMost, rerun, columns, root, shown: chosen }: LineOptions,
): string[] {
  const width = columns === undefined ? undefined : columns - INDENT.length;
  const findings = (): string[] =>
    findingLines(unexpected(result.findings, result.judgement), {
      ...{ paint, root, columns: width, all: chosen.allFindings },
    });
  const last = result.attempts.at(-1);
  const outputs = last === undefined ? [] : outputsOf(last, atMost);
  const output = (): string[] =>
    last === undefined ? [] : [...outputLines(outputs, paint), ...outputFileLines(last, root, paint)];
  if (!isBad(verdict) && verdict !== 'cancelled') {
    const hasFindings = verdict === 'warn' || verdict === 'flaky' || chosen.allFindings;
    return [...(hasFindings ? findings() : []), ...(chosen.allOutput ? output() : [])];
  }
  // The places of failed findings are better.
  const hasPlace = result.findings.some(
    ({ status, location: place }) => status === 'fail' && place !== undefined,
  );
  const taskLocation = hasPlace ? undefined : location;
  const error =
    last?.error === undefined
      ? taskPlaceLines(taskLocation, width, paint)
      : errorLines(last.error, {
          shown,
          outputs,
          taskLocation,
          paint,
          columns: width,
        });
  return [
    ...findings(),
    ...error,
    ...result.providersGone.map((each) => printable(formatProviderGone(each))),
    ...output(),
    ...attachments.flatMap(({ name, file }) =>
      file === undefined ? [] : [paint('dim', `${printable(name)}: ${printable(file)}`)],
    ),
    ...(rerun === undefined || !isBad(verdict) ? [] : [paint('dim', `rerun: ${printable(rerun(path))}`)]),
  ];
}

/** The first lines of the texts that fit into one line. */
function inFull(texts: readonly (string | undefined)[]): string[] {
  const firsts = texts.map((text) => printableLines(text ?? '')[0] ?? '');
  return firsts.filter((text) => text !== '' && widthOf(text) <= REASON_COLUMNS);
}

function isListed(status: string): boolean {
  return status === 'fail' || status === 'warn';
}

/** The first line of a reason. A long one loses its middle, since its end names the root cause. */
export function oneLine(text: string): string {
  const [first = '', ...more] = printableLines(text).filter((line) => line.trim() !== '');
  // The reason of a program already ends with the last of the lines below it.
  const hasMore = more.length > 0 && !first.endsWith(more.at(-1)?.trim() ?? '');
  return clipMiddle(hasMore ? `${first.replace(/:$/, '')} …` : first, REASON_COLUMNS);
}

function indented(line: string): string {
  return INDENT + line;
}
