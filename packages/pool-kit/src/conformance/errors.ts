/** Errors keep their identity on the way back. */
import assert from 'node:assert/strict';
import type { TaskFailError } from '@pexen/core';
import { crosses, rule, takesFunctions } from './case.ts';
import { expectError, fixtures } from './test-harness.ts';

export const keepsClassName = rule(
  'keeps the name of an error and its own properties',
  takesFunctions,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.throws), 'threw');
    assert.equal(error.name, 'DatabaseError');
    assert.equal((error as { table?: unknown }).table, 'users');
  },
);

export const keepsCauses = rule('keeps the chain of causes', takesFunctions, async (harness) => {
  const { cause } = expectError(await harness.outcomeOf(fixtures.throws), 'threw');
  assert.ok(cause instanceof Error, 'the error has no cause');
  assert.equal(cause.name, 'TypeError');
  assert.equal(cause.message, 'bad port');
  assert.equal(cause.cause, 'typed by hand');
});

export const keepsAggregates = rule(
  'keeps the errors of an AggregateError',
  takesFunctions,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.throwsMany), 'threw') as AggregateError;
    assert.deepEqual(
      error.errors?.map(({ name, message }: Error) => [name, message]),
      [
        ['RangeError', 'first'],
        ['DatabaseError', 'second'],
      ],
    );
  },
);

export const keepsStack = rule('keeps the stack of an error', takesFunctions, async (harness) => {
  const { stack } = expectError(await harness.outcomeOf(fixtures.throwsLater), 'threw');
  assert.match(String(stack), /fixtures\.[jt]s/);
});

export const keepsFailure = rule(
  'keeps message, class, data and properties of a TaskFailError',
  takesFunctions,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.fails), 'failed') as TaskFailError & {
      count?: number;
    };
    assert.equal(error.message, '3 of 80 failed');
    assert.equal(error.name, 'ChecksFailed');
    assert.deepEqual(error.data, { failed: [1, 2, 3] });
    assert.equal(error.count, 3);
  },
);

export const standsUnfit = rule(
  'replaces properties of an error that cannot be sent',
  crosses,
  async (harness) => {
    const error = expectError(await harness.outcomeOf(fixtures.throwsUnfit), 'threw') as Error & {
      port?: number;
    };
    assert.equal(error.message, 'with a socket');
    assert.equal(error.port, 80);
  },
);
