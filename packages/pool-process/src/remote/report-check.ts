/** Checks of what a remote slot reports: it may be on a machine that is not trusted with more than its own results. */
import { areReadyFacts, isLateError, isTaskUpdate, isWorkerOutcome } from '@pexen/pool-kit';
import type { RemoteReport } from './messages.ts';
import { chunkBytes } from './output-sender.ts';

/** True for a valid report of a remote slot. */
export function isRemoteReport(value: unknown): value is RemoteReport {
  if (!isRecord(value) || typeof value.is !== 'string' || !Object.hasOwn(checks, value.is)) return false;
  return checks[value.is as RemoteReport['is']](value);
}

const checks: Readonly<Record<RemoteReport['is'], (report: Record<string, unknown>) => boolean>> = {
  started: ({ id, worker }) => isCount(id) && typeof worker === 'string',
  'service-ready': ({ id, facts }) => isCount(id) && areReadyFacts(facts),
  updates: ({ id, updates }) => isCount(id) && Array.isArray(updates) && updates.every(isTaskUpdate),
  output: ({ id, stream, at, bytes, isLast }) =>
    isCount(id) &&
    (stream === 'stdout' || stream === 'stderr') &&
    isCount(at) &&
    bytes instanceof Uint8Array &&
    bytes.length <= chunkBytes &&
    typeof isLast === 'boolean',
  ended: ({ id, outcome, startedBy = '' }) =>
    isCount(id) && isOutcome(outcome) && typeof startedBy === 'string',
  lost: isEndOfWorker,
  gone: isEndOfWorker,
  late: ({ worker, error }) => typeof worker === 'string' && isLateError(error),
};

function isEndOfWorker({ worker, reason }: Record<string, unknown>): boolean {
  return typeof worker === 'string' && typeof reason === 'string';
}

/** The outcomes of a worker, and those of the pool that the slot uses. */
function isOutcome(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { kind, how, reason, step, locksOk, stdout, stderr } = value;
  if (step !== undefined && typeof step !== 'string') return false;
  if (locksOk !== undefined && typeof locksOk !== 'boolean') return false;
  if (!isOutput(stdout) || !isOutput(stderr)) return false;
  switch (kind) {
    case 'crashed':
    case 'not-started':
      return typeof reason === 'string' && isWorkerOutcome({ ...value, kind: 'returned' });
    case 'stopped':
      return hows.has(how) && isWorkerOutcome({ ...value, how: 'aborted' });
    default:
      return isWorkerOutcome(value);
  }
}

const hows: ReadonlySet<unknown> = new Set(['aborted', 'killed', 'abandoned']);

/** What was printed. A file would be one of the host, which a remote slot cannot name. */
function isOutput(value: unknown): boolean {
  if (value === undefined) return true;
  if (!isRecord(value) || value.file !== undefined) return false;
  const { head, tail, totalBytes, besidesFindings = '' } = value;
  return [head, tail, besidesFindings].every((text) => typeof text === 'string') && isCount(totalBytes);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
