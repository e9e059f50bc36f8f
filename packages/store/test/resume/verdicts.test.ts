/** The verdict of a task with several results. */

import type { Verdict } from '@pexen/core';
import { expect, test } from 'vitest';
import { countedExecutions, verdictOfExecutions } from '../../src/resume/verdicts.ts';
import { executionOf } from './world.ts';

const result = (verdict: Verdict, generation = 1, isExtra = false) => ({
  ...executionOf(verdict),
  generation,
  isExtra,
});

test('is that of the only result', () => {
  expect(verdictOfExecutions([])).toBeUndefined();
  expect(verdictOfExecutions([result('flaky')])).toBe('flaky');
});

test('is that of the latest generation', () => {
  const executions = [result('fail'), result('pass', 2)];
  expect(verdictOfExecutions(executions)).toBe('pass');
  expect(countedExecutions(executions)).toEqual({ counted: [executions[1]], earlier: [executions[0]] });
});

test('is the worse one where the task provided again', () => {
  expect(verdictOfExecutions([result('flaky'), result('pass', 1, true)])).toBe('flaky');
  expect(verdictOfExecutions([result('pass'), result('crashed', 1, true), result('pass', 1, true)])).toBe(
    'crashed',
  );
});

test('takes extra executions of the latest generation alone', () => {
  expect(verdictOfExecutions([result('pass'), result('fail', 1, true), result('pass', 2)])).toBe('pass');
});
