import { executableTask, type OtherResult, PexenError, type Result, type ReturnedResult } from '@pexen/core';

import { describe, expect, it } from 'vitest';
import { Expectations } from '../src/verdict/expectations.ts';
import { judge } from '../src/verdict/verdict.ts';

const facts = {
  task: () => {},
  path: 'net/ping',
  callPath: ['net', 'ping'],
  attempts: [],
  shared: {},
  flaky: false,
  slow: false,
  findings: [],
};
const returned = (more: Partial<ReturnedResult> = {}): Result => ({
  ...facts,
  status: 'returned',
  value: 1,
  ...more,
});
const ended = (status: OtherResult['status'], more: Partial<OtherResult> = {}): Result => ({
  ...facts,
  status,
  error: new Error('no route'),
  reason: [{ task: 'net/ping', why: 'because' }],
  ...more,
});
const asExpected = () => undefined;
const expectedToFail = (path: string) => (path === 'net/ping' ? 'no IPv6 here' : undefined);

describe('the verdict', () => {
  it.each([
    ['failed', 'fail', 'no route'],
    ['threw', 'error', 'no route'],
    ['timed-out', 'timeout', 'because'],
    ['crashed', 'crashed', 'because'],
    ['lost', 'crashed', 'because'],
    ['cancelled', 'cancelled', 'because'],
    ['skipped', 'skip', 'because'],
    ['skipped-itself', 'skip', 'because'],
  ] as const)('of one that %s is %s', (status, verdict, reason) => {
    expect(judge(ended(status), asExpected)).toEqual({ verdict, reason });
  });

  it('of one that could not run says why, and not once more which task it is', () => {
    const message = 'the program cannot be started: its first line names "/bin/zsh", which is not there';
    const error = new PexenError([
      { code: 'PEXEN_CANNOT_START', task: 'net/ping', message, hint: 'Install it.' },
    ]);
    expect(judge(ended('threw', { error }), asExpected)).toEqual({ verdict: 'error', reason: message });
  });

  it('of one whose evidence is incomplete is error, whatever was expected', () => {
    const message = 'the disk was full (ENOSPC)';
    const error = new PexenError([{ code: 'PEXEN_EVIDENCE_LOST', task: 'net/ping', message }]);
    for (const status of ['failed', 'threw'] as const)
      for (const expected of [asExpected, expectedToFail])
        expect(judge(ended(status, { error }), expected)).toEqual({ verdict: 'error', reason: message });
  });

  it('of one that skipped itself after a finding failed is fail', () => {
    const findings = [{ name: 'dns', status: 'fail' }] as const;
    expect(judge(ended('skipped-itself', { findings }), asExpected)).toEqual({
      verdict: 'fail',
      reason: '1 of 1 findings failed',
    });
  });

  it('of one that returned is pass', () => {
    expect(judge(returned(), asExpected)).toEqual({ verdict: 'pass' });
  });

  it('of one that returned with problems is warn', () => {
    const findings = [
      { name: 'latency', status: 'warn', message: '80 ms' },
      { name: 'loss', status: 'pass' },
    ] as const;
    expect(judge(returned({ findings }), asExpected)).toEqual({
      verdict: 'warn',
      reason: '1 warning',
    });
  });

  it('of one with a failing finding is fail, though its body returned', () => {
    const findings = [{ name: 'loss', status: 'fail' }] as const;
    expect(judge(returned({ findings, flaky: true }), asExpected)).toEqual({
      verdict: 'fail',
      reason: '1 of 1 findings failed',
    });
  });

  it('of one that passed only later is flaky', () => {
    expect(judge(returned({ flaky: true, attempts: [] }), asExpected).verdict).toBe('flaky');
  });

  it('of one that was expected to fail and did is expected-fail, with the reason given for it', () => {
    for (const status of ['failed', 'threw', 'timed-out', 'crashed'] as const) {
      expect(judge(ended(status), expectedToFail)).toEqual({
        verdict: 'expected-fail',
        reason: 'no IPv6 here',
      });
    }
  });

  it('of one that was expected to fail and passed is warn: the expectation wants to be removed', () => {
    expect(judge(returned(), expectedToFail).verdict).toBe('warn');
  });

  it('of one that was expected to fail and was skipped stays skip', () => {
    expect(judge(ended('skipped'), expectedToFail).verdict).toBe('skip');
  });
});

describe('findings that are expected to fail', () => {
  const program = executableTask(
    { name: 'ping' },
    {
      file: '/bin/true',
      argv: [],
      cwd: '/',
      env: {},
      interpret: () => ({ outcome: { kind: 'returned', value: 0 }, findings: [] }),
    },
    { location: { file: '/bin/true' }, nameKind: 'file' },
  );
  const dns = { name: 'dns › a', status: 'fail' } as const;
  const loss = { name: 'loss', status: 'fail' } as const;
  const mtu = { name: 'mtu', status: 'pass' } as const;
  const expectations = new Expectations({
    'net/* › dns › a': 'no resolver',
    'net/ping › loss': 'bad cable',
    'net/ping › gone': 'x',
    'other › dns': 'y',
  });
  const verdictOf = (result: Result) =>
    judge(
      result,
      (path) => expectations.reasonFor(path),
      (path) => expectations.ofFindings(path),
    );
  const failed = (findings: Result['findings'], more: Partial<OtherResult> = {}) =>
    ended('failed', { task: program, findings, ...more });

  it('explain a program that failed only because of them', () => {
    expect(verdictOf(failed([dns, mtu]))).toEqual({
      verdict: 'expected-fail',
      reason: 'no resolver',
      expectedFailures: { 'dns › a': 'no resolver' },
    });
    expect(verdictOf(failed([dns, loss])).reason).toBe('2 findings failed as expected: no resolver');
    expect(verdictOf(returned({ findings: [dns, mtu] })).verdict).toBe('expected-fail');
    expect(verdictOf(ended('skipped-itself', { findings: [dns] })).verdict).toBe('expected-fail');
  });

  it('do not hide another one that fails', () => {
    expect(verdictOf(failed([dns, mtu, { name: 'new', status: 'fail' }]))).toMatchObject({
      verdict: 'fail',
      expectedFailures: { 'dns › a': 'no resolver' },
    });
    expect(verdictOf(returned({ findings: [dns, { name: 'new', status: 'fail' }] }))).toMatchObject({
      verdict: 'fail',
      reason: '1 of 2 findings failed',
    });
  });

  it.each(['threw', 'timed-out', 'crashed', 'cancelled'] as const)('do not explain one that %s', (status) => {
    expect(verdictOf(ended(status, { task: program, findings: [dns] })).verdict).not.toBe('expected-fail');
  });

  it('do not explain the error of a function, or lost evidence', () => {
    expect(verdictOf(ended('failed', { findings: [dns] })).verdict).toBe('fail');
    const error = new PexenError([{ code: 'PEXEN_EVIDENCE_LOST', message: 'the disk was full' }]);
    expect(verdictOf(failed([dns], { error })).verdict).toBe('error');
  });

  it('are a warning when they pass', () => {
    expect(verdictOf(returned({ findings: [{ name: 'loss', status: 'pass' }] }))).toEqual({
      verdict: 'warn',
      reason: '"loss" passed, though it was expected to fail: bad cable',
    });
    expect(verdictOf(failed([dns, { name: 'loss', status: 'pass' }]))).toEqual({
      verdict: 'warn',
      reason: '"loss" passed, though it was expected to fail: bad cable',
      expectedFailures: { 'dns › a': 'no resolver' },
    });
  });

  it('that are not reported are listed', () => {
    expect(expectations.unused().map(({ message }) => message)).toEqual([
      'no finding matches "net/ping › gone" of expectedFailures',
      'no finding matches "other › dns" of expectedFailures',
    ]);
  });
});

describe('the verdict of one that was executed again for what it provides', () => {
  const flaky = { session: 1, status: 'returned', verdict: 'flaky', counts: true } as const;
  const failed = { session: 1, status: 'failed', verdict: 'fail', counts: true } as const;

  it('is the worse of its verdicts', () => {
    expect(judge(returned({ earlier: [flaky] }), asExpected)).toEqual({
      verdict: 'flaky',
      reason: 'flaky in session 1, before it was executed again',
    });
    expect(judge(returned({ earlier: [flaky, failed] }), asExpected).verdict).toBe('fail');
    expect(judge(ended('threw', { earlier: [failed] }), asExpected)).toEqual({
      verdict: 'error',
      reason: 'no route',
    });
    expect(judge(ended('failed', { earlier: [failed] }), asExpected)).toEqual({
      verdict: 'fail',
      reason: 'no route',
    });
  });

  it('ignores results that its latest one replaces', () => {
    expect(judge(returned({ earlier: [{ ...failed, counts: false }] }), asExpected)).toEqual({
      verdict: 'pass',
    });
  });

  it('follows the present expectations', () => {
    expect(judge(returned({ earlier: [failed] }), expectedToFail).verdict).toBe('warn');
    expect(judge(ended('failed', { earlier: [failed] }), expectedToFail)).toEqual({
      verdict: 'expected-fail',
      reason: 'no IPv6 here',
    });
    const expectedThen = { ...failed, verdict: 'expected-fail' } as const;
    expect(judge(returned({ earlier: [expectedThen] }), asExpected).verdict).toBe('fail');
  });
});
