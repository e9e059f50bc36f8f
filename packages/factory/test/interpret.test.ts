/** What the end of a program means (SEMANTICS 11). */
import { type ExecutableFacts, isTaskFailError, type PoolOutcome } from '@pexen/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type InterpretOptions, interpreter } from '../src/index.ts';
import { capped, facts, output } from './facts.ts';

/** The outcome without the output it carries. */
function outcome(given: ExecutableFacts, options?: InterpretOptions): PoolOutcome {
  const { stdout, stderr, ...rest } = interpreter(options)(given).outcome;
  const { besidesFindings: _, ...captured } = stdout ?? { head: '' };
  expect([captured, stderr]).toEqual([given.stdout, given.stderr]);
  return rest;
}

function errorOf(end: PoolOutcome): Error {
  return ('error' in end ? end.error : undefined) as Error;
}

describe('the exit code decides', () => {
  test('0: it returned, with a digest of its findings', () => {
    const end = outcome(facts({ stdout: '1..3\nok\nok\nok # skip\n', report: 'warn x\n' }));
    expect(end).toEqual({
      kind: 'returned',
      value: { exitCode: 0, findings: { pass: 2, skip: 1, warn: 1 } },
    });
  });

  test('77: it skipped itself, the last line is the reason', () => {
    expect(outcome(facts({ exitCode: 77, stdout: 'looking\nno network \n\n' }))).toEqual({
      kind: 'skipped-itself',
      reason: 'no network',
    });
    expect(outcome(facts({ exitCode: 77, stderr: 'no disk\n' }))).toEqual({
      kind: 'skipped-itself',
      reason: 'no disk',
    });
    expect(outcome(facts({ exitCode: 77 }))).toEqual({ kind: 'skipped-itself', reason: 'exit code 77' });
  });

  test('77 with a finding that failed: it failed', () => {
    const tap = outcome(facts({ exitCode: 77, stdout: '1..2\nok 1\nnot ok 2 - b\n' }));
    expect(tap).toMatchObject({ kind: 'failed', depsOk: false, locksOk: true });
    expect(errorOf(tap).message).toBe('exit code 77, failed: b');
    expect(outcome(facts({ exitCode: 77, report: 'fail c\n' })).kind).toBe('failed');
    expect(outcome(facts({ exitCode: 77, stdout: '1..1\nok 1\n', report: 'warn c\n' })).kind).toBe(
      'skipped-itself',
    );
  });

  test('99, and a signal: out of control', () => {
    const lost = outcome(facts({ exitCode: 99, stderr: 'lost control' }));
    expect(lost.kind).toBe('threw');
    expect(errorOf(lost).message).toBe('exit code 99: lost control');
    expect(isTaskFailError(errorOf(lost))).toBe(false);
    const killed = outcome(facts({ exitCode: null, signal: 'SIGSEGV' }));
    expect(killed.kind).toBe('threw');
    expect(errorOf(killed).message).toBe('ended by SIGSEGV');
  });

  test.each([1, 2, 3, 76, 78, 98, 100, 126, 127, 255])(
    '%i: it failed, dependents stop, resources are in order',
    (exitCode) => {
      const end = outcome(facts({ exitCode, stdout: 'out', stderr: 'a\nb\n' }));
      expect(end).toMatchObject({ kind: 'failed', depsOk: false, locksOk: true });
      expect(errorOf(end)).toMatchObject({
        name: 'TaskFailError',
        message: `exit code ${exitCode}: b\na\nb`,
        depsOk: false,
        locksOk: true,
      });
      expect(errorOf(end).stack).not.toContain('interpret');
    },
  );

  test('the message begins with the last line of output, as a terminal shows it', () => {
    const message = (stderr: string) =>
      errorOf(outcome(facts({ exitCode: 1, stderr }))).message.split('\n')[0];
    expect(message('first\n  no route to host  \n\n')).toBe('exit code 1: no route to host');
    expect(message('10%\r99%\r100%\r\n')).toBe('exit code 1: 100%');
    expect(message('x'.repeat(500))).toBe(`exit code 1: ${'x'.repeat(120)}…`);
    expect(message(' \n')).toBe('exit code 1');
  });

  test('the message has the last lines, of the errors if there are any', () => {
    expect(errorOf(outcome(facts({ exitCode: 1, stdout: 'text\n' }))).message).toBe('exit code 1: text');
    const long = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n');
    expect(errorOf(outcome(facts({ exitCode: 1, stderr: long }))).message).toBe(
      `exit code 1: line 99\n${long.split('\n').slice(-20).join('\n')}`,
    );
    expect(errorOf(outcome(facts({ exitCode: 1, stderr: 'x'.repeat(10_000) }))).message.length).toBeLessThan(
      2_200,
    );
  });
});

describe('the reason', () => {
  const message = (given: Parameters<typeof facts>[0]) =>
    errorOf(outcome(facts({ exitCode: 1, ...given }))).message;

  test('is the last line that is not a trace of the shell', () => {
    const traced = '+ cat x\ncat: x: No such file\n++ id -u\n+ [ 42 = 43 ]\n';
    expect(message({ stderr: traced })).toBe(`exit code 1: cat: x: No such file\n${traced.trim()}`);
    expect(message({ stderr: '+ [ 42 = 43 ]\n', stdout: '42 is not 43\n' })).toBe(
      'exit code 1: 42 is not 43\n+ [ 42 = 43 ]',
    );
    expect(message({ stderr: '+ [ 42 = 43 ]\n' })).toBe('exit code 1\n+ [ 42 = 43 ]');
    expect(outcome(facts({ exitCode: 77, stdout: 'no net\n', stderr: '+ exit 77\n' }))).toEqual({
      kind: 'skipped-itself',
      reason: 'no net',
    });
    expect(outcome(facts({ exitCode: 77, stderr: 'no disk\n+ exit 77\n' }))).toMatchObject({
      reason: 'no disk',
    });
  });

  test('shows on which side it was cut', () => {
    expect(message({ stderr: 'x'.repeat(300) }).split('\n')[0]).toBe(`exit code 1: ${'x'.repeat(120)}…`);
    const [head, tail] = message({ stderr: `start${'x'.repeat(3_000)}\nend` }).split('\n');
    expect(head).toBe('exit code 1: end');
    expect(tail).toMatch(/^…x+$/);
  });
});

test('a table of exit codes replaces their usual meanings', () => {
  const exitCodes = { 5: 'skip', 77: 'fail', 99: 'fail', 3: 'error', 9: 'pass' } as const;
  const kinds = [5, 77, 99, 3, 9, 0, 1].map((exitCode) => outcome(facts({ exitCode }), { exitCodes }).kind);
  expect(kinds).toEqual(['skipped-itself', 'failed', 'failed', 'threw', 'returned', 'returned', 'failed']);
});

describe('output that findings show is not shown again', () => {
  const besides = (given: Parameters<typeof facts>[0], options?: InterpretOptions) => {
    const { stdout, stderr } = interpreter(options)(facts(given)).outcome;
    return [stdout?.besidesFindings, stderr?.besidesFindings];
  };
  const failing =
    'starting\nTAP version 13\nnot ok 1 - a\n  ---\n  error: b\n  ...\n# log\n1..1\n# tests 1\n# fail 1\n';

  test('of TAP that failed, only the other lines remain', () => {
    expect(besides({ exitCode: 1, stdout: failing })).toEqual(['starting\n# log', undefined]);
    expect(errorOf(outcome(facts({ exitCode: 1, stdout: failing }))).message).toBe('exit code 1, failed: a');
  });

  test('all of it remains where no finding failed, or where nothing in it was read', () => {
    expect(besides({ exitCode: 1, stdout: '1..1\nok 1 - a\n' })).toEqual([undefined, undefined]);
    expect(besides({ stdout: 'text', report: 'fail a' })).toEqual([undefined, undefined]);
    expect(besides({ stdout: failing, report: 'fail a' }, { tap: false })).toEqual([undefined, undefined]);
  });

  test('remarks of Test::More on standard error belong to their findings', () => {
    const stdout = 'not ok 1 - a\nnot ok 2 - same\nnot ok 3 - same\n1..3\n';
    const stderr = [
      "#   Failed test 'a'\n#   at t/a.t line 2.\n#          got: '1'\n#     expected: '2'",
      "#   Failed test 'same'\n#   at t/a.t line 3.\n#     Structures begin differing at:",
      "#   Failed test 'same'\n#   at t/a.t line 9.\n# Looks like you failed 3 tests of 3.\nother\n",
    ].join('\n');
    const read = interpreter({ tap: 'perl' }, '/p')(facts({ exitCode: 3, stdout, stderr }));
    expect(read.findings).toEqual([
      {
        name: 'a',
        status: 'fail',
        location: { file: '/p/t/a.t', line: 2 },
        data: { expected: "'2'", actual: "'1'" },
      },
      {
        name: 'same',
        status: 'fail',
        message: 'Structures begin differing at:',
        location: { file: '/p/t/a.t', line: 3 },
      },
      { name: 'same', status: 'fail', location: { file: '/p/t/a.t', line: 9 } },
    ]);
    expect(read.outcome.stderr?.besidesFindings).toBe('other');
  });
});

test('of a parent that failed because of its subtest, Test::More says nothing new', () => {
  const stdout = '# Subtest: in\n    not ok 1 - a\n    1..1\nnot ok 1 - in\n1..1\n';
  const stderr = `    #   Failed test 'a'
    #   at t/a.t line 4.
    # Looks like you failed 1 test of 1.
#   Failed test 'in'
#   at t/a.t line 4.
# a remark of the test
`;
  const { findings, outcome: end } = interpreter({ tap: 'perl' })(facts({ exitCode: 1, stdout, stderr }));
  expect(findings).toEqual([{ name: 'in › a', status: 'fail', location: { file: 't/a.t', line: 4 } }]);
  expect(end.stderr?.besidesFindings).toBe('# a remark of the test');
});

describe('lines as findings', () => {
  const read = (stdout: string, options: InterpretOptions, exitCode = 0) => {
    const { outcome: end, findings } = interpreter(options)(facts({ stdout, exitCode }));
    return { kind: end.kind, findings, besides: end.stdout?.besidesFindings };
  };

  test('as Automake prints them', () => {
    const stdout = 'start\nPASS: a\nFAIL: b 1 - deep\nSKIP: c\nXFAIL: d\nXPASS: e\nERROR: f\nPASSED x\n';
    const { kind, findings, besides } = read(stdout, { lines: 'automake' });
    expect(findings.map(({ status, name }) => `${status} ${name}`)).toEqual([
      ...['pass a', 'fail b 1 - deep', 'skip c', 'todo d', 'fail e', 'fail f'],
    ]);
    expect([kind, besides]).toEqual(['failed', 'start\nPASSED x']);
  });

  test('as a configuration describes them', () => {
    const lines = {
      pass: '[OK] {name} in {ms} ms',
      fail: ['[BAD] {name} at {file}:{line}: {message}', '[BAD] {name}'],
    };
    const { findings } = read('[OK] a in 12 ms\n[BAD] b at x.c:7: why\n  [BAD] c\n[OK] d', { lines });
    expect(findings).toEqual([
      { name: 'a', status: 'pass', durationMs: 12 },
      { name: 'b', status: 'fail', message: 'why', location: { file: 'x.c', line: 7 } },
      { name: 'c', status: 'fail' },
    ]);
  });

  test('an output without any is a warning, and one that was not kept completely a failure', () => {
    expect(read('hello', { lines: 'automake' })).toMatchObject({
      kind: 'returned',
      findings: [{ name: 'lines', status: 'warn' }],
    });
    const given = { ...facts({}), stdout: capped('PASS: a\n'.repeat(5_000), 5_000) };
    const { outcome: end, findings } = interpreter({ lines: 'automake' })(given);
    expect([end.kind, findings.at(-1)]).toMatchObject(['failed', { name: 'lines', status: 'fail' }]);
  });

  test('more than 10,000 that passed cause only a remark', () => {
    const { kind, findings } = read('PASS: a\n'.repeat(10_002), { lines: 'automake' });
    expect(kind).toBe('returned');
    expect(findings.filter(({ status }) => status !== 'pass')).toEqual([
      { name: 'report', status: 'info', message: '2 more findings are not shown' },
    ]);
  });
});

test('files of one start without a result are failures', () => {
  const stdout = '1..2\nok 1 - t/a.test.js {\n    1..1\n    ok 1 - x\n}\nok 2 - b.test.js\n';
  const files = ['t/a.test.js', 't/b.test.js', 't/c.test.js'];
  const { outcome: end, findings } = interpreter({ files })(facts({ stdout }));
  expect(end.kind).toBe('failed');
  expect(findings.filter(({ status }) => status === 'fail').map(({ name }) => name)).toEqual(['t/c.test.js']);
});

describe('findings', () => {
  test('a reported failure fails the program although it exits with 0', () => {
    const tap = outcome(facts({ stdout: '1..2\nok 1 - a\nnot ok 2 - b\n' }));
    expect(tap).toMatchObject({ kind: 'failed', depsOk: false, locksOk: true });
    expect(errorOf(tap).message).toBe('exit code 0, failed: b');
    const report = outcome(facts({ report: 'fail c: why\n{"name":"d","status":"fail"}' }));
    expect(errorOf(report).message).toBe('exit code 0, failed: c, d');
    const many = outcome(facts({ report: Array.from({ length: 9 }, (_, at) => `fail ${at}`).join('\n') }));
    expect(errorOf(many).message).toBe('exit code 0, failed: 0, 1, 2, 3, 4 and 4 more');
  });

  test('a wrong plan fails it: it may have ended half-way', () => {
    expect(outcome(facts({ stdout: '1..5\nok 1\n' }))).toMatchObject({ kind: 'failed' });
    expect(outcome(facts({ stdout: 'TAP version 13\nok 1\n' }))).toMatchObject({ kind: 'failed' });
  });

  test('todo, skip and warn do not fail it', () => {
    const stdout = '1..2\nnot ok 1 # TODO\nnot ok 2 # SKIP\n';
    expect(outcome(facts({ stdout, report: 'warn x\ninfo y\ntodo z\nrubbish\n', leaked: 1 }))).toMatchObject({
      kind: 'returned',
    });
  });

  test('TAP that skips all tests skips the task', () => {
    expect(outcome(facts({ stdout: '1..0 # skip no network\n' }))).toEqual({
      kind: 'skipped-itself',
      reason: 'no network',
    });
    expect(outcome(facts({ exitCode: 1, stdout: '1..0 # skip no network\n' }))).toMatchObject({
      kind: 'failed',
    });
  });

  test('come from TAP, then from the report, then from leaked processes', () => {
    const { findings } = interpreter()(facts({ stdout: '1..1\nok 1 - a\n', report: 'pass b\n', leaked: 2 }));
    expect(findings).toEqual([
      { name: 'a', status: 'pass' },
      { name: 'b', status: 'pass' },
      {
        name: 'left behind',
        status: 'warn',
        message: '2 processes that it started still ran when it had ended, and were killed',
      },
    ]);
  });

  test('TAP is detected, required or turned off', () => {
    const stdout = '1..1\nnot ok 1 - a\n';
    expect(outcome(facts({ stdout }), { tap: false })).toMatchObject({ kind: 'returned' });
    expect(outcome(facts({ stdout }), { tap: true })).toMatchObject({ kind: 'failed' });
    expect(outcome(facts({ stdout: 'hello' }))).toMatchObject({ kind: 'returned' });
    expect(errorOf(outcome(facts({ stdout: 'hello' }), { tap: true })).message).toBe(
      'exit code 0, failed: TAP',
    );
  });

  test('very many are limited', () => {
    const { findings } = interpreter()(facts({ report: 'pass a\n'.repeat(20_000) }));
    expect(findings).toHaveLength(10_001);
  });
});

test("TAP as Perl's harness reads it", () => {
  const stdout = '1..1\nnot ok 1 - closes#todo later\n';
  expect(outcome(facts({ stdout }), { tap: 'perl' }).kind).toBe('returned');
  expect(outcome(facts({ stdout })).kind).toBe('failed');
  expect(outcome(facts({ stdout: 'hello' }), { tap: 'perl' }).kind).toBe('failed');
});

describe('of output that was not kept completely', () => {
  const points = Array.from(
    { length: 2_000 },
    (_, at) => `${at === 1_000 ? 'not ok' : 'ok'} ${at + 1} - point ${at + 1}\n`,
  );
  const text = `TAP version 13\n1..2000\n${points.join('')}`;

  test('the lines in `evidence` count', () => {
    const given = { ...facts({}), stdout: capped(text, 5_000), evidence: text };
    const { outcome: end, findings } = interpreter()(given);
    expect(errorOf(end).message).toBe('exit code 0, failed: point 1001');
    expect(findings).toHaveLength(2_000);
  });

  test('without `evidence` TAP fails, since test points may be missing', () => {
    const { findings } = interpreter()({ ...facts({}), stdout: capped(text, 5_000) });
    expect(findings.at(-1)).toMatchObject({ name: 'TAP', status: 'fail' });
    const plain = { ...facts({}), stdout: capped('hello\n'.repeat(5_000), 5_000) };
    expect(interpreter()(plain).outcome.kind).toBe('returned');
  });

  test('no cut creates additional test points', () => {
    const names = new Set(points.map((line) => line.trim().replace(/^.* - /, '')));
    fc.assert(
      fc.property(fc.nat({ max: 8_000 }), (cap) => {
        const { findings } = interpreter({ tap: true })({ ...facts({}), stdout: capped(text, cap) });
        const invented = findings.filter(({ name }) => !names.has(name) && name !== 'TAP' && name !== 'plan');
        expect(invented).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});

test('the end of long output is that of its tail', () => {
  const stdout = { head: 'first', tail: '…\nno network\n', totalBytes: 1e9 };
  expect(outcome({ ...facts({ exitCode: 77 }), stdout })).toEqual({
    kind: 'skipped-itself',
    reason: 'no network',
  });
  expect(output('a').totalBytes).toBe(1);
});
