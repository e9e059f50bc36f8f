/** Names how an attempt ended, says what that means for others, and whether there is another. Pure rules, no state. */
import type { Outcome, PoolOutcome, ResultStatus } from '@pexen/core';
import type { Rules } from '../plan/rules.ts';
import { TIMED_OUT } from './task-table.ts';

/** Statuses as the table keeps them. */
export const STATUSES: readonly ResultStatus[] = [
  'skipped',
  'returned',
  'failed',
  'threw',
  'skipped-itself',
  'timed-out',
  'cancelled',
  'crashed',
  'lost',
];

/** An attempt that crashed or was lost is made again at most until there were so many. */
const mostReruns = 3;

const returned: Outcome = Object.freeze({ kind: 'returned', locksOk: true });

/**
 * The name of the outcome. `stop` is why the machine stopped the attempt, if it did: what comes after a signal is never called
 * returned. `not-started` has no name, it is no attempt.
 */
export function nameOutcome(outcome: PoolOutcome, stop: number, reason: string): Outcome {
  if (stop !== 0 && outcome.kind !== 'lost') return nameStopped(outcome, stop, reason);
  switch (outcome.kind) {
    case 'returned':
      return returned;
    case 'failed': {
      const { error, depsOk, locksOk } = outcome;
      return { kind: 'failed', error, depsOk, locksOk, ...cleanupAfter(outcome) };
    }
    case 'threw':
      return { kind: 'threw', error: outcome.error, locksOk: outcome.locksOk ?? false };
    case 'skipped-itself':
      return { kind: 'skipped-itself', reason: outcome.reason, locksOk: true };
    case 'stopped':
      return {
        kind: 'crashed',
        reason: `was ${outcome.how} by the pool without a stop request`,
        locksOk: false,
        ...(isAbandoned(outcome) && { abandoned: true }),
      };
    case 'crashed':
    case 'lost':
    case 'not-started':
      return {
        kind: outcome.kind === 'lost' ? 'lost' : 'crashed',
        reason: outcome.reason,
        locksOk: false,
      };
    default:
      return outcome satisfies never;
  }
}

function nameStopped(outcome: PoolOutcome, stop: number, reason: string): Outcome {
  const kind = stop === TIMED_OUT ? 'timed-out' : 'cancelled';
  if (isAbandoned(outcome))
    return {
      kind,
      reason: `${reason}; its body did not end and was abandoned`,
      locksOk: false,
      abandoned: true,
    };
  const { error } = outcome as { readonly error?: unknown };
  const locksOk = endedItself(outcome);
  const told = outcome.step === undefined ? reason : `${reason}; ${outcome.step}`;
  return { kind, reason: told, locksOk, ...(error !== undefined && { error }), ...cleanupAfter(outcome) };
}

function cleanupAfter(outcome: PoolOutcome): Pick<Outcome, 'wantsCleanup'> {
  return outcome.kind === 'failed' && outcome.wantsCleanup === true ? { wantsCleanup: true } : {};
}

/** The body may still run. */
export function isAbandoned(outcome: PoolOutcome): boolean {
  return outcome.kind === 'stopped' && outcome.how === 'abandoned';
}

/** After a signal: did the body end in an orderly way? */
function endedItself(outcome: PoolOutcome): boolean {
  if (outcome.kind === 'failed') return outcome.locksOk;
  if (outcome.kind === 'threw') return outcome.locksOk ?? false;
  if (outcome.kind === 'stopped') return outcome.how === 'aborted';
  return ['returned', 'skipped-itself', 'not-started'].includes(outcome.kind);
}

/** Does what the task provides count as given? */
export function gives(outcome: Outcome): boolean {
  return outcome.kind === 'returned' || (outcome.kind === 'failed' && outcome.depsOk === true);
}

const harmless: ReadonlySet<ResultStatus> = new Set(['skipped', 'skipped-itself', 'cancelled']);

/** Is that an end for which salvages are there? */
export function isBad(status: ResultStatus): boolean {
  return status !== 'returned' && !harmless.has(status);
}

/** Does the cleanup of the metadata run after it? Not where the body itself took care of how it ended, nor beside a body that still runs. */
export function wantsCleanup({ kind, locksOk, abandoned, wantsCleanup = false }: Outcome): boolean {
  if (abandoned) return false;
  return wantsCleanup || (!locksOk && kind !== 'failed' && kind !== 'lost');
}

/** May there be another attempt after this one, its number being `attempt`? */
export function mayRetry(
  { kind, abandoned }: Outcome,
  attempt: number,
  { retries, rerunnable }: Rules,
): boolean {
  if (abandoned) return false; // two bodies would hold the same
  switch (kind) {
    case 'failed':
    case 'threw':
    case 'timed-out':
    case 'crashed':
      return attempt <= retries.count;
    case 'lost':
      return rerunnable && attempt < mostReruns;
    default:
      return false;
  }
}

/** How long to wait before the next attempt, ms. The same task and attempt always wait the same. */
export function retryDelay({ retries }: Rules, task: number, attempt: number): number {
  const { delay, factor, maxDelay, jitter } = retries;
  const full = Math.min(maxDelay, delay * factor ** (attempt - 1));
  return full * (1 - jitter * chance(task, attempt));
}

/** A number from 0 up to 1 out of the two. */
function chance(task: number, attempt: number): number {
  let hash = Math.imul(task + 1, 0x9e3779b1) ^ Math.imul(attempt, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000;
}
