/** The messages between a host and a worker, as two closed unions, and the checks of what a worker sends. */
import { isLoadedModules, type ReadyFacts, type TaskUpdate } from '@pexen/core';
import type { AssignmentEnvelope, OutcomeEnvelope } from '../envelope.ts';
import type { ThrownWire } from '../error-codec.ts';
import type { LateError } from '../worker/late-errors.ts';

/** To the worker. Attempts go by their numbers. */
export type ToWorker =
  /** Run this after what was sent before. */
  | {
      readonly do: 'run';
      readonly number: number;
      readonly envelope: AssignmentEnvelope;
      /** Its outcome is to carry the modules that were loaded meanwhile. */
      readonly recordsModules?: true;
    }
  | { readonly do: 'abort'; readonly number: number; readonly reason: ThrownWire }
  /** Return these, unless they have started. */
  | { readonly do: 'reclaim'; readonly numbers: readonly number[] }
  /** So many batches of updates of this attempt were received. */
  | { readonly do: 'credit'; readonly number: number; readonly batches: number }
  /** End in an orderly way; nothing is running. */
  | { readonly do: 'leave' };

/** From the worker. */
export type FromWorker =
  | { readonly is: 'ready' }
  | { readonly is: 'started'; readonly number: number }
  | { readonly is: 'service-ready'; readonly number: number; readonly facts: ReadyFacts }
  | { readonly is: 'updates'; readonly number: number; readonly updates: readonly TaskUpdate[] }
  | { readonly is: 'ended'; readonly number: number; readonly outcome: OutcomeEnvelope }
  | { readonly is: 'returned'; readonly number: number }
  /** An error of a body that had ended. The worker takes no further attempt. */
  | { readonly is: 'late'; readonly error: LateError }
  /** The worker takes no further attempt: a body that failed may go on. */
  | { readonly is: 'spoiled' };

/** True for a valid message of a worker. Bodies may forge messages, so every one is checked. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false;
  if (value.is === 'ready' || value.is === 'spoiled') return true;
  if (value.is === 'late') return isLateError(value.error);
  if (!isCount(value.number)) return false;
  switch (value.is) {
    case 'started':
    case 'returned':
      return true;
    case 'service-ready':
      return areReadyFacts(value.facts);
    case 'updates':
      return Array.isArray(value.updates) && value.updates.every(isTaskUpdate);
    case 'ended':
      return isWorkerOutcome(value.outcome);
    default:
      return false;
  }
}

/** True for a late error as a worker may report it. */
export function isLateError(value: unknown): value is LateError {
  return isRecord(value) && isTexts(value.tasks) && isThrown(value.error);
}

/** True for what a worker may report of a service that is ready. */
export function areReadyFacts(value: unknown): value is ReadyFacts {
  return isRecord(value) && areOutputs(value);
}

/** True for an outcome as a worker may report it: outcomes that only a pool can know are not among them. */
export function isWorkerOutcome(value: unknown): value is OutcomeEnvelope {
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
    case 'reboot-asked':
      return areOptional('string', value.command) && areOptional('number', value.timeoutMs);
    case 'stopped':
      return value.how === 'aborted' && (value.error === undefined || isThrown(value.error));
    default:
      return false;
  }
}

function areOptional(type: 'string' | 'number', value: unknown): boolean {
  return value === undefined || typeof value === type;
}

/** True for an update as a body may report it. */
export function isTaskUpdate(value: unknown): value is TaskUpdate {
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

function hasGoodFacts(facts: Record<string, unknown>): boolean {
  const { ranMs = 0, modules } = facts;
  if (modules !== undefined && !isLoadedModules(modules)) return false;
  return typeof ranMs === 'number' && ranMs >= 0 && areOutputs(facts);
}

/** What a task hands on: its dictionary, and the values of its keys. */
function areOutputs({ shared, provided }: Record<string, unknown>): boolean {
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

/** A list of texts. */
function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** A whole number, 0 or more. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
