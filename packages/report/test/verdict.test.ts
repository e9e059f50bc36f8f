/** The verdict of a result whose event has none. */
import type { Finding, OutcomeKind, TaskFinished, TaskSkipped } from '@pexen/core';
import { expect, test } from 'vitest';
import { type Outcome, RunScript } from '../src/conformance/run-script.ts';
import { verdictOf } from '../src/index.ts';

function finished(ending: Outcome, attempts = 1): TaskFinished {
  const script = new RunScript().tasks(['t']);
  for (let attempt = 1; attempt < attempts; attempt++)
    script.start(0, 't').retry(1, 't', 0, { status: 'failed' });
  const event = script.start(1, 't').end(2, 't', ending).events.at(-1);
  if (event?.type !== 'task-finished') return expect.unreachable();
  return event;
}

const error = { name: 'Error', message: 'it broke' };
const reason = 'it was ordered';

test.each<[OutcomeKind, Outcome, ReturnType<typeof verdictOf>]>([
  ['returned', {}, { verdict: 'pass' }],
  ['failed', { error }, { verdict: 'fail', reason: 'it broke' }],
  ['threw', { error }, { verdict: 'error', reason: 'it broke' }],
  ['timed-out', { reason }, { verdict: 'timeout', reason }],
  ['crashed', { reason }, { verdict: 'crashed', reason }],
  ['lost', { reason }, { verdict: 'crashed', reason }],
  ['cancelled', { reason }, { verdict: 'cancelled', reason }],
  ['skipped-itself', { reason }, { verdict: 'skip', reason }],
  ['failed', {}, { verdict: 'fail' }],
])('%s %j', (status, ending, judgement) => {
  expect(verdictOf(finished({ ...ending, status }))).toEqual(judgement);
});

test.each<[readonly Finding['status'][], number, ReturnType<typeof verdictOf>]>([
  [['pass', 'info', 'skip', 'todo'], 1, { verdict: 'pass' }],
  [['pass', 'warn'], 1, { verdict: 'warn', reason: '1 warning' }],
  [['warn', 'fail'], 1, { verdict: 'fail', reason: '1 of 2 findings failed' }],
  [['warn'], 2, { verdict: 'flaky', reason: 'passed at attempt 2' }],
  [['fail'], 2, { verdict: 'fail', reason: '1 of 1 findings failed' }],
])('returned with findings %j after %i attempts', (statuses, attempts, judgement) => {
  const findings = statuses.map((status) => ({ name: status, status }));
  expect(verdictOf(finished({ findings }, attempts))).toEqual(judgement);
});

test('a skipped task has the chain of reasons', () => {
  const event: TaskSkipped = {
    ...{ type: 'task-skipped', seq: 3, atMs: 0, task: 0, path: 'test', callPath: ['test'] },
    reason: [
      { task: 'test', why: 'requires "bin"' },
      { task: 'link', why: 'threw' },
    ],
  };
  expect(verdictOf(event)).toEqual({ verdict: 'skip', reason: 'requires "bin"; link threw' });
});

test('the verdict of a test suite wins', () => {
  const judgement = { verdict: 'expected-fail', reason: 'known' } as const;
  expect(verdictOf(finished({ status: 'threw', judgement }))).toEqual(judgement);
});
