/** What Kyua makes of the ends of tests: the rules of its own sources, as tables. */
import { describe, expect, test } from 'vitest';
import {
  type ExitStatus,
  interpretWith,
  type KyuaResult,
  readAtf,
  readKyuaTap,
  readPlain,
  resultOfAtf,
} from '../../src/kyua/results.ts';
import { facts } from '../facts.ts';

function shown(result: KyuaResult): string {
  return 'reason' in result ? `${result.kind}: ${result.reason}` : result.kind;
}

describe('an ATF test case', () => {
  const ok: ExitStatus = { code: 0 };
  const one: ExitStatus = { code: 1 };
  const killed: ExitStatus = { signal: 9 };
  test.each<[stated: string | undefined, status: ExitStatus | undefined, result: string]>([
    ['passed\n', ok, 'passed'],
    ['passed\n', one, 'broken: Passed test case should have reported success but exited with code 1'],
    ['passed\n', killed, 'broken: Passed test case should have reported success but received signal 9'],
    ['passed: why\n', ok, 'broken: Error: passed cannot have a reason. Test case exited with code 0'],
    ['failed: it\n', one, 'failed: it'],
    ['failed: it\n', ok, 'broken: Failed test case should have reported failure but exited with code 0'],
    ['failed\n', one, "broken: Error: failed must be followed by ': <reason>'. Test case exited with code 1"],
    ['skipped: no\n', ok, 'skipped: no'],
    ['skipped: no\n', one, 'broken: Skipped test case should have reported success but exited with code 1'],
    ['broken: oh\n', ok, 'broken: oh'],
    ['expected_failure: PR 1\n', ok, 'expected_failure: PR 1'],
    [
      'expected_failure: PR 1\n',
      one,
      'broken: Expected failure should have reported success but exited with code 1',
    ],
    ['expected_death: x\n', killed, 'expected_failure: x'],
    ['expected_exit: x\n', one, 'expected_failure: x'],
    ['expected_exit(1): x\n', one, 'expected_failure: x'],
    ['expected_exit(2): x\n', one, 'failed: Test case expected to exit with code 2 but got code 1'],
    ['expected_exit: x\n', killed, 'broken: Expected clean exit but received signal 9'],
    ['expected_signal: x\n', killed, 'expected_failure: x'],
    ['expected_signal(9): x\n', killed, 'expected_failure: x'],
    ['expected_signal(6): x\n', killed, 'failed: Test case expected to receive signal 6 but got 9'],
    ['expected_signal(9): x\n', ok, 'broken: Expected signal but exited with code 0'],
    ['expected_timeout: x\n', undefined, 'expected_failure: x'],
    ['expected_timeout: x\n', ok, 'broken: Expected timeout but exited with code 0'],
    ['passed\n', undefined, 'broken: Test case body timed out'],
    [undefined, undefined, 'broken: Test case body timed out'],
    [undefined, one, 'broken: Error: Premature exit. Test case exited with code 1'],
    ['', ok, 'broken: Error: Empty test result or no new line. Test case exited with code 0'],
    ['passed', ok, 'broken: Error: Empty test result or no new line. Test case exited with code 0'],
    [
      'passed\nx\n',
      ok,
      'broken: Error: Test result contains multiple lines: passed<<NEWLINE>>x. Test case exited with code 0',
    ],
    ['odd\n', ok, "broken: Error: Unknown test result 'odd'. Test case exited with code 0"],
  ])('says %j and ends with %j', (stated, status, result) => {
    expect(shown(resultOfAtf(stated, status))).toBe(result);
  });

  test.each([
    ['body 0\nresult\npassed\n', 'passed'],
    ['body 0\ncleanup 0\nresult\npassed\n', 'passed'],
    ['body 0\ncleanup 1\nresult\npassed\n', 'broken: Test case cleanup did not terminate successfully'],
    ['body 0\ncleanup late\nresult\nskipped: x\n', 'broken: Test case cleanup timed out'],
    ['body 1\ncleanup 1\nresult\nfailed: x\n', 'failed: x'],
    ['body 137\nlate\nresult\nexpected_timeout: x\n', 'expected_failure: x'],
    ['body 137\nresult\nexpected_signal(9): x\n', 'expected_failure: x'],
    ['body 137\nresult\nexpected_exit(137): x\n', 'expected_failure: x'],
    ['body 139\n', 'broken: Error: Premature exit. Test case received signal 11'],
    ['', 'broken: It ended by exit code 0'],
  ])('whose start reports %j', (report, result) => {
    expect(shown(readAtf(facts({ report })).result)).toBe(result);
  });
});

describe('a TAP test program', () => {
  test.each([
    ['1..2\nok 1 - a\nok 2\n', 0, 'passed', 'pass a, pass line 3'],
    ['1..2\nok 1\nnot ok 2 - b\n', 1, 'failed: 1 of 2 tests failed', 'pass line 2, fail b'],
    ['1..2\nok 1\nnot ok 2 - b # TODO later\n', 0, 'passed', 'pass line 2, todo b'],
    ['1..1\nnot ok 1 - b # SKIP no b\n', 0, 'passed', 'skip b'],
    [
      '1..1\nok 1\n',
      3,
      'broken: Dubious test program: reported all tests as passed but returned exit code 3',
      'pass line 2',
    ],
    ['1..0 # SKIP not here\n', 0, 'skipped: not here', ''],
    ['1..0 # SKIP\n', 0, 'skipped: No reason specified', ''],
    ['1..2\nok 1\nBail out! x\nok 2\n', 0, 'failed: Bailed out', 'pass line 2'],
    [
      'ok 1\n',
      0,
      'broken: TAP test program yielded invalid data: Output did not contain any TAP plan and the program did not bail out',
      'pass line 1',
    ],
    [
      '1..2\nok 1\n',
      0,
      'broken: TAP test program yielded invalid data: Reported plan differs from actual executed tests',
      'pass line 2',
    ],
    [
      '1..1\n1..1\nok 1\n',
      0,
      'broken: TAP test program yielded invalid data: Found duplicate plan 1..1 (saw 1..1 earlier)',
      'pass line 3',
    ],
    ['3..1\n', 0, 'broken: TAP test program yielded invalid data: Found reversed plan 3..1', ''],
    [
      '1..1 # SKIP x\nok 1\n',
      0,
      'broken: TAP test program yielded invalid data: Skipped plan must be 1..0',
      'pass line 2',
    ],
  ])('that prints %j and ends with %j', (stdout, exitCode, result, findings) => {
    const read = readKyuaTap(facts({ stdout, exitCode }));
    expect(shown(read.result)).toBe(result);
    expect(read.findings?.map(({ status, name }) => `${status} ${name}`).join(', ')).toBe(findings);
  });
});

test('a plain test program, and what the results are for the scheduler', () => {
  const ends = [{}, { exitCode: 3 }, { exitCode: null, signal: 'SIGSEGV' }, { leaked: 1 }];
  const read = ends.map((end) => interpretWith(readPlain)(facts(end)));
  expect(read.map(({ outcome }) => outcome.kind)).toEqual(['returned', 'failed', 'threw', 'returned']);
  expect(read[3]?.findings).toMatchObject([{ name: 'left behind', status: 'info' }]);
  const expected = interpretWith(readAtf)(facts({ report: 'body 0\nresult\nexpected_failure: PR 1\n' }));
  expect(expected).toMatchObject({
    outcome: { kind: 'returned' },
    findings: [{ name: 'expected failure', status: 'todo', message: 'PR 1' }],
  });
});
