/** The lines below the line of a task: its error, its findings and its output. */
import { type CapturedOutput, type Finding, formatOutput } from '@pexen/core';
import type { TaskAttempt, TaskError } from '../model/run-task.ts';
import { dataText } from './format.ts';
import type { Paint } from './paint.ts';
import { clipped, printable, printableLines } from './printable.ts';

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

/**
 * The error as lines, with its frames and causes, without what is shown elsewhere: its first line if that is in `shown`, and its other lines if
 * one of the outputs below ends with them.
 */
export function errorLines(
  error: TaskError,
  shown: readonly string[],
  outputs: readonly ShownOutput[],
  paint: Paint,
): string[] {
  const message = printableLines(error.message);
  const [first = '', ...rest] = message;
  const more = outputs.some((output) => endsWith(output.lines, rest)) ? [] : rest;
  const isShown = shown.some((text) => text.includes(first));
  const lines = isShown
    ? limited(more.slice(more.findIndex(isFilled)))
    : titled(error.name, [first, ...more]);
  return [...lines, ...framesOf(error).map((frame) => paint('dim', frame)), ...causeLines(error, paint)];
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

/** Leaves out the names of our own classes. */
function titled(name: string, [first = '', ...rest]: readonly string[]): string[] {
  return limited([ownErrors.has(name) ? first : `${printable(name)}: ${first}`, ...rest]);
}

function limited(lines: readonly string[]): string[] {
  const dropped = lines.length - MESSAGE_LINES;
  const shown = lines.slice(0, MESSAGE_LINES).map(clipped);
  return dropped <= 0 ? shown : [...shown, `… ${dropped} more lines`];
}

/** The frames in the user's own code; those of packages only if there are no others; never those of Node or of pexen. */
function framesOf({ name, stack }: TaskError): string[] {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const outside = frames.filter((frame) => !/\(?node:|\/node_modules\/@pexen\//.test(frame));
  const own = outside.filter((frame) => !frame.includes('/node_modules/'));
  return (own.length > 0 || ownErrors.has(name) ? own : outside)
    .slice(0, FRAMES)
    .map((frame) => `  ${printable(frame.trim())}`);
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
    const [first = '', ...rest] = titled(inner.name, printableLines(inner.message));
    const frames = framesOf(inner).map((frame) => paint('dim', frame));
    return [`${word} ${first}`, ...rest, ...frames, ...causeLines(inner, paint, depth + 1)];
  };
  return [
    ...(cause === undefined ? [] : described('caused by', cause)),
    ...errors.flatMap((inner) => described('one of its errors:', inner)),
  ];
}

function shownOf(title: string, output: CapturedOutput | undefined, atMost: number): ShownOutput {
  const lines = output === undefined ? [] : printableLines(formatOutput(output));
  return { title, lines: lines.slice(-atMost), count: lines.length };
}

const MOST_FINDINGS = 20;
const FINDING_LINES = 12;

/** Failed findings and warnings, each with its message; nothing of those that passed. */
export function findingLines(findings: readonly Finding[], paint: Paint): string[] {
  const listed = findings.filter(({ status }) => status === 'fail' || status === 'warn');
  const lines = listed.slice(0, MOST_FINDINGS).flatMap((finding) => linesOf(finding, paint));
  if (listed.length > MOST_FINDINGS) lines.push(paint('dim', `… and ${listed.length - MOST_FINDINGS} more`));
  return lines;
}

/** `2 of 40 findings failed`, or an empty string if none did. */
export function findingsHeadline(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (failed > 0) return `${failed} of ${findings.length} findings failed`;
  const warned = findings.filter(({ status }) => status === 'warn').length;
  return warned === 0 ? '' : `${warned} ${warned === 1 ? 'problem' : 'problems'}`;
}

function linesOf({ name, status, message, data }: Finding, paint: Paint): string[] {
  const title = printable(clipped(name));
  const mark = status === 'fail' ? paint('red', '✗') : paint('yellow', '!');
  const lines = printableLines(message ?? dataText(data)).map(clipped);
  const shown = lines.slice(0, FINDING_LINES).map((line) => `  ${line}`);
  if (lines.length > FINDING_LINES)
    shown.push(paint('dim', `  … ${lines.length - FINDING_LINES} more lines`));
  if (lines.length === 1 && name.length + (lines[0]?.length ?? 0) < 90) {
    return [`${mark} ${title}: ${lines[0]}`];
  }
  return [`${mark} ${title}`, ...shown];
}
