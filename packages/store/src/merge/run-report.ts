/**
 * What a report needs of one run, reduced from its journal over all sessions: plain JSON, so that it can be kept in a file and be merged with
 * others. Knows nothing of other runs.
 */
import {
  type Attachment,
  type AttemptInfo,
  defined,
  type EarlierResult,
  formatReason,
  type Judgement,
  judgementOf,
  type ProviderGone,
  type ReasonLink,
  type ResultStatus,
  type TaskInfo,
  type Versions,
} from '@pexen/core';
import type { JournalEntry, JournalEvent, StoredEnd, StoredFinding, StoredSkip } from '../journal/events.ts';
import type { JournalContent } from '../journal/read-journal.ts';
import { recordsOf, type TaskRecord } from '../resume/task-record.ts';
import { countedExecutions, verdictOfExecutions, worseVerdict } from '../resume/verdicts.ts';
import { type ArchivedTask, ResultArchive } from '../run/result-archive.ts';

/** One run, as reports see it. Times are milliseconds. */
export interface RunReport {
  readonly id: string;
  /** The id of the run that this one repeats in part. */
  readonly parent?: string;
  readonly label?: string;
  /** The part of the suite that it ran. */
  readonly shard?: { readonly index: number; readonly count: number };
  /** The sorted paths of the tasks that each shard owns, shard 1 first, and their digest. */
  readonly shardPaths?: readonly (readonly string[])[];
  readonly planDigest?: string;
  readonly versions: Versions;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of all sessions together. */
  readonly durationMs: number;
  readonly sessions: number;
  /** How many events its journal had: of two copies of one run the longer one counts. */
  readonly events: number;
  /** Why tasks may have no result: it was interrupted, is still going on, or its journal is damaged. Absent for a run that has ended. */
  readonly incomplete?: string;
  readonly exitCode?: number;
  readonly poisoned: readonly string[];
  readonly lostWorkers: readonly OfWorker<'worker-lost'>[];
  /** Errors that surfaced after their bodies had ended. */
  readonly lateErrors: readonly OfWorker<'late-error'>[];
  /** In the order in which they were added. */
  readonly tasks: readonly ReportedTask[];
}

/** An event about a worker. */
type OfWorker<Type extends 'worker-lost' | 'late-error'> = EventOf<Type> & { readonly atMs: number };

/** A task of a run. */
export interface ReportedTask {
  readonly info: TaskInfo;
  /** Absent where the run ended before it had one. */
  readonly result?: ReportedResult;
}

/** The result of a task. Times count from the start of the run, without the time between its sessions. */
export interface ReportedResult {
  readonly status: ResultStatus;
  readonly judgement: Judgement;
  readonly endedAtMs: number;
  readonly durationMs: number;
  readonly attempts: readonly AttemptInfo[];
  readonly findings: readonly StoredFinding[];
  readonly attachments: readonly Attachment[];
  readonly flaky: boolean;
  readonly slow: boolean;
  /** Of a skipped task. */
  readonly reason: readonly ReasonLink[];
  readonly interruptions?: number;
  readonly earlier?: readonly EarlierResult[];
  /** For a failed task: its providers whose workers were gone by then. */
  readonly providersGone?: readonly ProviderGone[];
  /** It is not the result of the code that the run saw last. */
  readonly isStale?: true;
}

/** The report of the run whose journal was read; undefined where the journal does not say which run it is of. */
export function runReportOf({ entries, verdict, runId }: JournalContent): RunReport | undefined {
  const created = lastOf(entries, 'run-created');
  if (created === undefined || runId === undefined) return undefined;
  const { parent, label, shardPaths, planDigest, versions } = created;
  const sessions = new Sessions(entries);
  const incomplete = whyIncomplete(entries, verdict);
  const { exitCode, poisoned = [] } = lastOf(entries, 'session-ended') ?? {};
  return {
    ...defined({ id: runId, parent, label, shard: shardOf(created.shard), shardPaths, planDigest }),
    ...{ versions, startedAt: sessions.startedAt, durationMs: sessions.durationMs, sessions: sessions.count },
    ...{ events: entries.at(-1)?.seq ?? 0, poisoned, tasks: tasksOf(entries, sessions) },
    lostWorkers: ofWorkers(entries, sessions, 'worker-lost'),
    lateErrors: ofWorkers(entries, sessions, 'late-error'),
    ...defined({ incomplete, exitCode }),
  };
}

type EventOf<Type extends JournalEvent['type']> = Extract<JournalEvent, { readonly type: Type }>;

function lastOf<Type extends JournalEvent['type']>(
  entries: readonly JournalEntry[],
  type: Type,
): EventOf<Type> | undefined {
  const found = entries.findLast(({ event }) => event.type === type);
  return found?.event as EventOf<Type> | undefined;
}

function ofWorkers<Type extends 'worker-lost' | 'late-error'>(
  entries: readonly JournalEntry[],
  sessions: Sessions,
  type: Type,
): OfWorker<Type>[] {
  return entries.flatMap(({ event, session, atMs }) =>
    event.type === type ? [{ ...(event as EventOf<Type>), atMs: sessions.startMs(session) + atMs }] : [],
  );
}

function shardOf(text = ''): RunReport['shard'] {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  return index === undefined ? undefined : { index: Number(index), count: Number(count) };
}

/** Why results may be missing; undefined for a run that has ended and whose journal is whole. */
function whyIncomplete(
  entries: readonly JournalEntry[],
  verdict: JournalContent['verdict'],
): string | undefined {
  if (verdict.kind === 'damaged') return `the journal of its run is damaged: ${verdict.why}`;
  if (verdict.kind === 'power-loss') return 'its run was interrupted by a loss of power';
  if (lastOf(entries, 'run-ended') !== undefined) return undefined;
  return 'its run was interrupted, or still goes on';
}

/** The sessions of a run on one time axis, without the time between them. */
class Sessions {
  readonly startedAt: number;
  readonly #startMs = new Map<number, number>();
  #endMs = 0;

  constructor(entries: readonly JournalEntry[]) {
    this.startedAt = startOf(entries);
    let before = 0;
    for (const { session, atMs } of entries) {
      if (!this.#startMs.has(session)) {
        before = this.#endMs;
        this.#startMs.set(session, before);
      }
      this.#endMs = Math.max(this.#endMs, before + atMs);
    }
  }

  get count(): number {
    return this.#startMs.size;
  }

  get durationMs(): number {
    return this.#endMs;
  }

  /** When a session started; 0 for a session of another run. */
  startMs(session: number): number {
    return this.#startMs.get(session) ?? 0;
  }
}

function startOf(entries: readonly JournalEntry[]): number {
  for (const { event } of entries) if (event.type === 'session-started') return event.wallMs;
  return 0;
}

function tasksOf(entries: readonly JournalEntry[], sessions: Sessions): ReportedTask[] {
  const { tasks } = new ResultArchive(entries);
  const records = recordsOf(entries);
  const recalled = new Set(
    entries.flatMap(({ event }) => (event.type === 'task-recalled' ? [event.record] : [])),
  );
  return [...tasks.values()].map((task) => {
    const isOfParent = task.result !== undefined && recalled.has(task.result.record);
    const result = resultOf(task, records.tasks.get(task.info.path), isOfParent ? undefined : sessions);
    const { location } = task.result?.record ?? {};
    return { info: { ...task.info, ...(location && { location }) }, ...(result && { result }) };
  });
}

const decided: ReadonlySet<TaskRecord['state']> = new Set(['ended', 'skipped', 'cancelled']);

/** `sessions`: undefined for a result that was taken over from another run. */
function resultOf(
  { result }: ArchivedTask,
  record: TaskRecord | undefined,
  sessions: Sessions | undefined,
): ReportedResult | undefined {
  if (result === undefined || record === undefined || !decided.has(record.state)) return undefined;
  const stored = result.record;
  const startMs = sessions?.startMs(result.endedIn.session) ?? 0;
  const earlier = [...result.earlier, ...earlierOf(record)];
  const more = { ...(earlier.length > 0 && { earlier }), ...(record.isStale && { isStale: true as const }) };
  if (!('end' in stored)) return { ...skipped(stored), endedAtMs: startMs, ...more };
  const { status, end, slow = false, interruptions, providersGone } = stored;
  const attempts = result.attempts.map((attempt) => attemptInfo(attempt, startMs));
  // Earlier attempts of a service may have returned: it made way.
  const flaky = status === 'returned' && attempts.slice(0, -1).some(({ outcome }) => outcome !== 'returned');
  const judgement = stored.judgement ?? judged(status, end, flaky, attempts.length);
  return {
    ...{ status, attempts, flaky, slow, reason: [] },
    judgement: worst(judgement, verdictOfExecutions(record.executions)),
    endedAtMs: startMs + (sessions === undefined ? 0 : end.startedMs + end.ranMs),
    durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    findings: end.findings ?? [],
    attachments: result.attempts.flatMap(({ attachments = [] }) => attachments),
    ...defined({ interruptions, providersGone }),
    ...more,
  };
}

function skipped({ reason, lostWith }: StoredSkip): Omit<ReportedResult, 'endedAtMs'> {
  const facts = { findings: [], flaky: false, attempts: 0, reason: formatReason(reason), lostWith };
  return {
    ...{ status: 'skipped', judgement: judgementOf({ status: 'skipped', ...facts }), durationMs: 0 },
    ...{ attempts: [], findings: [], attachments: [], flaky: false, slow: false, reason },
  };
}

function judged(status: ResultStatus, end: StoredEnd, flaky: boolean, attempts: number): Judgement {
  const reason = status === 'failed' || status === 'threw' ? end.error?.message : end.reason;
  return judgementOf({ status, findings: end.findings ?? [], flaky, attempts, reason });
}

/** An extra execution that ended worse counts. */
function worst(judgement: Judgement, verdict = judgement.verdict): Judgement {
  const worse = worseVerdict(judgement.verdict, verdict);
  if (worse === judgement.verdict) return judgement;
  return { verdict: worse, reason: 'when it was executed another time in the same run' };
}

/** The results before the last one. */
function earlierOf({ state, executions }: TaskRecord): EarlierResult[] {
  const { counted } = countedExecutions(executions);
  const before = state === 'skipped' ? executions : executions.slice(0, -1);
  return before.map((each) => {
    const { session, outcome: status, verdict } = each;
    return { session, status, verdict, counts: counted.includes(each) };
  });
}

function attemptInfo(end: StoredEnd, startMs: number): AttemptInfo {
  const { attempt, outcome, worker = '', startedMs, ranMs, readyAfterMs } = end;
  const { error, reason, abandoned, stdout, stderr } = end;
  return defined({
    ...{ attempt, outcome, worker, startedAtMs: startMs + startedMs, durationMs: ranMs },
    ...{ readyAfterMs, error, reason, abandoned, stdout, stderr },
  });
}
