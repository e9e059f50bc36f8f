/** What Automake's result files and its serial harness say of a test. */
import type { Interpretation } from '@pexen/core';
import { expect, test } from 'vitest';
import { readLocal, readSerial, readTrs } from '../../src/automake/trs.ts';
import { facts } from '../facts.ts';

function shown({ outcome, findings }: Interpretation): string {
  const { kind } = outcome;
  const why =
    'error' in outcome ? (outcome.error as Error).message : 'reason' in outcome ? outcome.reason : '';
  return [kind, why, ...findings.map(({ status, name }) => `${status} ${name}`)]
    .filter((each) => each !== '')
    .join(' | ');
}

test.each([
  [':test-result: PASS\n', 'fine\nPASS a.sh (exit status: 0)\n', 'returned'],
  [
    ':test-result: FAIL\n',
    'it broke\nFAIL a.sh (exit status: 1)\n',
    'failed | FAIL (exit status: 1): it broke',
  ],
  [':test-result: SKIP\n', 'no tool\nSKIP a.sh (exit status: 77)\n', 'skipped-itself | no tool'],
  [':test-result: SKIP\n', 'SKIP a.sh (exit status: 77)\n', 'skipped-itself | from stderr'],
  [':test-result: XFAIL\n', 'XFAIL a.sh (exit status: 1)\n', 'returned | todo a.sh'],
  [':test-result: XPASS\n', 'x\n', 'failed | XPASS: passed, though it was expected to fail'],
  [':test-result: ERROR\n', 'ERROR a.sh (exit status: 99)\n', 'threw | ERROR (exit status: 99): from stderr'],
  ['', '', 'threw | make did not run it: from stderr'],
  [':test-result: PASS 1 - a b\n:test-result: XFAIL 2 - c # TODO x\n', '', 'returned | pass a b | todo c'],
  [
    ':test-result: PASS\n:test-result: FAIL\n',
    'PASS: a.sh 1 - one\nFAIL: a.sh 2 - two\n',
    'failed | FAIL: from stderr | pass one | fail two',
  ],
  [
    ':test-result: SKIP 1 # SKIP why\n:test-result: SKIP 2\n',
    '',
    'skipped-itself | why | skip test 1 | skip test 2',
  ],
  [
    ':test-result: FAIL 1\n:test-result: ERROR - too few\n',
    '',
    'threw | ERROR: from stderr | fail test 1 | fail too few',
  ],
  ['\t:test-result:\tPASS \n:global-test-result: PASS\n:recheck: no\n', '', 'returned'],
])('the result file %j', (trs, stdout, expected) => {
  const report = trs === '' ? '' : `trs\n${trs}`;
  expect(
    shown(
      readTrs('a.sh')(facts({ report, stdout, stderr: 'from stderr\nmake: *** [Makefile:1: x] Error 1\n' })),
    ),
  ).toBe(expected);
});

test.each([
  ['PASS: d/a\n====\nAll 1 tests passed\n', 'returned'],
  ['the reason\nFAIL: d/a\n====\n1 of 1 test failed\n', 'failed | FAIL: the reason'],
  ['XFAIL: d/a\n', 'returned | todo d/a'],
  ['SKIP: d/a\n', 'skipped-itself | exit status 77'],
  ['PASS: d/ab\n', 'threw | make did not run it: there is no such file, and no rule that makes it'],
])('the serial harness prints %j', (stdout, expected) => {
  expect(shown(readSerial('d/a')(facts({ stdout })))).toBe(expected);
});

test('the commands of the package itself: their exit code decides', () => {
  expect(shown(readLocal(facts({})))).toBe('returned');
  expect(shown(readLocal(facts({ exitCode: 2 })))).toBe('failed | exit code 2');
  expect(shown(readLocal(facts({ exitCode: null, signal: 'SIGKILL' })))).toBe('failed | ended by SIGKILL');
});
