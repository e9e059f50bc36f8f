/** Several machines behind one launcher: here, names in the environment of each. */
import { isPexenError } from '@pexen/core';
import { expect, test } from 'vitest';
import { processes } from '../src/index.ts';
import { factsOf, opened, runOne, shell } from './support/attempts.ts';

test('slots are on the machines in turns', async () => {
  const launcher = ['/usr/bin/env', 'WHERE={host}'];
  const pool = processes({ workers: 3, launcher, hosts: ['lab1', 'lab2'] });
  await opened(pool);
  const each = shell('sleep 0.3; echo $WHERE $PEXEN_SLOT');
  const outcomes = await Promise.all([each, each, each].map((one) => runOne(pool, one)));
  const lines = outcomes.map((outcome) => factsOf(outcome).stdout.head.trim());
  expect(lines.sort()).toEqual(['lab1 0', 'lab1 2', 'lab2 1']);
});

test.each([
  [{ launcher: ['ssh', '{host}'] }, /launcher has \{host\}, and there are no hosts/],
  [{ launcher: ['ssh', 'lab'], hosts: ['lab1'] }, /there are hosts, and launcher has no \{host\}/],
  [{ hosts: ['lab1'] }, /there are hosts, and launcher has no \{host\}/],
])('%j is refused', (options, message) => {
  let error: unknown;
  try {
    processes(options);
  } catch (thrown) {
    error = thrown;
  }
  expect(isPexenError(error) && error.code).toBe('PEXEN_BAD_OPTION');
  expect(String(error)).toMatch(message);
});
