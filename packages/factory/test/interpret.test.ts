/** What the end of a program means (SEMANTICS 11). */
import { type ExecutableFacts, isTaskFailError, type PoolOutcome } from '@pexen/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type InterpretOptions, interpreter } from '../src/index.ts';
import { capped, facts, output } from './facts.ts';

/** The outcome without the output it carries. */
function outcome(given: ExecutableFacts, options?: InterpretOptions): PoolOutcome {
  const { stdout, stderr, ...rest } = interpreter(options)(given).outcome;
  expect([stdout, stderr]).toEqual([given.stdout, given.stderr]);
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
