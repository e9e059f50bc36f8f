/** TAP as findings. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Finding } from '@pexen/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTap } from '../src/tap.ts';
import { capped, output } from './facts.ts';
import { scratch } from './scratch.ts';

/** `status name: message`. */
function lines(findings: readonly Finding[] | undefined): string[] | undefined {
  return findings?.map(
    ({ status, name, message }) => `${status} ${name}${message === undefined ? '' : `: ${message}`}`,
  );
}

function read(text: string): string[] | undefined {
  return lines(readTap(output(text))?.findings);
}

test.each([
  ['points', '1..3\nok 1 - a\nnot ok 2 - b\nok\n', ['pass a', 'fail b', 'pass test 3']],
  ['a version', 'TAP version 13\nok 1 a\n1..1\n', ['pass a']],
  [
    'directives',
    '1..4\nok 1 a # SKIP no net\nok 2 # skip\nnot ok 3 b # TODO later\nok 4 c # todo\n',
    ['skip a: no net', 'skip test 2', 'todo b: todo: later', 'pass c: todo (it passes already)'],
  ],
  ['escapes', '1..1\nok 1 - a \\# b \\\\ c\n', ['pass a # b \\ c']],
  ['a failed test that is skipped', '1..1\nnot ok 1 - a # SKIP no net\n', ['skip a: no net']],
  [
    'diagnostics',
    '1..1\nnot ok 1 - a\n  ---\n  operator: equal\n  at: |\n    here\n  ...\n',
    ['fail a: operator: equal\nat: |\n  here'],
  ],
  [
    'diagnostics that never end',
    '1..2\nnot ok 1 - a\n  ---\n  why: x\nok 2 - b',
    ['fail a: why: x', 'pass b'],
  ],
  [
    'other output between',
    '1..2\nhello\nok 1 - a\n  at foo\n}\n# comment\n{\nok 2 - b\nbye\n',
    ['pass a', 'pass b'],
  ],
  ['carriage returns', '1..2\r\nok 1 - a\r\n10%\r20%\r\nnot ok 2 - b\r\n', ['pass a', 'fail b']],
  ['line ends of Unicode', '1..2\na\u2028b\nok 1 - a\u2029b\nok 2\n', ['pass a b', 'pass test 2']],
  [
    'no plan',
    'TAP version 14\nok 1 - a\n',
    ['pass a', 'fail plan: there is none: after 1 test points it may have ended half-way'],
  ],
  ['nothing at all', 'TAP version 14\n', ['fail plan: there is neither a plan nor a test point']],
  [
    'fewer than planned',
    '1..3\nok 1\n',
    ['pass test 1', 'fail plan: 3 test points were planned, 1 were seen'],
  ],
  [
    'more than planned',
    '1..1\nok 1 - a\nok 2 - b\n',
    ['pass a', 'pass b', 'fail plan: 1 test points were planned, 2 were seen'],
  ],
  [
    'one number twice',
    '1..2\nok 1 - a\nok 1 - b\n',
    ['pass a', 'pass b', 'warn plan: test points are numbered twice, or beyond the plan'],
  ],
  ['bail out', '1..3\nok 1 - a\nBail out! no disk\nok 2 - b\n', ['pass a', 'fail Bail out!: no disk']],
  ['no test planned', 'TAP version 13\n1..0\n', ['info plan: no test was planned']],
  [
    'two documents',
    'TAP version 13\nok 1 - a\n1..1\nTAP version 13\nnot ok 1 - b\n1..1\n',
    ['pass a', 'fail b'],
  ],
  [
    'two documents without versions',
    '1..1\nok 1 - a\n1..2\nok 1 - b\nok 2 - c\n',
    ['pass a', 'pass b', 'pass c'],
  ],
  ['a plan at the end, and more', 'ok 1 - a\n1..1\nnot ok 1 - b\n1..1\n', ['pass a', 'fail b']],
])('%s', (_name, text, expected) => expect(read(text)).toEqual(expected));

test.each([
  [
    'subtests',
    '1..1\n# Subtest: a\n    ok 1 - b\n    not ok 2 - c\n    1..2\nnot ok 1 - a\n',
    ['pass a › b', 'fail a › c'],
  ],
  [
    'subtests of subtests',
    '# Subtest: a\n    # Subtest: b\n        ok 1 - c\n        1..1\n    ok 1 - b\n    1..1\nok 1 - a\n1..1\n',
    ['pass a › b › c'],
  ],
  ['in braces', '1..1\nok 1 - a {\n    1..1\n    ok 1 - b\n}\n', ['pass a › b']],
  [
    'a parent that fails for itself',
    '1..1\n# Subtest: a\n    ok 1 - b\n    1..1\nnot ok 1 - a\n',
    ['pass a › b', 'fail a'],
  ],
  [
    'a parent that is still to do',
    '1..1\n# Subtest: a\n    not ok 1 - b\n    1..1\nnot ok 1 - a # TODO later\n',
    ['todo a › b', 'todo a: todo: later'],
  ],
  [
    'a plan that does not hold',
    '1..1\n# Subtest: a\n    1..2\n    ok 1 - b\nok 1 - a\n',
    ['pass a › b', 'fail a › plan: 2 test points were planned, 1 were seen', 'pass a'],
  ],
  ['without a name', '1..1\n    ok 1 - b\n    1..1\nok 1 - a\n', ['pass subtest 1 › b']],
  [
    'diagnostics below',
    '1..1\n# Subtest: a\n    not ok 1 - b\n      ---\n      why: x\n      ...\n    1..1\nnot ok 1 - a\n',
    ['fail a › b: why: x'],
  ],
])('%s', (_name, text, expected) => expect(read(text)).toEqual(expected));

test('a whole that is skipped says why', () => {
  expect(readTap(output('1..0 # SKIP no network\n'))).toEqual({ findings: [], skippedAll: 'no network' });
  expect(readTap(output('TAP version 13\n1..0 # skip\n'))).toEqual({
    findings: [],
    skippedAll: 'no reason given',
  });
  expect(readTap(output('1..0 # skip a\n1..1\nok 1\n'))?.skippedAll).toBeUndefined();
});

test.each(['', 'hello\nok\n', 'ok 1 - a\n', '1..3\n', 'see 1..3\nok then\n'])('no TAP: %j', (text) => {
  expect(readTap(output(text))).toBeUndefined();
  expect(read(text)).toBeUndefined();
  expect(lines(readTap(output(text), true)?.findings)).toEqual(['fail TAP: there is no TAP in the output']);
});

describe('of output that was not kept as a whole', () => {
  const points = Array.from(
    { length: 2_000 },
    (_, at) => `${at === 1_990 ? 'not ok' : 'ok'} ${at + 1} - point ${at + 1}\n`,
  );

  test('numbers are not judged, and it is said', () => {
    const tap = readTap(capped(`TAP version 13\n1..2000\n${points.join('')}`, 5_000));
    expect(lines(tap?.findings.filter(({ status }) => status !== 'pass'))).toEqual([
      'fail point 1991',
      'warn TAP: not all of the output was kept: test points may be missing',
    ]);
  });

  test('wherever it is cut, no point is invented', () => {
    const text = `TAP version 13\n1..2000\n${points.join('')}`;
    const names = new Set(points.map((line) => line.trim().replace(/^.* - /, '')));
    fc.assert(
      fc.property(fc.nat({ max: 8_000 }), (cap) => {
        const findings = readTap(capped(text, cap), true)?.findings ?? [];
        expect(findings.filter(({ name }) => !names.has(name) && name !== 'TAP')).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});

test('very much output is read in reasonable time, and no failure is lost', () => {
  const text = `1..400001\n${'ok\n'.repeat(400_000)}not ok - the last\n`;
  const tap = readTap(output(text));
  expect(tap?.findings.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual([
    'the last',
  ]);
  expect(tap?.findings.at(-1)?.status).toBe('warn');
});

test.each([
  ['one long line', `1..1\nok 1 - ${'x {'.repeat(500_000)}\n`],
  ['blanks', `1..1\nok 1${' '.repeat(500_000)}x\n${' '.repeat(500_000)}ok 1\n`],
  [
    'deep indentation',
    `1..1\n${Array.from({ length: 1_000 }, (_, at) => `${' '.repeat(4 * at)}ok 1 - ${at}\n`).join('')}`,
  ],
  ['diagnostics like a bomb', `1..1\nnot ok 1 - a\n  ---\n  ${'['.repeat(100_000)}\n  ...\n`],
  ['directives', `1..1\nok 1 - a ${'# '.repeat(100_000)}todo\n`],
])('is not to be stopped by %s', (_name, text) => {
  const before = performance.now();
  expect(readTap(output(text))?.findings.length).toBeGreaterThan(0);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('whatever is printed, reading it ends and throws nothing', () => {
  const words = fc.constantFrom(
    ...[
      'ok',
      'not ok',
      ' 1',
      ' 2',
      ' - a',
      '\n',
      '\r\n',
      '1..2',
      '1..0',
      ' # skip',
      ' # TODO x',
      '    ',
      '  ---\n',
      '  ...\n',
      '  a: b\n',
    ],
    ...[
      '# Subtest: x\n',
      '{\n',
      '}\n',
      'Bail out!',
      'TAP version 13\n',
      'pragma +strict\n',
      '\t',
      '\0',
      '\u2028',
      ' {',
      '\\',
      '#',
    ],
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 60 }), (parts) => {
      const text = parts.join('');
      const { findings = [] } = readTap(output(text), true) ?? {};
      // U+2028 ends no line of TAP.
      const isBad = /(?:^|\n)not ok(?=[ \r\n]|$)/.test(text) && findings.length === 0;
      expect(isBad).toBe(false);
    }),
    { numRuns: 10_000 },
  );
});

test('the TAP of node:test', () => {
  const dir = scratch({
    'a.test.mjs': `
      import { describe, it, test } from 'node:test';
      import assert from 'node:assert';
      describe('outer', () => {
        it('works', () => {});
        it('fails', () => assert.equal(1, 2));
        it('waits', { todo: 'later' }, () => assert.fail());
        it('cannot', { skip: 'no net' }, () => {});
        describe('inner', () => it('is deep', () => {}));
      });
      test('alone', () => {});
    `,
  });
  let stdout = '';
  try {
    execFileSync(process.execPath, ['--test-reporter=tap', join(dir, 'a.test.mjs')], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
  } catch (error) {
    stdout = (error as { readonly stdout: string }).stdout;
  }
  const findings = readTap(output(stdout))?.findings ?? [];
  expect(findings.map(({ status, name }) => `${status} ${name}`)).toEqual([
    ...[
      'pass outer › works',
      'fail outer › fails',
      'todo outer › waits',
      'skip outer › cannot',
      'pass outer › inner › is deep',
    ],
    ...['pass alone'],
  ]);
  expect(findings[1]?.message).toContain('expected: 2');
});
