/** Prints the problems that prevented a run, and determines the exit code for them. */

import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { formatLocation, isPexenError, type Problem, type SourceLocation } from '@pexen/core';
import { printable, printableLines, sourceLines } from '@pexen/report';
import { type ExitCode, exitCodeOfProblems, exitCodes } from '@pexen/usecase-testsuite';

/** The stream that messages are written to. */
export type Output = NodeJS.WritableStream;

/** Prints an error with all its problems and hints; returns the exit code. */
export function printProblems(error: unknown, output: Output): ExitCode {
  const shortage = shortageIn(error);
  if (shortage !== undefined) {
    output.write(`pexen: ${shortage}\n`);
    return exitCodes.infrastructure;
  }
  if (!isPexenError(error)) {
    output.write(`pexen: ${error instanceof Error ? stackOf(error) : printable(String(error))}\n`);
    return exitCodes.infrastructure;
  }
  const { problems } = error;
  if (problems.length > 1) output.write(`${problems.length} problems, nothing was run:\n`);
  problems.forEach((problem, at) => {
    output.write(`${describe(problem, output)}\n`);
    if (at < mostFrames) output.write(frameOf(problem, output));
  });
  return exitCodeOfProblems(problems);
}

/** The message for an error caused by a system limit, with the next step; undefined for other errors. */
function shortageIn(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    // If a module could not be loaded for that reason, only the message of the problem contains the code.
    const [, named = ''] = /\b(EMFILE|ENFILE): /.exec(message) ?? [];
    const shortage = shortages.get(code) ?? shortages.get(named);
    if (shortage !== undefined) return shortage;
  }
  return undefined;
}

const tooFewFiles = 'the system allows too few open files. Raise the limit: ulimit -n 1024';

const shortages: ReadonlyMap<string, string> = new Map([
  ['EAGAIN', 'the system allows too few processes. Raise the limit: ulimit -u 1024'],
  ['EMFILE', tooFewFiles],
  ['ENFILE', tooFewFiles],
]);

/**
 * The stack with the user's frames. Frames of packages are shown only if there are no others, since the fault is then in pexen,
 * unless it is an error of the operating system.
 */
function stackOf(error: Error): string {
  const lines = printableLines(typeof error.stack === 'string' ? error.stack : error.message);
  const isFrame = (line: string) => /^\s+at /.test(line);
  const isOthers = (line: string) => isFrame(line) && /node:|[\\/]node_modules[\\/]/.test(line);
  const own = lines.filter((line) => !isOthers(line));
  const isOfSystem = 'syscall' in error;
  return (own.some(isFrame) || isOfSystem ? own : lines).join('\n');
}

function describe(
  { code, message, task, location, details = [], hint }: Problem,
  output: Output,
  kind: 'error' | 'warning' = 'error',
): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    styleText(format, text, { stream: output as NodeJS.WriteStream });
  const head = `${paint(kind === 'error' ? 'red' : 'yellow', kind)} ${paint('dim', code)}`;
  const who = task === undefined ? '' : `${paint('bold', printable(task))}: `;
  const lines = [`${head} ${who}${printable(message)}`];
  if (location !== undefined) lines.push(`      at ${printable(nearPlace(location))}`);
  for (const detail of details) lines.push(`      ${printable(detail)}`);
  if (hint !== undefined) lines.push(`      ${paint('cyan', printable(hint))}`);
  return lines.join('\n');
}

/** Of more problems only the places are shown. */
const mostFrames = 10;

const dataFile = /\.(?:ya?ml|json)$/;

/** The lines around a problem in data, where they mostly show what is wrong. */
function frameOf({ location }: Problem, output: Output): string {
  if (location === undefined || !dataFile.test(location.file)) return '';
  const paint: Parameters<typeof sourceLines>[2] = (style, text) =>
    styleText(style, text, { stream: output as NodeJS.WriteStream });
  return sourceLines(location, undefined, paint, true)
    .map((line) => `      ${line}\n`)
    .join('');
}

/** A warning as one or two lines. */
export function formatWarning(warning: Problem, output: Output): string {
  return `${describe(warning, output, 'warning')}\n`;
}

/** The place, with the file relative if it is below the current directory. */
export function nearPlace(location: SourceLocation): string {
  return formatLocation({ ...location, file: nearName(location.file) });
}

/** The file as a path, relative if it is below the current directory. */
function nearName(file: string): string {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') ? path : near;
}
