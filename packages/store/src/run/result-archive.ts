/**
 * All that a journal says of the results of each task: attempts, values, findings, files. Records (`task-record.ts`) have what decisions depend on,
 * the archive has what is given again. Knows no rule of a resume.
 */
import type { Digest, EarlierResult, TaskInfo } from '@pexen/core';
import type { FileSet } from '../identity/file-sets.ts';
import type { JournalEntry, JournalEvent, StoredEnd, StoredResult, StoredSkip } from '../journal/events.ts';

/** A session, as far as results depend on it. */
export interface ArchivedSession {
  readonly session: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** The latest result of a task. */
export interface ArchivedResult {
  readonly record: StoredResult | StoredSkip;
  /** The ends of all its attempts, the last one included. */
  readonly attempts: readonly StoredEnd[];
  readonly endedIn: ArchivedSession;
  /** Where a set-up was executed. */
  readonly node?: TaskInfo['node'];
  /** Its place in the journal. */
  readonly seq: number;
  /** Results before the journal, for a task that a rerun has kept. */
  readonly earlier: readonly EarlierResult[];
}

/** What is known of one task. */
export interface ArchivedTask {
  /** As it was added last. */
  info: TaskInfo;
  /** The place in the journal where it was added first. */
  readonly addedAt: number;
  result?: ArchivedResult;
  /** The ends of the attempts of its latest execution, and the sessions that these ended in. */
  ends: { readonly end: StoredEnd; readonly in: ArchivedSession }[];
  /** The digest of its code when it was added before its latest start. */
  addedCode?: Digest;
  files?: FileSet;
}

type EventOf<Type extends JournalEvent['type']> = Extract<JournalEvent, { readonly type: Type }>;

/** The results in a journal, by call path. */
export class ResultArchive {
  readonly tasks = new Map<string, ArchivedTask>();
  /** The tasks that were executed on nodes, by the paths of these executions. */
  readonly executed = new Map<string, string>();
  readonly #paths = new Map<number, string>();
  readonly #sets = new Map<number, FileSet>();
  #session: ArchivedSession = { session: 0, startedAt: 0 };
  #lastSet = 0;

  constructor(entries: Iterable<JournalEntry>) {
    for (const entry of entries) this.#add(entry);
  }

  /** The greatest number of a list of files. */
  get lastSet(): number {
    return this.#lastSet;
  }

  #add({ event, session, seq }: JournalEntry): void {
    // Numbers of tasks hold in one session.
    if (session !== this.#session.session) {
      this.#paths.clear();
      this.#session = { session, startedAt: 0 };
    }
    switch (event.type) {
      case 'session-started':
        this.#session = { session, startedAt: event.wallMs };
        break;
      case 'tasks-added':
        for (const info of event.tasks) {
          this.#addTask(info, seq);
          if (info.node !== undefined) this.executed.set(info.path, info.node.of);
        }
        break;
      case 'file-set':
        this.#sets.set(event.id, event.set);
        this.#lastSet = Math.max(this.#lastSet, event.id);
        break;
      case 'start-intended':
      case 'attempt-started':
        this.#start(event);
        break;
      case 'attempt-ended':
        this.#taskOf(event)?.ends.push({ end: event, in: this.#session });
        break;
      case 'task-finished':
      case 'task-skipped':
        this.#end(event, seq);
        break;
      case 'task-recalled':
        this.#recall(event, seq);
        break;
      default:
    }
  }

  #addTask(info: TaskInfo, addedAt: number): void {
    this.#paths.set(info.id, info.path);
    const known = this.tasks.get(info.path);
    if (known === undefined) this.tasks.set(info.path, { info, addedAt, ends: [] });
    else known.info = info;
  }

  /** Numbers of attempts only grow within an execution. */
  #start(event: EventOf<'start-intended' | 'attempt-started'>): void {
    const task = this.#taskOf(event);
    if (task === undefined) return;
    task.ends = task.ends.filter(({ end }) => end.attempt < event.attempt);
    const { digests } = task.info;
    if (digests !== undefined) task.addedCode = digests.code;
    delete task.files;
  }

  #end(event: EventOf<'task-finished' | 'task-skipped'>, seq: number): void {
    const task = this.#taskOf(event);
    if (task === undefined) return;
    const endedIn = this.#session;
    if (event.type === 'task-skipped') {
      // What was provided stands where it only was not provided again.
      if (event.execution?.isExtra === true && task.result !== undefined) return;
      // Where attempts have ended, the task ends as the last of them: those that are left are of an execution before.
      task.ends = [];
      task.result = { record: event, attempts: [], endedIn, seq, earlier: [] };
      return;
    }
    const before = task.ends.filter(({ end }) => end.attempt < event.attempt);
    const attempts = [...before.map((each) => inSession(each, endedIn)), event.end];
    const { node } = task.info;
    task.result = { record: event, attempts, endedIn, ...(node && { node }), seq, earlier: [] };
    const files = event.fileSet === undefined ? undefined : this.#sets.get(event.fileSet);
    if (files !== undefined) task.files = files;
  }

  #recall(
    { task: id, record, attempts = [], endedIn, earlier = [] }: EventOf<'task-recalled'>,
    seq: number,
  ): void {
    const task = this.#taskOf({ task: id });
    if (task === undefined) return;
    const all = 'end' in record ? [...attempts, record.end] : [];
    task.result = { record, attempts: all, endedIn, seq, earlier };
    const { digests } = task.info;
    if (digests !== undefined) task.addedCode = digests.code;
    const files =
      'fileSet' in record && record.fileSet !== undefined ? this.#sets.get(record.fileSet) : undefined;
    if (files !== undefined) task.files = files;
  }

  #taskOf({ task }: { readonly task: number }): ArchivedTask | undefined {
    return this.tasks.get(this.#paths.get(task) ?? '');
  }
}

/** The end with its start counted from the start of another session. */
export function inSession(
  { end, in: { startedAt } }: { readonly end: StoredEnd; readonly in: Pick<ArchivedSession, 'startedAt'> },
  other: Pick<ArchivedSession, 'startedAt'>,
): StoredEnd {
  return { ...end, startedMs: end.startedMs + startedAt - other.startedAt };
}
