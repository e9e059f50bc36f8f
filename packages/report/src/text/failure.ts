/** What went wrong in an attempt, as lines: the error with the frames that are the user's, its causes, and what was printed. */
import { type AttemptNews, type CapturedOutput, type ErrorNews, formatOutput } from '@pexen/core';
import type { Paint } from './paint.ts';
import { printable, printableLines } from './printable.ts';

const OWN_ERROR = 'TaskFailError';
const FRAMES = 8;
const MESSAGE_LINES = 30;
const CAUSES = 4;

/** The error as lines; its message is left out where it is one line and `known` already. */
export function errorLines(error: ErrorNews, known: string | undefined, paint: Paint): string[] {
  const message = printableLines(error.message);
  const isKnown = message.length <= 1 && known !== undefined && known.includes(error.message);
  const head = isKnown ? [] : titled(error.name, message);
  return [...head, ...framesOf(error).map((frame) => paint('dim', frame)), ...causeLines(error, paint)];
}

/** The last `atMost` lines of each output that is not empty, each under a title of its own. */
export function outputLines(attempt: AttemptNews, atMost: number, paint: Paint): string[] {
  return [
    ...tailOf('stdout', attempt.stdout, atMost, paint),
    ...tailOf('stderr', attempt.stderr, atMost, paint),
  ];
}

/** The name says something only where it is not that of our own class for what fails on purpose. */
function titled(name: string, message: readonly string[]): string[] {
  const [first = '', ...rest] = message.slice(0, MESSAGE_LINES);
  const dropped = message.length - MESSAGE_LINES;
  const title = name === OWN_ERROR ? first : `${printable(name)}: ${first}`;
  return [title, ...rest, ...(dropped > 0 ? [`… ${dropped} more lines`] : [])];
}

/** Frames of the user's: neither Node's own nor those of packages, unless there are no others. */
function framesOf({ name, stack }: ErrorNews): string[] {
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const outside = frames.filter((frame) => !/\(?node:/.test(frame));
  const own = outside.filter((frame) => !frame.includes('/node_modules/'));
  return (own.length > 0 || name === OWN_ERROR ? own : outside)
    .slice(0, FRAMES)
    .map((frame) => `  ${printable(frame.trim())}`);
}

function causeLines(error: ErrorNews, paint: Paint): string[] {
  const lines: string[] = [];
  let cause = error.cause;
  for (let depth = 0; cause !== undefined && depth < CAUSES; depth++) {
    const [first = '', ...rest] = titled(cause.name, printableLines(cause.message));
    lines.push(`caused by ${first}`, ...rest, ...framesOf(cause).map((frame) => paint('dim', frame)));
    cause = cause.cause;
  }
  return lines;
}

function tailOf(title: string, output: CapturedOutput | undefined, atMost: number, paint: Paint): string[] {
  if (output === undefined || atMost <= 0) return [];
  const lines = printableLines(formatOutput(output));
  if (lines.length === 0) return [];
  const shown = lines.slice(-atMost);
  const which = shown.length < lines.length ? ` (last ${shown.length} of ${lines.length} lines)` : '';
  return [paint('dim', `${title}${which}`), ...shown.map((line) => `${paint('dim', '│')} ${line}`)];
}
