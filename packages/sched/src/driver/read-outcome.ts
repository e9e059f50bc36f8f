/** What a pool says of an attempt, read for the machine: exit codes as outcomes, unset keys as failures, the user's own rules. */
import {
  type ExecutableFacts,
  type Finding,
  type PoolOutcome,
  type Runnable,
  TaskFailError,
  unsetKeys,
} from '@pexen/core';
import type { Attempt } from './attempt.ts';

/** An outcome, and what came with it. */
export interface Reading {
  readonly outcome: PoolOutcome;
  readonly findings: readonly Finding[];
}

/** Applies the executable's `interpret`, then the check of typed keys, then `reinterpret`. What throws makes the attempt one that threw. */
export function readOutcome(
  attempt: Attempt,
  outcome: PoolOutcome,
  reinterpret: ((outcome: PoolOutcome, task: Runnable) => PoolOutcome) | undefined,
): Reading {
  if (attempt.part === 'cleanup' || outcome.kind === 'not-started') return { outcome, findings: [] };
  try {
    const { outcome: interpreted, findings } = interpret(attempt, outcome);
    const checked = checkKeys(attempt, interpreted);
    return { outcome: reinterpret?.(checked, attempt.task as Runnable) ?? checked, findings };
  } catch (error) {
    return { outcome: { kind: 'threw', error }, findings: [] };
  }
}

function interpret({ definition }: Attempt, outcome: PoolOutcome): Reading {
  const { body } = definition;
  if (typeof body === 'function' || outcome.kind !== 'returned') return { outcome, findings: [] };
  const { outcome: read, findings } = body.interpret(outcome.value as ExecutableFacts);
  const { stdout, stderr } = outcome;
  return { outcome: { ...read, ...(stdout && { stdout }), ...(stderr && { stderr }) }, findings };
}

function checkKeys({ definition }: Attempt, outcome: PoolOutcome): PoolOutcome {
  if (outcome.kind !== 'returned' || definition.meta.provides === undefined) return outcome;
  const unset = unsetKeys(definition.meta, outcome.provided ?? []);
  if (unset.length === 0) return outcome;
  const error = new TaskFailError(`returned without having set ${unset.join(', ')}`, { depsOk: false });
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}
