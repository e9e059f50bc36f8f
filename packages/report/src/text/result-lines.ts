/** One result as people read it: one line, and what they need to know below it where the task did not pass. */
import {
  type AttemptEnded,
  formatProviderGone,
  formatReason,
  isBad,
  type LateErrorEvent,
  type TaskFinished,
  type TaskSkipped,
  type Verdict,
} from '@pexen/core';
import { verdictOf } from '../verdict.ts';
import { formatSeconds, formatSpan } from './duration.ts';
import { errorLines, outputLines, outputsOf } from './failure.ts';
import { findingLines, findingsHeadline } from './findings.ts';
import type { Paint } from './paint.ts';
import { printable, printableLines } from './printable.ts';
import { verdictLooks } from './verdict-look.ts';
import { clip, clipMiddle, widthOf } from './width.ts';

const WORD_COLUMNS = 9;
const REASON_COLUMNS = 160;
/** Where details begin: below the path. */
export const INDENT: string = ' '.repeat(WORD_COLUMNS + 3);

/** What the text depends on besides the event. */
export interface LineOptions {
  readonly paint: Paint;
  /** How many of the last lines of each output are shown. */
  readonly outputLines: number;
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
export function newsLine(word: string, duration: string, path: string, reason: string, paint: Paint): string {
  return wordLine(paint('yellow', word), word.length, duration, path, reason, paint);
}

/** The line of a task that ended, with findings, error and output where it did not pass. */
export function finishedLines(event: TaskFinished, { paint, outputLines: atMost }: LineOptions): string[] {
  const { verdict, reason } = verdictOf(event);
  const headline = headlineOf(event, reason);
  const extra = event.slow ? [headline, '(slow)'].filter(Boolean).join(' ') : headline;
  const line = statusLine(verdict, formatSeconds(event.durationMs), event.path, extra, paint);
  return [
    line,
    ...detailsOf(event, verdict, inFull([headline, reason]), { paint, outputLines: atMost }).map(indented),
  ];
}

/** The line of a task that never started: why, down to where it began. */
export function skippedLines(event: TaskSkipped, { paint }: LineOptions): string[] {
  const { verdict, reason = formatReason(event.reason) } = verdictOf(event);
  return [statusLine(verdict, '', event.path, reason, paint)];
}

/** The lines of an error that surfaced after its body had ended: where it may come from, and what it is. */
export function lateErrorLines({ tasks, error, worker }: LateErrorEvent, { paint }: LineOptions): string[] {
  const [only = worker] = tasks;
  const isCertain = tasks.length <= 1;
  const where = isCertain ? only : `one of ${tasks.length} tasks`;
  const headline = `${error.name}: ${error.message}`;
  const line = wordLine(paint('red', 'LATE'), 4, '', where, headline, paint);
  const why = isCertain
    ? `It surfaced in ${worker} after the task had ended.`
    : `It surfaced in ${worker} after its task had ended. It may come from: ${tasks.join(', ')}`;
  const details = errorLines(error, inFull([headline]), [], paint);
  return [line, ...[...printableLines(why), ...details].map(indented)];
}

/** The line of an attempt that will be followed by another; undefined where it is the last. */
export function retryLine(event: AttemptEnded, paint: Paint): string | undefined {
  if (event.retryInMs === undefined) return undefined;
  const { attempt, outcome, durationMs, error, reason } = event.attempt;
  const why = error?.message ?? reason;
  const said = `attempt ${attempt} ${outcome}${why === undefined ? '' : `: ${why}`}`;
  const again = event.retryInMs < 1 ? 'again now' : `again in ${formatSpan(event.retryInMs)}`;
  return newsLine(
    'RETRY',
    formatSeconds(durationMs),
    event.path,
    `${clip(oneLine(said), 90)}; ${again}`,
    paint,
  );
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

/** The path with its last part, which is the name of the task, made to stand out. */
function pathText(path: string, paint: Paint): string {
  const shown = printable(path);
  const end = shown.lastIndexOf('/') + 1;
  return shown.slice(0, end) + paint('bold', shown.slice(end));
}

/** The reason for one line; where it only repeats the findings listed below, how many there are. */
function headlineOf({ findings }: TaskFinished, reason: string | undefined): string {
  const counted = findingsHeadline(findings);
  if (reason === undefined) return counted;
  const repeats = findings.some(
    ({ name, status }) => isTelling(status) && name !== '' && reason.includes(name),
  );
  return repeats && counted !== '' ? counted : reason;
}

/** `said` is what the line above says in full. */
function detailsOf(
  event: TaskFinished,
  verdict: Verdict,
  said: readonly string[],
  options: LineOptions,
): string[] {
  const { paint } = options;
  if (verdict === 'warn' || verdict === 'flaky') return findingLines(event.findings, paint);
  if (!isBad(verdict) && verdict !== 'cancelled') return [];
  const last = event.attempts.at(-1);
  const outputs = last === undefined ? [] : outputsOf(last, options.outputLines);
  const error = last?.error === undefined ? [] : errorLines(last.error, said, outputs, paint);
  const gone = (event.providersGone ?? []).map((each) => printable(formatProviderGone(each)));
  return [...findingLines(event.findings, paint), ...error, ...gone, ...outputLines(outputs, paint)];
}

/** The first lines of the texts, where they are not too long for one line. */
function inFull(texts: readonly (string | undefined)[]): string[] {
  const firsts = texts.map((text) => printableLines(text ?? '')[0] ?? '');
  return firsts.filter((text) => text !== '' && widthOf(text) <= REASON_COLUMNS);
}

function isTelling(status: string): boolean {
  return status === 'fail' || status === 'warn';
}

/** The first line of a reason. Of a long chain the middle goes: where it began is said at its end. */
export function oneLine(text: string): string {
  const [first = '', ...more] = printableLines(text).filter((line) => line.trim() !== '');
  return clipMiddle(more.length > 0 ? `${first} …` : first, REASON_COLUMNS);
}

function indented(line: string): string {
  return INDENT + line;
}
