/** The findings of a task that are worth reading, as lines. */
import type { Finding } from '@pexen/core';
import { dataText } from './data.ts';
import type { Paint } from './paint.ts';
import { clipped, printable, printableLines } from './printable.ts';

const MOST = 20;
const MESSAGE_LINES = 12;

/** Failed findings and problems, each with what it says; nothing of those that passed. */
export function findingLines(findings: readonly Finding[], paint: Paint): string[] {
  const telling = findings.filter(({ status }) => status === 'fail' || status === 'warn');
  const lines = telling.slice(0, MOST).flatMap((finding) => linesOf(finding, paint));
  if (telling.length > MOST) lines.push(paint('dim', `… and ${telling.length - MOST} more`));
  return lines;
}

/** `2 of 40 findings failed`, or an empty text where none did. */
export function findingsHeadline(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (failed > 0) return `${failed} of ${findings.length} findings failed`;
  const warned = findings.filter(({ status }) => status === 'warn').length;
  return warned === 0 ? '' : `${warned} ${warned === 1 ? 'problem' : 'problems'}`;
}

function linesOf({ name, status, message, data }: Finding, paint: Paint): string[] {
  const title = printable(clipped(name));
  const mark = status === 'fail' ? paint('red', '✗') : paint('yellow', '!');
  const said = printableLines(message ?? dataText(data)).map(clipped);
  const shown = said.slice(0, MESSAGE_LINES).map((line) => `  ${line}`);
  if (said.length > MESSAGE_LINES) shown.push(paint('dim', `  … ${said.length - MESSAGE_LINES} more lines`));
  if (said.length === 1 && name.length + (said[0]?.length ?? 0) < 90) {
    return [`${mark} ${title}: ${said[0]}`];
  }
  return [`${mark} ${title}`, ...shown];
}
