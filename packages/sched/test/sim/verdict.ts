/** The table of outcomes in the semantics, section 5, once more and naively. */
import type { PoolOutcome } from '@pexen/core';
import type { ServiceSpec, TaskSpec } from './scenario.ts';
import type { End } from './shadow.ts';

/** What follows from the end of an attempt. */
export interface Verdict {
  readonly end: End;
  readonly status: string;
  /** What was used and claimed is left in an unknown state. */
  readonly poisons: boolean;
  /** The body did not report how it ended: its cleanup has to run. */
  readonly isUncontrolled: boolean;
}

export type StopCause = 'timed-out' | 'cancelled' | 'unneeded';

/** `stopped`: why the attempt had been asked to stop, if it had. */
export function verdictOf(outcome: PoolOutcome, stopped: StopCause | undefined): Verdict {
  if (stopped !== undefined && outcome.kind !== 'lost') return verdictOfStopped(outcome, stopped);
  switch (outcome.kind) {
    case 'returned':
      return { ...fine('returned', true), status: 'returned' };
    case 'skipped-itself':
      return { ...fine('skipped-itself', false), status: 'skipped-itself' };
    case 'failed': {
      const end = { how: 'failed', provides: outcome.depsOk } as const;
      return { end, status: 'failed', poisons: !outcome.locksOk, isUncontrolled: false };
    }
    case 'threw':
    case 'crashed':
      return bad(outcome.kind, true);
    case 'lost':
      return { ...bad('lost', true), isUncontrolled: false };
    default:
      throw new Error(`${outcome.kind} without having been stopped`);
  }
}

/** How a service ended. `isUp`: it was ready, and not asked to stop. */
export function verdictOfService(
  outcome: PoolOutcome,
  stopped: StopCause | undefined,
  isUp: boolean,
  { killsOnStop }: ServiceSpec,
): Verdict {
  if (stopped === 'unneeded') {
    if (isAbandoned(outcome)) return verdictOfStopped(outcome, 'cancelled');
    const isOrderly = ['returned', 'skipped-itself', 'not-started'].includes(outcome.kind);
    const isKilled = outcome.kind === 'stopped' && outcome.how === 'killed';
    if (!isOrderly && outcome.kind !== 'stopped')
      return { ...verdictOf(outcome, undefined), ...notProviding(outcome) };
    return {
      end: { how: 'returned', provides: false },
      status: 'returned',
      poisons: isKilled && !killsOnStop,
      isUncontrolled: false,
    };
  }
  const isEarly = outcome.kind === 'returned' || (isUp && outcome.kind === 'skipped-itself');
  if (stopped === undefined && isEarly)
    return {
      end: { how: 'failed', provides: false },
      status: 'failed',
      poisons: false,
      isUncontrolled: false,
    };
  return { ...verdictOf(outcome, stopped), ...notProviding(outcome, stopped) };
}

/** A service provides only while it is up. */
function notProviding(outcome: PoolOutcome, stopped?: StopCause): Pick<Verdict, 'end'> {
  const { end } = verdictOf(outcome, stopped);
  return { end: { ...end, provides: false } };
}

function verdictOfStopped(outcome: PoolOutcome, status: StopCause): Verdict {
  const how = status === 'cancelled' ? 'cancelled' : 'bad';
  if (isAbandoned(outcome))
    return { end: { how, provides: false }, status, poisons: false, isUncontrolled: false };
  const poisons = poisonsThoughStopped(outcome);
  return { end: { how, provides: false }, status, poisons, isUncontrolled: poisons };
}

/** Its body may still run: nothing runs beside it, and what it holds stays taken. */
export function isAbandoned(outcome: PoolOutcome): boolean {
  return outcome.kind === 'stopped' && outcome.how === 'abandoned';
}

function fine(how: End['how'], provides: boolean): Omit<Verdict, 'status'> {
  return { end: { how, provides }, poisons: false, isUncontrolled: false };
}

function bad(status: string, poisons: boolean): Verdict {
  return { end: { how: 'bad', provides: false }, status, poisons, isUncontrolled: poisons };
}

/** It ended by itself in an orderly way, or it did not. */
function poisonsThoughStopped(outcome: PoolOutcome): boolean {
  switch (outcome.kind) {
    case 'returned':
    case 'skipped-itself':
      return false;
    case 'stopped':
      return outcome.how === 'killed';
    case 'failed':
      return !outcome.locksOk;
    default:
      return true;
  }
}

/** Does the task get another attempt after `attempts`, the last of which ended so? */
export function hasRetry({ retries, rerunnable }: TaskSpec, attempts: number, status: string): boolean {
  const isLeft = attempts <= retries;
  switch (status) {
    case 'failed':
    case 'threw':
    case 'timed-out':
    case 'crashed':
      return isLeft;
    case 'lost':
      return rerunnable && attempts < 3;
    default:
      return false;
  }
}

/** How long it waits for that attempt, ms. */
export function retryDelayMs({ delay }: TaskSpec, attempts: number): number {
  return Math.min(30_000, delay * 2 ** (attempts - 1));
}
