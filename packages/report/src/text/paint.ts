/** The colours and the words of a terminal: styles, and how each verdict looks. */
import { styleText } from 'node:util';
import type { Verdict } from '@pexen/core';
import type { TerminalOptions, TerminalStream } from '../options.ts';

/** One or several style names, as `util.styleText` takes them. */
export type Style = Parameters<typeof styleText>[0];

/** Returns the text in that style, or unchanged if colours are off. */
export type Paint = (style: Style, text: string) => string;

/** The Paint for a stream. If `color` is not set, the stream, NO_COLOR and FORCE_COLOR decide, as Node reads them. */
export function paintFor(stream: TerminalStream, color: TerminalOptions['color']): Paint {
  if (!(color ?? takesColor(stream))) return (_style, text) => text;
  return (style, text) => (text === '' ? '' : styleText(style, text, { validateStream: false }));
}

function takesColor(stream: TerminalStream): boolean {
  return styleText('red', 'x', { stream }) !== 'x';
}

/** How each verdict looks in a terminal: its label, its colour, and what a number of them is called. */
export interface VerdictLook {
  /** At most seven letters. */
  readonly word: string;
  readonly style: Style;
  /** The same word as in `3 failed`; another form for one of them, as in `1 error`. */
  readonly counted: string;
  readonly countedOne?: string;
  /** For narrow terminals. */
  readonly mark: string;
}

/** In the order in which counts are listed. The table of labels in docs/reports.md has the same entries. */
export const verdictLooks: Readonly<Record<Verdict, VerdictLook>> = {
  pass: { word: 'PASS', style: 'green', counted: 'passed', mark: '✓' },
  flaky: { word: 'FLAKY', style: 'yellow', counted: 'flaky', mark: '≈' },
  warn: { word: 'WARN', style: 'yellow', counted: 'with warnings', mark: '!' },
  'expected-fail': { word: 'XFAIL', style: 'green', counted: 'xfailed', mark: 'x' },
  fail: { word: 'FAIL', style: ['red', 'bold'], counted: 'failed', mark: '✗' },
  error: { word: 'ERROR', style: ['red', 'bold'], counted: 'errors', countedOne: 'error', mark: 'E' },
  timeout: { word: 'TIMEOUT', style: ['red', 'bold'], counted: 'timed out', mark: 'T' },
  crashed: { word: 'CRASH', style: ['red', 'bold'], counted: 'crashed', mark: '☠' },
  cancelled: { word: 'CANCEL', style: 'magenta', counted: 'cancelled', mark: '⊘' },
  skip: { word: 'SKIP', style: 'cyan', counted: 'skipped', mark: '↷' },
};

/** Every verdict, in the order in which counts are listed. */
export const verdicts: readonly Verdict[] = Object.keys(verdictLooks) as Verdict[];

/** `3 failed`, `1 error`, `2 errors`. */
export function countText(verdict: Verdict, count: number): string {
  const { counted, countedOne = counted } = verdictLooks[verdict];
  return `${count} ${count === 1 ? countedOne : counted}`;
}
