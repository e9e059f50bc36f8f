/** Text of tasks on its way to a terminal: safe, and within its width. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatClock, formatEstimate, formatSeconds, formatSpan } from '../src/text/format.ts';
import { lastLine, printable, printableLines } from '../src/text/printable.ts';
import { clip, clipMiddle, padEnd, padStart, widthOf } from '../src/text/width.ts';
import { hostile } from './hostile.ts';

/** Characters that move the cursor, are invisible or turn the reading direction. */
const harmful = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

describe('printable', () => {
  test.each([
    ['plain', 'plain'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;a title\u0007name', 'name'],
    ['\u001b]8;;https://example.org\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['a\nb\tc', 'a\\nb\\tc'],
    [
      'bell \u0007, escape \u001b? delete \u007f, nel \u0085',
      'bell \\x07, escape \\x1b? delete \\x7f, nel \\x85',
    ],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['half \ud800 a pair', 'half \ufffd a pair'],
    ['👩‍👩‍👧 文件 é', '👩‍👩‍👧 文件 é'],
  ])('%j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('any text is safe afterwards', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(printable(text)).not.toMatch(harmful);
        for (const line of [...printableLines(text), lastLine(text)]) expect(line).not.toMatch(harmful);
      }),
      { numRuns: 3000 },
    );
  });

  test('a megabyte of possible starts of a title takes linear time', () => {
    const text = '\u001b]'.repeat(1 << 19);
    const start = performance.now();
    expect(printable(text)).not.toMatch(harmful);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

test('lines are those that a terminal would show', () => {
  expect(printableLines('one\r\ntwo\n10%\r20%\r100%\nthree\n\n')).toEqual(['one', 'two', '100%', 'three']);
  expect(printableLines('a\tb\n\tc')).toEqual(['a       b', '        c']);
  expect(printableLines('')).toEqual([]);
  expect(printableLines('\n')).toEqual([]);
});

test('the last line is the last that is not empty', () => {
  expect(lastLine('one\ntwo\n\n')).toBe('two');
  expect(lastLine('10%\r50%\r')).toBe('50%');
  expect(lastLine('half a')).toBe('half a');
  expect(lastLine('')).toBe('');
});

describe('width', () => {
  test('wide characters take two columns', () => {
    expect(widthOf('文件')).toBe(4);
    expect(widthOf('👩‍👩‍👧')).toBe(2);
    expect(widthOf('é')).toBe(1);
  });

  test('a clipped text keeps its start, a clipped path both ends', () => {
    expect(clip('a text that is too long', 10)).toBe('a text th…');
    expect(clipMiddle('sys/net/ipv4/forwarding', 12)).toBe('sys…rwarding');
    expect(clip('文件上传', 5)).toBe('文件…');
    expect(clip('fits', 4)).toBe('fits');
  });

  test('any text is within its width', () => {
    const columns = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(hostile, columns, (text, width) => {
        const shown = printable(text);
        expect(widthOf(clip(shown, width))).toBeLessThanOrEqual(width);
        expect(widthOf(clipMiddle(shown, width))).toBeLessThanOrEqual(width);
        const clipped = clip(shown, width);
        // Not measured as a whole: some letters (U+113D1) form one character with the blank after them.
        const blanks = ' '.repeat(width - widthOf(clipped));
        expect(padEnd(clipped, width)).toBe(clipped + blanks);
        expect(padStart(clipped, width)).toBe(blanks + clipped);
      }),
      { numRuns: 2000 },
    );
  });
});

test('durations', () => {
  expect([0, 213, 59_949, 65_310].map(formatSeconds)).toEqual([
    '   0.000s',
    '   0.213s',
    '  59.949s',
    '  65.310s',
  ]);
  expect([0, 999.4, 1000, 59_949, 59_950, 243_000, 3_599_400, 3_599_600, 3_840_000].map(formatSpan)).toEqual([
    '0ms',
    '999ms',
    '1.0s',
    '59.9s',
    '1m 00s',
    '4m 03s',
    '59m 59s',
    '1h 00m',
    '1h 04m',
  ]);
  expect([-5, 0, 41_999, 723_000, 4_323_000].map(formatClock)).toEqual([
    '0:00',
    '0:00',
    '0:41',
    '12:03',
    '1:12:03',
  ]);
  expect(
    [3000, 12_000, 54_000, 56_000, 170_000, 1_300_000, 3_590_000, 4_800_000].map(formatEstimate),
  ).toEqual([
    'a few seconds',
    'about 10s',
    'about 50s',
    'about 1 min',
    'about 3 min',
    'about 20 min',
    'about 1 h',
    'about 1 h 20 min',
  ]);
});
