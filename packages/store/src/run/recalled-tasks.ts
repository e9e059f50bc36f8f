/** What the scheduler is to do with a task, from the decision about it and from what the journal has of it. Pure functions. */
import {
  type Attachment,
  type AttemptRecord,
  defined,
  type EarlierResult,
  type Finding,
  mergeShared,
  type Outcome,
  type RecalledResult,
  type RecalledSkip,
  type RecalledStart,
  type RecalledTask,
  type SharedState,
} from '@pexen/core';
import type { StoredEnd, StoredFinding, StoredResult, StoredShared } from '../journal/events.ts';
import type { Decision } from '../resume/decision.ts';
import { type ExecutionRecord, everStarted, isDown, type TaskRecord } from '../resume/task-record.ts';
import { countedExecutions } from '../resume/verdicts.ts';
import { type ArchivedResult, type ArchivedTask, inSession } from './result-archive.ts';
import { errorOf } from './stored-errors.ts';
import { recalledValue } from './stored-values.ts';

/** Everything that is known of a task which was added. */
export interface KnownTask {
  /** Its `id` in this session. */
  readonly id: number;
  readonly decision: Decision;
  /** Absent for a new task. */
  readonly record: TaskRecord | undefined;
  readonly archived: ArchivedTask | undefined;
}

/** A task that is not new. */
type RecordedTask = KnownTask & { readonly record: TaskRecord };

/** The session for which results are recalled. */
export interface RecallingSession {
  readonly startedAt: number;
  /** In a new run, results of its parent are not earlier results of its own. */
  readonly isRerun: boolean;
}

/** The task as it is recalled; undefined where it starts from the beginning. */
export function recalledTask(known: KnownTask, session: RecallingSession): RecalledTask | undefined {
  const { decision, record, archived } = known;
  const { action } = decision;
  if (action === 'leave') return leftTask(known);
  if (action === 'drop' || action === 'list') return undefined;
  if (record === undefined) return action === 'crash' ? crashedTask(known) : undefined;
  if (action === 'adopt') return adoptedTask({ ...known, record }, session);
  if (action === 'keep') return archived?.result && keptTask({ ...known, record }, archived.result, session);
  if (action === 'finish') return finishedTask({ ...known, record }, session);
  return action === 'end'
    ? endedService({ ...known, record }, session)
    : startedTask({ ...known, record }, session);
}

/** The result of a service that ended with its session, if no task needs it any more. */
export function serviceResult({ id: task, record, archived }: RecordedTask): StoredResult {
  const last = archived?.ends.at(-1)?.end;
  const { attempt } = record;
  const end: StoredEnd =
    isDown(record) && last !== undefined
      ? { ...last, task }
      : {
          ...{ task, attempt, outcome: 'returned', locksOk: true, depsOk: true },
          ...{ startedMs: 0, ranMs: 0 },
        };
  return { task, attempt, status: end.outcome, end, shared: 'inherited', metBy: [] };
}

function endedService(known: RecordedTask, session: RecallingSession): RecalledResult {
  const { id: task, record, archived } = known;
  const { status, end } = serviceResult(known);
  const before = endsOf(archived, session).filter(({ attempt }) => attempt < end.attempt);
  return {
    ...{ kind: 'result', task, from: { session: record.session, isStale: false }, status },
    earlier: session.isRerun ? [] : earlierResults(known),
    interruptions: 0,
    attempts: [...before, end].map(attemptRecord),
    findings: (end.findings ?? []).map(findingOf),
    attachments: end.attachments ?? [],
    ...{ slow: false, provides: false, locksOk: end.locksOk, value: undefined, provided: [] },
  };
}

/** Results that the task had before the one that stands, or before it starts again; oldest first. */
export function earlierResults({ decision, record, archived }: RecordedTask): readonly EarlierResult[] {
  const isKept = decision.action === 'keep';
  const { executions } = record;
  const own = isKept && record.state !== 'skipped' ? executions.slice(0, -1) : executions;
  const isExtra = isKept ? record.execution.isExtra : decision.execution?.isExtra === true;
  const { counted } = isKept || isExtra ? countedExecutions(executions) : { counted: [] };
  return [...(archived?.result?.earlier ?? []), ...own.map((each) => earlierResult(each, counted))];
}

function earlierResult(execution: ExecutionRecord, counted: readonly ExecutionRecord[]): EarlierResult {
  const { session, outcome: status, verdict } = execution;
  return { session, status, verdict, counts: counted.includes(execution) };
}

function keptTask(
  known: RecordedTask,
  result: ArchivedResult,
  session: RecallingSession,
): RecalledResult | RecalledSkip {
  const { id: task, decision, record } = known;
  const { isStale, isOver, reason: note } = decision;
  const from = { session: result.endedIn.session, isStale, ...(isStale && { note }) };
  const earlier = session.isRerun ? [] : earlierResults(known);
  const stored = result.record;
  if (!('end' in stored)) return { kind: 'skip', task, from, earlier, reason: stored.reason };
  const shared = sharedOf(stored.shared);
  return {
    kind: 'result',
    ...{ task, from, earlier },
    status: stored.status,
    interruptions: stored.interruptions ?? 0,
    attempts: attemptRecords(result, session),
    findings: (stored.end.findings ?? []).map(findingOf),
    attachments: attachmentsOf(result),
    slow: stored.slow === true,
    provides: record.gave && !isOver,
    locksOk: stored.end.locksOk,
    value: recalledValue(stored.value),
    provided: (stored.provided ?? []).map(([position, value]) => [position, recalledValue(value)] as const),
    ...(shared !== undefined && { shared }),
  };
}

/** It is in the plan, and is not to start in this session. */
function leftTask({ id: task, decision, record }: KnownTask): RecalledSkip {
  const from = { session: record?.session ?? 0, isStale: false };
  return { kind: 'skip', task, from, earlier: [], reason: [{ task: decision.path, why: decision.reason }] };
}

/** Nothing was recorded of it, but it may have started. */
function crashedTask({ id: task, decision: { reason, cleansUp } }: KnownTask): RecalledStart {
  return {
    ...{ kind: 'start', task, earlier: [], attempts: [], interruptions: 0, cleansUp },
    ...{ hasStarted: true, crashed: reason },
  };
}

/** Its last attempt has ended, and only its result was not recorded. */
function finishedTask(known: RecordedTask, session: RecallingSession): RecalledResult {
  const { id: task, record, archived } = known;
  const attempts = endsOf(archived, session).map(attemptRecord);
  const last = archived?.ends.at(-1)?.end;
  return {
    kind: 'result',
    task,
    from: { session: record.session, isStale: false },
    earlier: earlierResults(known),
    status: last?.outcome ?? 'crashed',
    interruptions: record.interruptions,
    attempts,
    findings: (last?.findings ?? []).map(findingOf),
    attachments: last?.attachments ?? [],
    slow: false,
    provides: false,
    locksOk: last?.locksOk ?? false,
    value: undefined,
    provided: [],
  };
}

function startedTask(known: RecordedTask, session: RecallingSession): RecalledStart | undefined {
  const { id: task, decision, record, archived } = known;
  const { action, attempt = record.attempt } = decision;
  const cleansUp = decision.cleansUp && !(record.state === 'cancelled' && record.locksOk);
  const ended = action === 'again' || isNewGeneration(decision, record) ? [] : endsOf(archived, session);
  const attempts = ended.filter((end) => end.attempt < attempt).map(attemptRecord);
  const earlier = session.isRerun ? [] : earlierResults(known);
  const isFromFirst = session.isRerun || isNewGeneration(decision, record);
  const interruptions = action === 'retry' ? 0 : record.interruptions;
  const crashed = action === 'crash' ? { crashed: decision.reason } : {};
  const rebootCount = isFromFirst ? 0 : record.reboots;
  const isFromStart = attempts.length + earlier.length + interruptions + rebootCount === 0 && !cleansUp;
  const isUp = !session.isRerun && everStarted(record) && record.tornDownBy.length === 0;
  if (isFromStart && !isUp && action !== 'crash') return undefined;
  return {
    ...{ kind: 'start', task, earlier, attempts, interruptions, cleansUp },
    ...((isUp || action === 'crash') && { hasStarted: true }),
    ...(rebootCount > 0 && { rebootCount }),
    ...crashed,
    ...(record.wasUp && { endsWith: attemptRecord(serviceResult(known).end) }),
  };
}

/** Its attempt goes on as if the session before had not ended. */
function adoptedTask(known: RecordedTask, session: RecallingSession): RecalledStart | undefined {
  const { id: task, decision, record, archived } = known;
  const { left } = decision;
  if (left === undefined) return undefined;
  const ended = endsOf(archived, session).filter(({ attempt }) => attempt < left.attempt);
  return {
    ...{ kind: 'start', task, earlier: earlierResults(known), attempts: ended.map(attemptRecord) },
    interruptions: record.state === 'started' ? record.interruptions - 1 : record.interruptions,
    ...{ cleansUp: false, hasStarted: true, adopts: left },
    ...(record.reboots > 0 && { rebootCount: record.reboots }),
  };
}

function isNewGeneration({ execution }: Decision, record: TaskRecord): boolean {
  return execution !== undefined && execution.generation !== record.execution.generation;
}

function endsOf(archived: ArchivedTask | undefined, session: RecallingSession): readonly StoredEnd[] {
  return (archived?.ends ?? []).map((each) => inSession(each, session));
}

function attemptRecords(
  { attempts, endedIn }: ArchivedResult,
  session: RecallingSession,
): readonly AttemptRecord[] {
  return attempts.map((end) => attemptRecord(inSession({ end, in: endedIn }, session)));
}

/** The attempt as the scheduler knows it. */
function attemptRecord(end: StoredEnd): AttemptRecord {
  const {
    attempt,
    worker = '',
    startedMs: startedAtMs,
    ranMs: durationMs,
    readyAfterMs,
    stdout,
    stderr,
  } = end;
  const outcome = outcomeOf(end);
  return defined({ attempt, outcome, worker, startedAtMs, durationMs, readyAfterMs, stdout, stderr });
}

function outcomeOf({ outcome: kind, error, reason, depsOk, locksOk, abandoned }: StoredEnd): Outcome {
  const failed = kind === 'failed' ? { depsOk, locksOk } : undefined;
  return defined({
    kind,
    error: error === undefined ? undefined : errorOf(error, failed),
    reason,
    depsOk: failed?.depsOk,
    locksOk,
    abandoned,
  });
}

/** The finding with its data. */
export function findingOf({ data, ...finding }: StoredFinding): Finding {
  return data === undefined ? finding : { ...finding, data: recalledValue(data) };
}

function attachmentsOf({ attempts }: ArchivedResult): readonly Attachment[] {
  return attempts.flatMap(({ attachments = [] }) => attachments);
}

function sharedOf(shared: StoredShared): SharedState | undefined {
  if (shared === 'inherited') return undefined;
  return mergeShared(
    Object.fromEntries(Object.entries(shared).map(([key, value]) => [key, recalledValue(value)])),
  );
}
