/**
 * Why the tasks of a run ended as they did, from its journal: why a task was skipped, down to the task that caused it; how its attempts went, why
 * there were several, and what it left in an unknown state; why it ran again in another session, or in a rerun. Changes nothing.
 */
import {
  type EndedFacts,
  type ExplainedState,
  type ExplainedTask,
  type Explanation,
  explanationVersion,
  type TaskInfo,
} from '@pexen/core';
import type { JournalEntry, StoredResult } from '../journal/events.ts';
import { type JournalContent, readJournal } from '../journal/read-journal.ts';
import { type ReportedTask, type RunReport, runReportOf } from '../merge/run-report.ts';
import { recordsOf, type TaskRecord } from '../resume/task-record.ts';
import type { RunDescription } from '../run/recorded-run.ts';
import { ResultArchive } from '../run/result-archive.ts';
import { stateIn } from '../run/run-directories.ts';

/** The tasks of a run of the past, and why they ended as they did. */
export class RecordedExplanations {
  readonly report: RunReport;
  /** What the journal says of the run as a whole; `number` counts the runs of the folder. */
  readonly description: (RunDescription & { readonly number?: number }) | undefined;
  readonly #tasks: ReadonlyMap<string, ReportedTask>;
  readonly #records: ReadonlyMap<string, TaskRecord>;
  readonly #archive: ResultArchive;
  readonly #course: Course;
  readonly #whyOpen: string | undefined;

  /** `whyOpen`: why tasks may have no result, where that is known better than from the journal alone. */
  constructor(content: JournalContent, report: RunReport, whyOpen: string | undefined) {
    this.report = report;
    this.#whyOpen = whyOpen ?? report.incomplete;
    const created = content.entries.find(({ event }) => event.type === 'run-created')?.event;
    this.description = created?.type === 'run-created' ? created : undefined;
    this.#tasks = new Map(report.tasks.map((task) => [task.info.path, task]));
    this.#records = recordsOf(content.entries).tasks;
    this.#archive = new ResultArchive(content.entries);
    this.#course = new Course(content.entries);
  }

  /** The tasks, in the order in which they were added. */
  get tasks(): readonly TaskInfo[] {
    return this.report.tasks.map(({ info }) => info);
  }

  /** The tasks that left the resources in an unknown state that are still in it, by resource. */
  get poisoners(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const { info, result } of this.report.tasks) {
      const record = result === undefined ? undefined : this.#archive.tasks.get(info.path)?.result?.record;
      if (record === undefined || !('end' in record) || record.end.locksOk) continue;
      for (const resource of heldBy(info)) if (!found.has(resource)) found.set(resource, info.path);
    }
    return new Map(this.report.poisoned.map((resource) => [resource, found.get(resource) ?? '']));
  }

  /** Undefined for a task that the run has not had. */
  explain(path: string): Explanation | undefined {
    const task = this.#tasks.get(path);
    if (task === undefined) return undefined;
    const is = this.#stateOf(path, task);
    const steps: ExplainedTask[] = [{ path, is }];
    const cause = is.kind === 'skipped' && is.reason.length > 1 ? is.reason.at(-1)?.task : undefined;
    const origin = cause === undefined ? undefined : this.#tasks.get(cause);
    if (cause !== undefined && origin !== undefined)
      steps.push({ path: cause, is: this.#stateOf(cause, origin) });
    return { version: explanationVersion, atMs: this.report.durationMs, steps };
  }

  #stateOf(path: string, { info, result }: ReportedTask): ExplainedState {
    const record = this.#records.get(path);
    const { again, kept } = this.#course.of(path);
    if (result === undefined) return this.#withoutResult(path, record);
    const { status, judgement, attempts, interruptions } = result;
    const repeated = again.length > 0 ? { again } : {};
    if (status === 'skipped') return { kind: 'skipped', reason: result.reason, judgement, ...repeated };
    const stored = this.#archive.tasks.get(path)?.result?.record as StoredResult;
    const metBy = [...new Set(stored.metBy.flat())];
    const poisons = stored.end.locksOk ? [] : heldBy(info);
    const facts: EndedFacts = {
      ...{ judgement, attempts, ...repeated },
      ...(metBy.length > 0 && { metBy }),
      ...(poisons.length > 0 && { poisons }),
      ...(kept !== undefined && { kept }),
      ...(interruptions !== undefined && { interruptions }),
    };
    return { kind: 'ended', status, ...facts };
  }

  #withoutResult(path: string, record: TaskRecord | undefined): ExplainedState {
    const started = this.#course.startOf(path);
    const why = this.#whyOpen ?? this.#course.reason ?? 'the run ended before it';
    const isUnderWay = record !== undefined && !['none', 'skipped', 'cancelled'].includes(record.state);
    if (!isUnderWay || started === undefined)
      return { kind: 'not-started', why: this.#course.of(path).kept ?? why };
    return { kind: 'interrupted', attempt: started.attempt, worker: started.worker, why };
  }
}

function heldBy({ uses = [], claims = [] }: TaskInfo): string[] {
  return [...uses.filter(({ count }) => count === undefined).map(({ resource }) => resource), ...claims];
}

/** What the journal says of decisions about tasks, and of their latest starts. */
class Course {
  /** Why the last session ended early, if it did. */
  reason: string | undefined;
  readonly #paths = new Map<number, string>();
  readonly #decisions = new Map<string, { readonly reason: string; isStarted: boolean }[]>();
  readonly #starts = new Map<string, { readonly attempt: number; readonly worker: string }>();
  #session = 0;

  constructor(entries: readonly JournalEntry[]) {
    for (const entry of entries) this.#add(entry);
  }

  /** Why the task ran again, each time; and why its result was kept, if the last decision was that. */
  of(path: string): { readonly again: readonly string[]; readonly kept?: string } {
    const decisions = this.#decisions.get(path) ?? [];
    const again = decisions.filter(({ isStarted }) => isStarted).map(({ reason }) => reason);
    const last = decisions.at(-1);
    return { again, ...(last !== undefined && !last.isStarted && { kept: last.reason }) };
  }

  startOf(path: string): { readonly attempt: number; readonly worker: string } | undefined {
    return this.#starts.get(path);
  }

  #add({ event, session }: JournalEntry): void {
    // Numbers of tasks hold in one session.
    if (session !== this.#session) this.#paths.clear();
    this.#session = session;
    switch (event.type) {
      case 'tasks-added':
        for (const { id, path } of event.tasks) this.#paths.set(id, path);
        break;
      case 'decision': {
        const path = this.#paths.get(event.task) ?? '';
        const known = this.#decisions.get(path) ?? [];
        this.#decisions.set(path, [...known, { reason: event.reason, isStarted: false }]);
        break;
      }
      case 'attempt-started': {
        const path = this.#paths.get(event.task) ?? '';
        const last = this.#decisions.get(path)?.at(-1);
        if (last !== undefined) last.isStarted = true;
        this.#starts.set(path, { attempt: event.attempt, worker: event.worker });
        break;
      }
      case 'session-ended':
      case 'run-ended':
        this.reason = event.reason;
        break;
      default:
    }
  }
}

/** Undefined where the journal in this directory does not say which run it is of. */
export function explainRecorded(directory: string): RecordedExplanations | undefined {
  const content = readJournal(directory);
  const report = runReportOf(content);
  const state = stateIn(directory);
  const whyOpen =
    state === 'going-on' ? 'the run goes on' : state === 'resumable' ? 'the run was interrupted' : undefined;
  return report && new RecordedExplanations(content, report, whyOpen);
}
