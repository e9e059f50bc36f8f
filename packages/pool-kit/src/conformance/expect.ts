/** What an outcome must be, and how a failure says what it was instead. Knows no pool. */
import assert from 'node:assert/strict';
import type { PoolOutcome } from '@pexen/core';

/** Fails unless the outcome is of this kind; gives it back, narrowed. */
export function expectKind<K extends PoolOutcome['kind']>(
  outcome: PoolOutcome,
  kind: K,
): Extract<PoolOutcome, { readonly kind: K }> {
  assert.equal(outcome.kind, kind, `expected an outcome "${kind}", got ${describe(outcome)}`);
  return outcome as Extract<PoolOutcome, { readonly kind: K }>;
}

/** The error of an outcome that has one. */
export function expectError(outcome: PoolOutcome, kind: 'threw' | 'failed'): Error {
  const { error } = expectKind(outcome, kind);
  assert.ok(error instanceof Error, `expected an Error, got ${String(error)}`);
  return error;
}

/** Fails unless the two are the same; says both, and what they are. */
export function expectSame<T>(actual: T, expected: T, what: string): void {
  assert.equal(actual, expected, `${what}: ${String(actual)}, and should be ${String(expected)}`);
}

/** An outcome in a few words. */
export function describe(outcome: PoolOutcome): string {
  const error = 'error' in outcome ? `: ${String(outcome.error)}` : '';
  const reason = 'reason' in outcome ? `: ${outcome.reason}` : '';
  return `"${outcome.kind}"${error}${reason}`;
}
