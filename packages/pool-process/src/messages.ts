/**
 * What we and a worker process say to each other, as two closed unions, and the check that a message is one of them: what
 * a worker says may be forged by the body it runs.
 */
import type { News } from '@pexen/core';
import type { AssignmentEnvelope, BodyAddress, OutcomeEnvelope, ThrownWire } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';

/** To the worker. `id` is the number of an attempt in this worker. */
export type ToWorker =
  /** Run this after what was sent before. An address is sent once and then spoken of by its number. */
  | {
      readonly do: 'run';
      readonly id: number;
      readonly at: number;
      readonly address?: BodyAddress;
      readonly envelope: Omit<AssignmentEnvelope, 'address'>;
    }
  | { readonly do: 'abort'; readonly id: number; readonly reason: ThrownWire }
  /** Give this back, unless it has begun. */
  | { readonly do: 'recall'; readonly id: number }
  /** So many batches of news were taken. */
  | { readonly do: 'credit'; readonly id: number; readonly batches: number }
  /** End in an orderly way; nothing is running. */
  | { readonly do: 'leave' };

/** From the worker. */
export type FromWorker =
  | { readonly is: 'ready' }
  /** May come after the host has seen its mark. */
  | { readonly is: 'started'; readonly id: number }
  | { readonly is: 'news'; readonly id: number; readonly news: readonly News[] }
  | Ended
  | { readonly is: 'recalled'; readonly id: number }
  /** An error of a body that had ended. The worker takes no further attempt. */
  | { readonly is: 'late'; readonly error: LateError }
  /** It takes no further attempt: a body that failed may go on. */
  | { readonly is: 'spoiled' }
  /** The process is about to die of an error that nobody caught. */
  | { readonly is: 'dying'; readonly why: string };

export interface Ended {
  readonly is: 'ended';
  readonly id: number;
  readonly outcome: OutcomeEnvelope;
  /** Sizes of the files that catch stdout and stderr. */
  readonly out: number;
  readonly err: number;
  /** Kinds of handles that were not open when it began. */
  readonly left?: readonly string[];
  /** The attempt that begins at the same moment. */
  readonly next?: number;
}

/** True for a message that a worker may send, whatever its author had in mind. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false;
  switch (value.is) {
    case 'ready':
    case 'spoiled':
      return true;
    case 'late':
      return isRecord(value.error) && isTexts(value.error.tasks) && isThrown(value.error.error);
    case 'started':
    case 'recalled':
      return isCount(value.id);
    case 'dying':
      return typeof value.why === 'string';
    case 'news':
      return isCount(value.id) && Array.isArray(value.news) && value.news.every(isNews);
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
    isOutcome(outcome)
  );
}

/** True for an outcome as a worker may report it: what only a pool can know is not among them. */
function isOutcome(value: unknown): value is OutcomeEnvelope {
  if (!isRecord(value) || !hasGoodFacts(value)) return false;
  switch (value.kind) {
    case 'returned':
      return true;
    case 'failed':
      return isThrown(value.error) && typeof value.depsOk === 'boolean' && typeof value.locksOk === 'boolean';
    case 'threw':
      return isThrown(value.error);
    case 'skipped-itself':
      return typeof value.reason === 'string';
    case 'stopped':
      return value.how === 'aborted' && (value.error === undefined || isThrown(value.error));
    default:
      return false;
  }
}

function hasGoodFacts({ ranMs = 0, shared, provided }: Record<string, unknown>): boolean {
  if (typeof ranMs !== 'number' || !(ranMs >= 0)) return false;
  if (shared !== undefined && !isRecord(shared)) return false;
  return (
    provided === undefined ||
    (Array.isArray(provided) && provided.every((pair) => Array.isArray(pair) && isCount(pair[0])))
  );
}

function isThrown(value: unknown): value is ThrownWire {
  if (!isRecord(value)) return false;
  return 'error' in value ? isErrorWire(value.error) : 'value' in value;
}

function isErrorWire(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, message, stack, own, cause, errors, fail, problems } = value;
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    (stack === undefined || typeof stack === 'string') &&
    (own === undefined || isRecord(own)) &&
    (cause === undefined || isThrown(cause)) &&
    (errors === undefined || (Array.isArray(errors) && errors.every(isThrown))) &&
    (fail === undefined || isRecord(fail)) &&
    (problems === undefined || (Array.isArray(problems) && problems.every(isProblem)))
  );
}

function isProblem(value: unknown): boolean {
  return isRecord(value) && typeof value.code === 'string' && typeof value.message === 'string';
}

function isNews(value: unknown): value is News {
  if (!isRecord(value)) return false;
  switch (value.kind) {
    case 'output':
      return (value.stream === 'stdout' || value.stream === 'stderr') && typeof value.text === 'string';
    case 'progress':
      return isRecord(value.progress) && typeof value.progress.done === 'number';
    case 'finding':
      return (
        isRecord(value.finding) &&
        typeof value.finding.name === 'string' &&
        statuses.has(value.finding.status)
      );
    case 'attachment':
      return isRecord(value.attachment) && typeof value.attachment.name === 'string';
    case 'log':
      return typeof value.message === 'string';
    default:
      return value.kind === 'heartbeat';
  }
}

const statuses: ReadonlySet<unknown> = new Set(['pass', 'fail', 'warn', 'skip', 'todo', 'info']);

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
