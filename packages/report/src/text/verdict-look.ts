/** How each verdict looks in a terminal: its word, its colour, and what a number of them is called. */
import type { Verdict } from '@pexen/core';
import type { Style } from './paint.ts';

export interface VerdictLook {
  /** At most seven letters. */
  readonly word: string;
  readonly style: Style;
  /** As in `3 failed`. */
  readonly counted: string;
  /** Where there is little room. */
  readonly mark: string;
}

/** In the order in which counts are listed. */
export const verdictLooks: Readonly<Record<Verdict, VerdictLook>> = {
  pass: { word: 'PASS', style: 'green', counted: 'passed', mark: '✓' },
  flaky: { word: 'FLAKY', style: 'yellow', counted: 'flaky', mark: '≈' },
  warn: { word: 'WARN', style: 'yellow', counted: 'with problems', mark: '!' },
  'expected-fail': { word: 'XFAIL', style: 'green', counted: 'failed as expected', mark: 'x' },
  fail: { word: 'FAIL', style: ['red', 'bold'], counted: 'failed', mark: '✗' },
  error: { word: 'ERROR', style: ['red', 'bold'], counted: 'broken', mark: 'E' },
  timeout: { word: 'TIMEOUT', style: ['red', 'bold'], counted: 'timed out', mark: 'T' },
  crashed: { word: 'CRASH', style: ['red', 'bold'], counted: 'crashed', mark: '☠' },
  cancelled: { word: 'CANCEL', style: 'magenta', counted: 'cancelled', mark: '⊘' },
  skip: { word: 'SKIP', style: 'cyan', counted: 'skipped', mark: '↷' },
};

/** Every verdict, in the order in which counts are listed. */
export const verdicts: readonly Verdict[] = Object.keys(verdictLooks) as Verdict[];
