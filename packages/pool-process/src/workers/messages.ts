/**
 * The messages between the host and a worker process, as two closed unions, and the check of a worker's messages: bodies
 * may forge them.
 */
import type { ReadyFacts, TaskUpdate } from '@pexen/core';
import {
  type AssignmentEnvelope,
  areReadyFacts,
  type BodyAddress,
  isLateError,
  isTaskUpdate,
  isWorkerOutcome,
  type OutcomeEnvelope,
  type ThrownWire,
} from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';

/** To the worker. `id` is the number of an attempt in this worker. */
export type ToWorker =
  /** Run this after what was sent before. An address is sent once and then referred to by its number. */
  | {
      readonly do: 'run';
      readonly id: number;
      readonly at: number;
      readonly address?: BodyAddress;
      readonly envelope: Omit<AssignmentEnvelope, 'address'>;
    }
  | { readonly do: 'abort'; readonly id: number; readonly reason: ThrownWire }
  /** Outcomes are to carry the modules that are loaded from now on. */
  | { readonly do: 'record-modules' }
  /** Return this attempt, unless it has started. */
  | { readonly do: 'reclaim'; readonly id: number }
  /** So many batches of updates were received. */
  | { readonly do: 'credit'; readonly id: number; readonly batches: number }
  /** End in an orderly way; nothing is running. */
  | { readonly do: 'leave' };

/** From the worker. */
export type FromWorker =
  | { readonly is: 'ready' }
  /** May come after the host has read the start marker. */
  | { readonly is: 'started'; readonly id: number }
  | { readonly is: 'service-ready'; readonly id: number; readonly facts: ReadyFacts }
  | { readonly is: 'updates'; readonly id: number; readonly updates: readonly TaskUpdate[] }
  | Ended
  | { readonly is: 'returned'; readonly id: number }
  /** An error of a body that had ended. The worker takes no further attempt. */
  | { readonly is: 'late'; readonly error: LateError }
  /** It takes no further attempt: a body that failed may go on. */
  | { readonly is: 'spoiled' }
  /** The process is about to die of an uncaught error. */
  | { readonly is: 'dying'; readonly why: string };

export interface Ended {
  readonly is: 'ended';
  readonly id: number;
  readonly outcome: OutcomeEnvelope;
  /** Sizes of the files that catch stdout and stderr. */
  readonly out: number;
  readonly err: number;
  /** Kinds of handles that were not open when it started. */
  readonly left?: readonly string[];
  /** The attempt that starts at the same moment. */
  readonly next?: number;
}

/** True for a valid message of a worker. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false;
  switch (value.is) {
    case 'ready':
    case 'spoiled':
      return true;
    case 'late':
      return isLateError(value.error);
    case 'started':
    case 'returned':
      return isCount(value.id);
    case 'service-ready':
      return isCount(value.id) && areReadyFacts(value.facts);
    case 'dying':
      return typeof value.why === 'string';
    case 'updates':
      return isCount(value.id) && Array.isArray(value.updates) && value.updates.every(isTaskUpdate);
    case 'ended':
      return isEnded(value);
    default:
      return false;
  }
}

function isEnded({ id, out, err, left, next, outcome }: Record<string, unknown>): boolean {
  return (
    [id, out, err].every(isCount) &&
    (left === undefined || isTexts(left)) &&
    (next === undefined || isCount(next)) &&
    isWorkerOutcome(outcome)
  );
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
