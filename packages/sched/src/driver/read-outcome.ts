/** What a pool says of an attempt, read for the machine: exit codes as outcomes, unset keys as failures, the user's own rules. */
import {
  defined,
  type ExecutableFacts,
  messageOf,
  misuse,
  PexenError,
  type PoolOutcome,
  type Runnable,
  TaskFailError,
  type TaskMeta,
  unsetKeys,
} from '@pexen/core';
import { isAbandoned } from '../machine/attempts.ts';
import type { Attempt } from './attempt.ts';

/**
 * Applies the executable's `interpret` (whose findings go to the attempt), then the check of typed keys, then `reinterpret`.
 * Where one of them throws, the attempt did. `hasKeys`: some task provides a typed key.
 */
export function readOutcome(
  attempt: Attempt,
  outcome: PoolOutcome,
  reinterpret: ((outcome: PoolOutcome, task: Runnable) => PoolOutcome) | undefined,
  hasKeys: boolean,
): PoolOutcome {
  if (attempt.part === 'cleanup' || outcome.kind === 'not-started' || isAbandoned(outcome)) return outcome;
  const { body, meta } = attempt.definition;
  if (typeof body === 'function' && reinterpret === undefined)
    return hasKeys ? checkKeys(meta, outcome) : outcome;
  try {
    const interpreted = interpret(attempt, outcome);
    const checked = hasKeys ? checkKeys(meta, interpreted) : interpreted;
    return reinterpret === undefined
      ? checked
      : reinterpreted(reinterpret(checked, attempt.task as Runnable));
  } catch (error) {
    return { kind: 'threw', error };
  }
}

const kinds: readonly PoolOutcome['kind'][] = [
  ...([
    'returned',
    'failed',
    'threw',
    'skipped-itself',
    'stopped',
    'crashed',
    'lost',
    'not-started',
  ] as const),
];

/** @throws PexenError PEXEN_BAD_OPTION where it is no outcome. */
function reinterpreted(outcome: unknown): PoolOutcome {
  const { kind } = (outcome ?? {}) as { readonly kind?: PoolOutcome['kind'] };
  if (kind !== undefined && kinds.includes(kind)) return outcome as PoolOutcome;
  const what =
    typeof outcome === 'object' && outcome !== null ? `one of the kind "${String(kind)}"` : String(outcome);
  throw misuse('PEXEN_BAD_OPTION', `reinterpret must return an outcome, not ${what}`);
}

function interpret(attempt: Attempt, outcome: PoolOutcome): PoolOutcome {
  const { body } = attempt.definition;
  if (typeof body === 'function' || outcome.kind !== 'returned') return outcome;
  const facts = outcome.value as ExecutableFacts;
  const { outcome: read, findings } = body.interpret(facts);
  attempt.findings = [...(attempt.findings ?? []), ...findings];
  const { ranMs, stdout, stderr, step } = outcome;
  const trusted = facts.incomplete === undefined ? read : distrust(attempt, read, facts.incomplete);
  return { ...trusted, ...defined({ ranMs, stdout, stderr, step }) };
}

/** Where evidence may be missing, nobody knows whether the program passed: it has not. What went out of control stays so. */
function distrust({ path }: Attempt, outcome: PoolOutcome, why: string): PoolOutcome {
  const hint = 'Give the program and TMPDIR more room, or have it report less, and run it again.';
  const cause = 'error' in outcome ? outcome.error : undefined;
  const message = cause === undefined ? why : `${why}; it ended with ${messageOf(cause).split('\n')[0]}`;
  const error = new PexenError([{ code: 'PEXEN_EVIDENCE_LOST', task: path, message, hint }], { cause });
  error.stack = String(error); // Where it was made says nothing about the program.
  if (outcome.kind === 'threw') return { kind: 'threw', error };
  const locksOk = outcome.kind !== 'failed' || outcome.locksOk;
  return { kind: 'failed', error, depsOk: false, locksOk };
}

/** Without the values of its keys nothing is provided: who requires them could not go on, whatever the failure says. */
function checkKeys(meta: TaskMeta, outcome: PoolOutcome): PoolOutcome {
  const { kind } = outcome;
  if ((kind !== 'returned' && kind !== 'failed') || meta.provides === undefined) return outcome;
  const unset = unsetKeys(meta, outcome.provided ?? []);
  if (unset.length === 0) return outcome;
  if (kind === 'failed') return { ...outcome, depsOk: false };
  const error = new TaskFailError(`returned without having set ${unset.join(', ')}`, { depsOk: false });
  return { kind: 'failed', error, depsOk: false, locksOk: true };
}
