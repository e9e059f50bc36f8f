/** The lines below the line of a task: its error, its findings and its output. */
import {
  type CapturedOutput,
  type Finding,
  formatOutput,
  type Judgement,
  type SourceLocation,
} from '@pexen/core';
import type { TaskAttempt, TaskError } from '../model/run-task.ts';
import { comparisonOf, dataText } from './data.ts';
import { diffLines } from './diff.ts';
import type { Paint, Style } from './paint.ts';
import { clipped, printable, printableLines } from './printable.ts';
import { absolute, framesOf, placeText, sourceLines } from './source.ts';

/** Our own error classes: their names and frames do not help the user. */
const ownErrors: ReadonlySet<string> = new Set(['TaskFailError', 'PexenError']);
const FRAMES = 8;
const MESSAGE_LINES = 30;
const CAUSES = 4;

/** The last lines of an output. */
export interface ShownOutput {
  readonly title: string;
  readonly lines: readonly string[];
  /** The number of all lines. */
  readonly count: number;
}

/** What is shown beside an error. */
export interface ErrorSurroundings {
  /** Texts that the line above shows in full: the first line of the message is not repeated. */
  readonly shown: readonly string[];
  /** An end of a message that one of them has already is not repeated. */
  readonly outputs: readonly ShownOutput[];
  /** Where the task was made, for an error without a place in the user's code. */
  readonly taskLocation: SourceLocation | undefined;
  readonly paint: Paint;
  /** Lines of sources are cut to this width. */
  readonly columns: number | undefined;
}

/**
 * The error as lines: its message, what differs from what was expected, its own properties, its place with the source around it, its further
 * frames and its causes.
 */
export function errorLines(error: TaskError, { shown, outputs, ...around }: ErrorSurroundings): string[] {
  const { paint } = around;
  const difference = differenceOf(error, paint);
  const [first = '', ...rest] = messageOf(error, difference.length > 0);
  const more = outputs.some((output) => endsWith(output.lines, rest)) ? [] : rest;
  const isShown = shown.some((text) => text.includes(first));
  const lines = isShown
    ? limited(more.slice(more.findIndex(isFilled)))
    : titled(error.name, [first, ...more]);
  return [
    ...lines,
    ...difference,
    ...propertyLines(error),
    ...placeLines(error, around),
    ...causeLines(error, paint),
  ];
}

/** Where a task was made, with its source: for a task that did not pass and has no error to say where. */
export function taskPlaceLines(
  location: SourceLocation | undefined,
  columns: number | undefined,
  paint: Paint,
): string[] {
  if (location === undefined) return [];
  return [
    paint('cyan', `at ${printable(placeText(location))}`),
    ...indentedSource(location, columns, paint, true),
  ];
}

function indentedSource(
  location: SourceLocation,
  columns: number | undefined,
  paint: Paint,
  isOfTask = false,
): string[] {
  const width = columns === undefined ? undefined : columns - 2;
  return sourceLines(location, width, paint, isOfTask).map((line) => `  ${line}`);
}

function differenceOf({ expected, actual }: TaskError, paint: Paint): string[] {
  return expected === undefined || actual === undefined ? [] : diffLines(expected, actual, paint);
}

/** Without the comparison that Node puts into the message, where the difference is shown anyway. */
function messageOf({ name, message }: TaskError, hasDifference: boolean): string[] {
  const lines = printableLines(message);
  const isCompared = hasDifference && lines.length > 1 && /AssertionError/.test(name);
  const [first = '', second] = lines;
  return isCompared && (first.endsWith(':') || second === '') ? [first.replace(/:$/, '')] : lines;
}

/** The code of an error of ours is a part of its message. */
function propertyLines({ name, properties = {} }: TaskError): string[] {
  const shown = Object.entries(properties).filter(([key]) => key !== 'code' || !ownErrors.has(name));
  return shown.flatMap(([key, value]) => {
    const [first = '', ...rest] = printableLines(value).map(clipped);
    return limited([`${printable(key)}: ${first}`, ...rest]);
  });
}

/** The first place in the user's code with its source, and the frames around it. Of ours there is none to show. */
function placeLines(
  error: TaskError,
  { taskLocation, paint, columns }: Omit<ErrorSurroundings, 'shown' | 'outputs'>,
): string[] {
  const [first, ...others] = userFrames(error);
  if (first === undefined) return taskPlaceLines(taskLocation, columns, paint);
  return [
    paint('cyan', frameText(first)),
    ...indentedSource(first.location, columns, paint),
    ...others.slice(0, FRAMES - 1).map((frame) => paint('dim', frameText(frame))),
  ];
}

function frameText({ name, location }: ReturnType<typeof framesOf>[number]): string {
  const place = printable(placeText(location));
  return name === undefined ? `at ${place}` : `at ${printable(name)} (${place})`;
}

/** The frames in the user's own code; those in packages only where there are no others. */
function userFrames({ name, stack = '' }: TaskError): ReturnType<typeof framesOf> {
  const own = framesOf(stack, false);
  return own.length > 0 || ownErrors.has(name) ? own : framesOf(stack, true);
}

/** The last `atMost` lines of each output that is not empty. */
export function outputsOf(attempt: TaskAttempt, atMost: number): ShownOutput[] {
  if (atMost <= 0) return [];
  const outputs = [shownOf('stdout', attempt.stdout, atMost), shownOf('stderr', attempt.stderr, atMost)];
  return outputs.filter(({ count }) => count > 0);
}

/** Each output with a title. */
export function outputLines(outputs: readonly ShownOutput[], paint: Paint): string[] {
  return outputs.flatMap(({ title, lines, count }) => {
    const which = lines.length < count ? ` (last ${lines.length} of ${count} lines)` : '';
    return [
      paint('dim', `${title}${which}`),
      ...lines.map((line) => `${paint('dim', '│')} ${clipped(line)}`),
    ];
  });
}

/** The files with all output of an attempt. They are relative to `root`. */
export function outputFileLines({ stdout, stderr }: TaskAttempt, root: string, paint: Paint): string[] {
  const files = [stdout?.file, stderr?.file].filter((file) => file !== undefined);
  return files.map((file) => paint('dim', `output: ${printable(placeText(absolute({ file }, root)))}`));
}

/** Leaves out the names of our own classes. */
function titled(name: string, [first = '', ...rest]: readonly string[]): string[] {
  return limited([ownErrors.has(name) ? first : `${printable(name)}: ${first}`, ...rest]);
}

function limited(lines: readonly string[]): string[] {
  const dropped = lines.length - MESSAGE_LINES;
  const shown = lines.slice(0, MESSAGE_LINES).map(clipped);
  return dropped <= 0 ? shown : [...shown, `… ${dropped} more lines`];
}

/** Ignores blanks at the ends of lines and blank lines at the end. The first line may lack its start. */
function endsWith(lines: readonly string[], end: readonly string[]): boolean {
  const filled = lines.slice(0, lines.findLastIndex(isFilled) + 1).map((line) => line.trimEnd());
  const same = filled.slice(-end.length);
  return (
    same.length === end.length &&
    end.every((line, at) => (at === 0 ? same[at]?.endsWith(line.trimEnd()) : same[at] === line.trimEnd()))
  );
}

function isFilled(line: string): boolean {
  return line.trim() !== '';
}

/** The causes of the error and the errors that it contains, recursively. */
function causeLines({ cause, errors = [] }: TaskError, paint: Paint, depth = 0): string[] {
  if (depth === CAUSES) return [];
  const described = (word: string, inner: TaskError): string[] => {
    const difference = differenceOf(inner, paint);
    const [first = '', ...rest] = titled(inner.name, messageOf(inner, difference.length > 0));
    const frames = userFrames(inner).slice(0, FRAMES);
    return [
      `${word} ${first}`,
      ...[...rest, ...difference, ...propertyLines(inner)].map((line) => `  ${line}`),
      ...frames.map((frame) => paint('dim', `  ${frameText(frame)}`)),
      ...causeLines(inner, paint, depth + 1),
    ];
  };
  return [
    ...(cause === undefined ? [] : described('caused by', cause)),
    ...errors.flatMap((inner) => described('one of its errors:', inner)),
  ];
}

/** Without the lines that the findings above it show already. */
function shownOf(stream: string, output: CapturedOutput | undefined, atMost: number): ShownOutput {
  const rest = output?.besidesFindings;
  const lines = output === undefined ? [] : printableLines(rest ?? formatOutput(output));
  const title = rest === undefined ? stream : `${stream}, besides the findings`;
  return { title, lines: lines.slice(-atMost), count: lines.length };
}

const MOST_FINDINGS = 20;
const MOST_OF_ALL = 200;
const FINDING_LINES = 12;
/** The source of more failed findings is not shown. */
const MOST_SOURCES = 3;

/** What is needed to show findings. */
export interface FindingSurroundings {
  readonly paint: Paint;
  /** The directory that relative locations start from. */
  readonly root: string;
  /** Lines of sources are cut to this width. */
  readonly columns: number | undefined;
  /** Also those that neither failed nor warn. */
  readonly all: boolean;
}

/** The findings without those that failed as expected. */
export function unexpected(
  findings: readonly Finding[],
  { expectedFailures }: Pick<Judgement, 'expectedFailures'>,
): readonly Finding[] {
  if (expectedFailures === undefined) return findings;
  return findings.filter(({ name, status }) => status !== 'fail' || !Object.hasOwn(expectedFailures, name));
}

/** Failed findings and warnings, or all, each with its place, its message and its differences. */
export function findingLines(findings: readonly Finding[], around: FindingSurroundings): string[] {
  const listed = around.all
    ? findings
    : findings.filter(({ status }) => status === 'fail' || status === 'warn');
  const lines = listed
    .slice(0, around.all ? MOST_OF_ALL : MOST_FINDINGS)
    .flatMap((finding, at) => linesOf(finding, at < MOST_SOURCES, around));
  const more = listed.length - (around.all ? MOST_OF_ALL : MOST_FINDINGS);
  if (more > 0) lines.push(around.paint('dim', `… and ${more} more`));
  return lines;
}

/** `2 of 40 findings failed`, or an empty string if none did. */
export function findingsHeadline(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (failed > 0) return `${failed} of ${findings.length} findings failed`;
  const warned = findings.filter(({ status }) => status === 'warn').length;
  return warned === 0 ? '' : `${warned} ${warned === 1 ? 'warning' : 'warnings'}`;
}

const marks: Readonly<Record<Finding['status'], readonly [sign: string, style: Style]>> = {
  pass: ['✓', 'green'],
  fail: ['✗', 'red'],
  warn: ['!', 'yellow'],
  skip: ['↷', 'cyan'],
  todo: ['↷', 'cyan'],
  info: ['·', 'dim'],
};

function linesOf(finding: Finding, hasSource: boolean, around: FindingSurroundings): string[] {
  const { name, status, message, data } = finding;
  const { paint } = around;
  const title = printable(clipped(name));
  const [sign, style] = marks[status];
  const mark = paint(style, sign);
  const comparison = comparisonOf(data);
  const text = message ?? (comparison === undefined ? dataText(data) : '');
  const lines = text === '' ? [] : printableLines(text).map(clipped);
  const place = findingPlace(finding, hasSource, around);
  const difference = comparison === undefined ? [] : diffLines(comparison.expected, comparison.actual, paint);
  const isShort = lines.length === 1 && name.length + (lines[0]?.length ?? 0) < 90;
  if (isShort && place.length + difference.length === 0) return [`${mark} ${title}: ${lines[0]}`];
  const shown = [...place, ...lines.slice(0, FINDING_LINES)];
  if (lines.length > FINDING_LINES) shown.push(paint('dim', `… ${lines.length - FINDING_LINES} more lines`));
  return [`${mark} ${title}`, ...[...shown, ...difference].map((line) => `  ${line}`)];
}

/** Where it was observed, with the source around it. */
function findingPlace(
  { location }: Finding,
  hasSource: boolean,
  { paint, root, columns }: FindingSurroundings,
): string[] {
  if (location === undefined) return [];
  const place = absolute(location, root);
  const width = columns === undefined ? undefined : columns - 4;
  const source = hasSource ? sourceLines(place, width, paint) : [];
  return [paint('cyan', `at ${printable(placeText(place))}`), ...source.map((line) => `  ${line}`)];
}
