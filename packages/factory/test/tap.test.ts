/** TAP as findings. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTap, type Tap, type TapOptions } from '../src/programs/tap.ts';
import { scratch } from './scratch.ts';

/** `status name: message`. */
function lines(tap: Tap | undefined): string[] | undefined {
  return tap?.findings
    .toArray()
    .map(({ status, name, message }) => `${status} ${name}${message === undefined ? '' : `: ${message}`}`);
}

function read(text: string, options?: TapOptions): string[] | undefined {
  return lines(readTap(text, options));
}

test.each([
  ['points', '1..3\nok 1 - a\nnot ok 2 - b\nok\n', ['pass a', 'fail b', 'pass test 3']],
  ['a version', 'TAP version 13\nok 1 a\n1..1\n', ['pass a']],
  [
    'directives',
    '1..4\nok 1 a # SKIP no net\nok 2 # skip\nnot ok 3 b # TODO later\nok 4 c # todo\n',
    [
      'skip a: no net',
      'skip test 2',
      'todo b: todo: later',
      'warn c: passed, though it was expected to fail',
    ],
  ],
  ['escapes', '1..1\nok 1 - a \\# b \\\\ c\n', ['pass a # b \\ c']],
  ['a failed test that is skipped', '1..1\nnot ok 1 - a # SKIP no net\n', ['skip a: no net']],
  [
    'diagnostics',
    '1..1\nnot ok 1 - a\n  ---\n  operator: equal\n  at: |\n    here\n  ...\n',
    ['fail a: at: |\n  here'],
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
    ['pass a', 'fail plan: it is missing: after 1 test points the program may have ended half-way'],
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

test('a fully skipped document has the reason', () => {
  const reasonOf = (text: string) => {
    const tap = readTap(text);
    expect(tap?.findings.length).toBe(0);
    return tap?.skippedAll;
  };
  expect(reasonOf('1..0 # SKIP no network\n')).toBe('no network');
  expect(reasonOf('TAP version 13\n1..0 # skip\n')).toBe('no reason given');
  expect(readTap('1..0 # skip a\n1..1\nok 1\n')?.skippedAll).toBeUndefined();
});

test.each(['', 'hello\nok\n', 'ok 1 - a\n', '1..3\n', 'see 1..3\nok then\n', 'not ok\n', '1..1\nok.com\n'])(
  'no TAP: %j',
  (text) => {
    expect(read(text)).toBeUndefined();
    const wanted = read(text, { isWanted: true });
    if (!/^(?:not )?ok\b(?!\.)/m.test(text)) expect(wanted).toEqual(['fail TAP: the output contains no TAP']);
    else expect(wanted?.at(-1)).toMatch(/^fail plan: it is missing: after 1 test points/);
  },
);

test('a failed numbered point is TAP even without a plan', () => {
  expect(read('ok 1 - a\nnot ok 2 - b\n')).toEqual([
    'pass a',
    'fail b',
    'fail plan: it is missing: after 2 test points the program may have ended half-way',
  ]);
});

describe('directives', () => {
  /** The first finding of a document with this point. */
  const point = (line: string, options?: TapOptions) => read(`1..1\n${line}\n`, options)?.[0];

  test.each([
    ['not ok 1 - page #TODOs shows all', 'fail page #TODOs shows all'],
    ['not ok 1 - a # TODOs', 'fail a # TODOs'],
    ['not ok 1 - a #skipping', 'fail a #skipping'],
    ['not ok 1 - closes #skip', 'fail closes #skip'],
    ['not ok 1 - a# skip', 'fail a# skip'],
    ['not ok 1 - a #TODO later', 'fail a #TODO later'],
    ['not ok 1 - a # skipped', 'fail a # skipped'],
    ['not ok 1 - a # skip_me', 'fail a # skip_me'],
    ['not ok 1 - a \\# todo', 'fail a # todo'],
    ['not ok 1 - fixes # 4', 'fail fixes # 4'],
    ['not ok 1 - fixes # 4 # todo later', 'todo fixes # 4: todo: later'],
    ['not ok 1 - a # todo: later', 'todo a: todo: : later'],
    ['not ok 1 # Todo', 'todo test 1: todo'],
    ['not ok 1 - a\t#\tSKIP\tno net', 'skip a: no net'],
    ['ok 1 - a # TODO later', 'warn a: passed, though it was expected to fail: later'],
    ['ok 1 - a # time=12.5ms', 'pass a'],
  ])('by TAP 14: %s', (line, expected) => expect(point(line)).toBe(expected));

  test.each([
    ['not ok 1 - closes #skip', 'fail closes: '],
    ['ok 1 - closes #skip', 'skip closes'],
    ['ok 1 - a#skip no net', 'skip a: no net'],
    ['not ok 1 - a#todo later', 'todo a: todo: later'],
    ['not ok 1 - page #TODOs shows all', 'fail page #TODOs shows all'],
    ['not ok 1 - fixes #4 # todo later', 'fail fixes #4 # todo later'],
    ['not ok 1 - a \\# b # todo later', 'todo a # b: todo: later'],
    ['not ok 1 - a # SKIP no net', 'fail a: no net'],
    ['ok 1 - a # TODO later', 'warn a: passed, though it was expected to fail: later'],
  ])("by Perl's harness: %s", (line, expected) =>
    expect(point(line, { isWanted: true, dialect: 'perl' })).toBe(expected.replace(/: $/, '')),
  );

  const prove = spawnSync('perl', ['-MTAP::Parser', '-e', '1']).status === 0;
  test.skipIf(!prove)("Perl's harness itself reads them so (skipped without Perl)", () => {
    const words = fc.constantFrom(
      'not ok',
      'ok',
      ' 1',
      ' - a',
      '#',
      ' # ',
      'skip',
      'TODO',
      's',
      ' x',
      '\\',
      ': ',
    );
    const cases = fc.sample(fc.array(words, { maxLength: 8 }), { numRuns: 300, seed: 7 });
    const all = cases.map((parts, at) => `${at % 2 === 0 ? 'not ' : ''}ok ${parts.join('')}`.trimEnd());
    const script = `while (<STDIN>) { chomp; my $p = TAP::Parser->new({ tap => "1..1\n$_\n" }); my ($is, $dir) = ('', '');
      while (my $r = $p->next) { next unless $r->is_test; $is = $r->is_ok ? 1 : 0; $dir = lc $r->directive } print "$is $dir\n" }`;
    const stdout = execFileSync('perl', ['-MTAP::Parser', '-e', script], {
      input: all.join('\n'),
      encoding: 'utf8',
    });
    const theirs = stdout.split('\n').slice(0, -1);
    const ours = all.map((line) => {
      const [finding] =
        readTap(`1..1\n${line}\n`, { isWanted: true, dialect: 'perl' })?.findings.toArray() ?? [];
      const isTodo = finding?.status === 'todo' || finding?.message?.startsWith('passed, though') === true;
      return `${finding?.status === 'fail' ? 0 : 1} ${isTodo ? 'todo' : ''}`;
    });
    // A skipped point that failed is a failure, and a skipped one that passed a pass: only that is compared.
    expect(ours).toEqual(theirs.map((each) => each.replace('skip', '')));
  });
});

describe('very much output', () => {
  test('a million points are counted, and no failure is lost', () => {
    const text = `1..1000001\n${'ok - a point\n'.repeat(1_000_000)}not ok - the last\n`;
    const tap = readTap(text);
    expect(tap?.findings.counts).toEqual({ pass: 1_000_000, fail: 1 });
    expect(tap?.findings.failing.map(({ name }) => name)).toEqual(['the last']);
    expect(lines(tap)?.at(-1)).toBe('info report: 990001 more findings are not shown');
  });

  test('so are those of a subtest, and a wrong plan is noticed', () => {
    const text = `1..1\n    1..100001\n${'    ok - x\n'.repeat(100_000)}ok 1 - a\n`;
    expect(readTap(text)?.findings.counts).toEqual({ pass: 100_001, fail: 1 });
  });
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
  expect(readTap(text)?.findings.length).toBeGreaterThan(0);
  expect(performance.now() - before).toBeLessThan(10_000);
});

test('reading ends and does not throw, whatever is printed', () => {
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
      const findings = readTap(text, { isWanted: true })?.findings.toArray() ?? [];
      // U+2028 ends no line of TAP.
      const isBad = /(?:^|\n)not ok(?=[ \r\n]|$)/.test(text) && findings.length === 0;
      expect(isBad).toBe(false);
    }),
    { numRuns: 10_000 },
  );
});

describe('diagnostics', () => {
  const finding = (block: string, rest = '') =>
    readTap(`1..1\nnot ok 1 - a\n${block}${rest}`)?.findings.toArray()[0];

  test("vitest's texts of several lines, which are not indented", () => {
    const block = [
      '    ---',
      '    error:',
      '        name: "AssertionError"',
      '        message: "expected { a: 1, \\"b\\": [ 1 ] } to deeply equal x',
      'ok 7 - no point"',
      '    at: "/x/a.test.js:3:79"',
      '    actual: "{',
      '  \\"a\\": 1,',
      '      \\"deeper\\": [],',
      '}"',
      '    expected: "{',
      '  \\"a\\": 2,',
      '}"',
      '    ...',
      '',
    ].join('\n');
    expect(finding(block)).toEqual({
      name: 'a',
      status: 'fail',
      message: 'expected { a: 1, "b": [ 1 ] } to deeply equal x\nok 7 - no point',
      location: { file: '/x/a.test.js', line: 3, column: 79 },
      data: { expected: '{\n  "a": 2,\n}', actual: '{\n  "a": 1,\n      "deeper": [],\n}' },
    });
  });

  test.each([
    ['a failed point', '  ---\n  error: "open\nnot ok 2 - b\n', ['fail a: open', 'fail b']],
    ['the end', '  ---\n  error: "open\nok 2 - b\n', ['fail a: open', 'pass b']],
    [
      'another block',
      '  ---\n  error: "open\nok 2 - b\n  ---\n  error: "x"\n  ...\n',
      ['fail a: open', 'pass b'],
    ],
    ['a line outside', '  ---\n  error: "open\nok 2 - b"\nhello\n', ['fail a: open', 'pass b"']],
  ])('a quote that is not closed before %s does not swallow it', (_what, text, expected) => {
    expect(read(`1..2\nnot ok 1 - a\n${text}`)).toEqual(expected);
  });

  test('quotes never hide a failure', () => {
    const lines = fc.constantFrom(
      ...[
        '  ---',
        '  error: "x',
        'y"',
        '"',
        '  a: b',
        '  ...',
        'ok - p',
        'not ok - q',
        '    not ok - r',
        'Bail out!',
        '1..3',
        '',
      ],
    );
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 12 }), (parts) => {
        const text = ['ok - p', '  ---', '  error: "x', ...parts].join('\n');
        const counts = readTap(text, { isWanted: true })?.findings.counts;
        const end = parts.indexOf('Bail out!');
        const failed = parts
          .slice(0, end < 0 ? undefined : end)
          .filter((line) => line === 'not ok - q').length;
        expect(counts?.fail ?? 0).toBeGreaterThanOrEqual(failed);
      }),
      { numRuns: 5_000 },
    );
  });

  test('statistics are left out, and unknown entries are kept', () => {
    const block =
      "  ---\n  duration_ms: 1.5\n  type: 'test'\n  failureType: x\n  operator: y\n  why: z\n  ...\n";
    expect(finding(block)).toEqual({ name: 'a', status: 'fail', message: 'why: z', durationMs: 1.5 });
  });

  test('the first frame in own code is the place; equal texts of different types are compared as written', () => {
    const block = `  ---
    operator: equal
    expected: 1
    actual: '1'
    at: Test.<anonymous> (/x/t.js:9:9)
    stack: |-
      TypeError: x
          at Object.openSync (node:fs:621:18)
          at run (/x/node_modules/tape/index.js:1:1)
          at Test.<anonymous> (file:///x/my%20test.js:5:17)
  ...
`;
    expect(finding(block)).toEqual({
      name: 'a',
      status: 'fail',
      location: { file: '/x/my test.js', line: 5, column: 17 },
      data: { expected: '1', actual: "'1'" },
    });
  });

  test('comments below a failed point, as bats writes them', () => {
    const text = "# (in test file t/a.bats, line 3)\n#   `[ 1 -eq 2 ]' failed\n# 1..9\n";
    expect(finding(text, '1..1\n# tests 1\n')).toMatchObject({
      message: "`[ 1 -eq 2 ]' failed\n1..9",
      location: { file: 't/a.bats', line: 3 },
    });
  });

  test('durations', () => {
    const text =
      '1..3\nok 1 - a # time=1.5s\nok 2 - b # TODO x # time=12ms\nok 3\n  ---\n  duration_ms: 7\n  ...\n';
    expect(
      readTap(text)
        ?.findings.toArray()
        .map(({ durationMs }) => durationMs),
    ).toEqual([1_500, 12, 7]);
  });
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
  const findings = readTap(stdout)?.findings.toArray() ?? [];
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
  expect(findings[1]).toEqual({
    name: 'outer › fails',
    status: 'fail',
    message: '1 == 2',
    location: { file: join(dir, 'a.test.mjs'), line: 6, column: 34 },
    durationMs: expect.any(Number),
    data: { expected: '2', actual: '1' },
  });
});
