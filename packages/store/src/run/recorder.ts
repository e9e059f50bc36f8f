/**
 * The journal of one session as the scheduler uses it: turns run events into events of the journal, and recalls what earlier sessions have recorded.
 * Knows nothing of files; see `open-run.ts`.
 */
import {
  type Attachment,
  type AttemptEnded,
  type AttemptInfo,
  type CapturedOutput,
  type Clock,
  defined,
  type EndFacts,
  type Finding,
  type FinishFacts,
  isBad,
  type LeftAttempt,
  type Problem,
  problem,
  type Recall,
  type RunEnded,
  type RunEvent,
  type RunJournal,
  type SourceLocation,
  type TaskFinished,
  type TaskInfo,
  type TaskOrigin,
  type TaskSkipped,
  type TaskStarted,
  type TaskUpdateEvent,
} from '@pexen/core';
import type { FileSet } from '../identity/file-sets.ts';
import type { JournalEvent, StoredEnd } from '../journal/events.ts';
import type { Journal, JournalTrouble } from '../journal/journal.ts';
import { type Decision, leavesTasks } from '../resume/decision.ts';
import { type Execution, RecordReducer, type TaskRecord } from '../resume/task-record.ts';
import { isBadRecord } from '../resume/verdicts.ts';
import type { CodeFiles } from './code-files.ts';
import { EarlierSessions, type EarlierSessionsOptions } from './earlier-sessions.ts';
import { mostReboots, type PendingReboot, pendingReboot, type RebootRequest } from './reboot.ts';
import { earlierResults, type KnownTask, serviceResult } from './recalled-tasks.ts';
import type { SessionEnding } from './recorded-run.ts';
import { Release } from './release.ts';
import { Secrets } from './secrets.ts';
import { type LostValue, storedEnd, storedInfo, storedResult } from './stored-events.ts';

/** What a recorder works with. */
export interface RecorderOptions extends EarlierSessionsOptions {
  /** Open for this session. */
  readonly journal: Journal;
  /** What is recorded first: that the session has started. */
  readonly opening: readonly JournalEvent[];
  readonly clock: Clock;
  readonly codeFiles?: CodeFiles | undefined;
  readonly secrets?: readonly RegExp[] | undefined;
  /** Is it recorded where tasks were made that did not end badly? */
  readonly locations?: boolean | undefined;
  readonly outputFileOf?:
    | ((path: string, attempt: number, stream: 'stdout' | 'stderr') => string | undefined)
    | undefined;
  readonly onWarning?: ((warning: Problem) => void) | undefined;
  /** Called once, when recording fails. */
  readonly onRecordingFailed?: ((problem: Problem) => void) | undefined;
}

/** What each step of a reboot is recorded with. */
interface RebootStep {
  readonly task: number;
  readonly attempt: number;
  readonly count: number;
  /** The boot in which it was asked for. */
  readonly mark: string;
}

/** A task of this session. */
interface SessionTask {
  readonly path: string;
  /** Until it has a result. */
  info: TaskInfo | undefined;
  /** What events of the task belong to, where it is not its first execution. */
  readonly execution: Execution | undefined;
  /** How often the attempt that starts next was interrupted. */
  interruptions: number;
  /** It was interrupted, and has not started yet. */
  isDue: boolean;
  /** The number of the last attempt whose end is recorded. */
  recordedAttempt: number;
  /** The attempt that the reports below are of. They may come before its start does. */
  reportedAttempt: number;
  findings: Finding[];
  attachments: Attachment[];
}

export class RunRecorder implements RunJournal {
  readonly #options: RecorderOptions;
  readonly #journal: Journal;
  readonly #earlier: EarlierSessions;
  readonly #release: Release;
  readonly #secrets: Secrets;
  /** The records as they are now. */
  readonly #records = new RecordReducer();
  readonly #tasks = new Map<number, SessionTask>();
  readonly #paths = new Set<string>();
  /** The numbers of lists of files, by their content. */
  readonly #sets = new Map<FileSet, number>();
  #lastSet: number;
  readonly #openedMs: number;
  /** When the run started, counted from the start of the session; known from its first event on. */
  #offsetMs: number | undefined;
  #hasFailed = false;
  #hasRecalled = false;
  #refusal: string | undefined;
  /** Tasks that did not start since that could not be recorded: for later sessions they have not started. */
  readonly #refused = new Set<number>();
  #ended: RunEnded | undefined;

  /** The request for a reboot that this session ends with. */
  #reboot: RebootStep | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#earlier = new EarlierSessions(options);
    this.#secrets = new Secrets(options.secrets);
    const isRerun = options.mode.kind === 'rerun';
    this.#lastSet = isRerun ? 0 : this.#earlier.archive.lastSet;
    if (!isRerun) for (const { event, session } of options.entries) this.#records.handle(event, session);
    this.#release = new Release(this.#journal, () => this.#refuse());
    this.#watchTrouble();
    this.#openedMs = options.clock.now();
    for (const event of options.opening) this.#record(this.#secrets.masked(event));
  }

  get session(): number {
    return this.#journal.session;
  }

  added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Recall {
    this.#record({ type: 'tasks-added', origin, tasks: tasks.map(storedInfo) });
    const known = this.#earlier.add(tasks);
    for (const info of tasks) {
      this.#addTask(info);
      const returned = this.#earlier.takeReturned(info.path);
      if (returned !== undefined) this.unstarted(info.id, returned);
    }
    for (const task of known.tasks) this.#addKnown(task);
    this.#hasRecalled ||= known.recall.tasks.some(({ kind }) => kind !== 'start');
    return known.recall;
  }

  /** Also while results are recalled: the loop over them may add tasks that were not recorded before the run was cut. */
  get expectsMore(): boolean {
    return this.#hasRecalled || this.#earlier.expectsMore;
  }

  recallRest(): Recall {
    return this.#earlier.recallRest();
  }

  append(event: RunEvent, facts?: EndFacts | FinishFacts): number {
    if ('task' in event && event.task === this.#reboot?.task) return this.#journal.lastSeq;
    this.#offsetMs ??= this.#options.clock.now() - this.#openedMs - event.atMs;
    switch (event.type) {
      case 'task-started':
        this.#started(event);
        break;
      case 'attempt-ended':
        this.#attemptEnded(event, facts as EndFacts);
        break;
      case 'task-finished':
        this.#finished(event, facts as FinishFacts);
        break;
      case 'task-skipped':
        this.#skipped(event);
        break;
      case 'worker-lost': {
        const { type, pool, worker, reason } = event;
        this.#record({ type, pool, worker, reason: this.#secrets.masked(reason) });
        break;
      }
      case 'late-error': {
        const { type, pool, worker, tasks, error } = event;
        this.#record({ type, pool, worker, tasks, error: this.#secrets.masked(error) });
        break;
      }
      case 'service-ready': {
        // Its values end with the session, and nothing that starts in a later one gets them.
        this.#record({ type: 'provided', task: event.task, attempt: event.attempt, values: [] });
        break;
      }
      case 'run-ended':
        this.#ended = event;
        break;
      case 'run-started':
      case 'tasks-added':
      case 'service-stopping':
        break;
      default:
        event satisfies never;
    }
    return this.#journal.lastSeq;
  }

  attached({ task, attempt, update }: TaskUpdateEvent): void {
    const known = this.#tasks.get(task);
    if (known !== undefined && known.reportedAttempt !== attempt) {
      known.reportedAttempt = attempt;
      known.findings = [];
      known.attachments = [];
    }
    if (update.kind === 'attachment') known?.attachments.push(update.attachment);
    if (update.kind === 'finding') known?.findings.push(update.finding);
  }

  intend(task: number, attempt: number): number {
    const execution = this.#tasks.get(task)?.execution;
    const seq = this.#record({ type: 'start-intended', task, attempt, ...(execution && { execution }) });
    this.#release.intend(seq);
    return seq;
  }

  unstarted(task: number, attempt: number): void {
    if (this.#refusal !== undefined) this.#refused.add(task);
    this.#record({ type: 'start-returned', task, attempt });
  }

  get earlierPlaces(): readonly string[] | 'unknown' {
    return this.#earlier.places;
  }

  found(left: readonly LeftAttempt[]): void {
    this.#earlier.found(left);
  }

  joined(place: string): number {
    return this.#record({ type: 'place-joined', place });
  }

  parted(place: string): void {
    this.#record({ type: 'place-parted', place });
  }

  get recorded(): number {
    return this.#release.value;
  }

  onRecorded(listener: () => void): () => void {
    return this.#release.onChange(listener);
  }

  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Records that the session, and maybe the run, has ended. */
  end({ exitCode, isResumable, reason = this.#ended?.reason }: SessionEnding): void {
    const { counts = {}, poisoned = [] } = this.#ended ?? {};
    const totals = { exitCode, counts, poisoned, ...(reason !== undefined && { reason }) };
    this.#record({ type: 'session-ended', ...totals });
    if (!isResumable) this.#record({ type: 'run-ended', ...totals });
  }

  /** A request of an earlier session that is still to be carried out. */
  get pendingReboot(): PendingReboot | undefined {
    const { entries, boot } = this.#options;
    return pendingReboot(entries, this.#earlier.records.tasks, boot);
  }

  /**
   * Records that the running attempt of the task asks for a reboot: nothing more is recorded of it in this session. Returns which reboot of the task
   * it is, from 1; undefined where it has asked too often.
   */
  askReboot(path: string, request: RebootRequest): number | undefined {
    const record = this.#records.records.get(path);
    const task = [...this.#tasks].find(([, known]) => known.path === path)?.[0];
    if (record === undefined || task === undefined || record.reboots >= mostReboots) return undefined;
    const count = record.reboots + 1;
    this.#reboot = { task, attempt: record.attempt, count, mark: this.#options.boot ?? '' };
    this.#record({ type: 'reboot-asked', ...this.#reboot, ...request });
    return count;
  }

  /** Records that the reboot is ordered. Resolves when this and everything before is on the disk. */
  async issueReboot(): Promise<void> {
    const seq = this.#record({ type: 'reboot-issued', ...this.#rebootNow() });
    if (this.#journal.committedSeq >= seq || this.#journal.state !== 'recording') return;
    await new Promise<void>((resolve) => {
      const stop = this.#journal.onRecorded(() => {
        if (this.#journal.committedSeq < seq) return;
        stop();
        resolve();
      });
    });
  }

  /** Records that the machine did not reboot: the attempt counts as interrupted. */
  failReboot(reason: string): void {
    this.#record({ type: 'reboot-failed', ...this.#rebootNow(), reason });
  }

  #rebootNow(): RebootStep {
    const { attempt = 1, count = 1 } = this.pendingReboot ?? {};
    return this.#reboot ?? { task: -1, attempt, count, mark: this.#options.boot ?? '' };
  }

  get decisions(): readonly Decision[] {
    return this.#earlier.decisions;
  }

  /** True where tasks that were added are left for a later session. */
  get leavesTasks(): boolean {
    return leavesTasks(this.decisions.filter(({ path }) => this.#paths.has(path)));
  }

  /** Call paths of the tasks whose latest result is bad, cancelled, stale or missing. */
  get outstanding(): readonly string[] {
    const records = [...this.#records.records.values()];
    return records.filter((record) => this.#isOutstanding(record)).map(({ path }) => path);
  }

  // ── Tasks ──

  #addTask(info: TaskInfo): void {
    const { id, path } = info;
    this.#paths.add(path);
    this.#tasks.set(id, {
      ...{ path, info, execution: undefined, interruptions: 0, isDue: false, recordedAttempt: 0 },
      ...{ reportedAttempt: 0, findings: [], attachments: [] },
    });
  }

  #addKnown(known: KnownTask): void {
    const { id, decision, record } = known;
    const { path, action, execution, cleansUp, row, reason } = decision;
    const isRerun = this.#options.mode.kind === 'rerun';
    const isRecorded = record !== undefined && !isRerun;
    this.#tasks.set(id, {
      path,
      info: this.#tasks.get(id)?.info,
      execution: isRecorded ? (execution ?? record.execution) : undefined,
      interruptions: record?.interruptions ?? 0,
      isDue: cleansUp && action !== 'skip',
      ...{ recordedAttempt: 0, reportedAttempt: 0, findings: [], attachments: [] },
    });
    if (row !== lastRow && row !== rowOfNew) this.#record({ type: 'decision', task: id, row, reason });
    if (action === 'end' && record !== undefined) this.#endService({ ...known, record });
    if (isRerun && record !== undefined) this.#takeOver({ ...known, record });
  }

  /** A service that was up ended with its session. Recorded, so that it has a result in every later session. */
  #endService(known: KnownTask & { readonly record: TaskRecord }): void {
    this.#record({ type: 'task-finished', ...serviceResult(known) });
  }

  /** A rerun records what it keeps of its parent, and which attempts were interrupted there. */
  #takeOver(known: KnownTask & { readonly record: TaskRecord }): void {
    const { id: task, decision, record, archived } = known;
    const result = archived?.result;
    if (decision.action === 'keep' && result !== undefined) {
      const { fileSet: _fileSet, ...stored } = { fileSet: 0, ...result.record };
      const files = archived?.files === undefined ? {} : { fileSet: this.#fileSet(archived.files) };
      const attempts = result.attempts.slice(0, -1);
      const earlier = earlierResults(known);
      this.#record({
        type: 'task-recalled',
        task,
        record: 'end' in stored ? { ...stored, ...files, task } : { ...stored, task },
        ...(attempts.length > 0 && { attempts }),
        endedIn: result.endedIn,
        ...(earlier.length > 0 && { earlier }),
        ...(decision.isStale && { isStale: true as const }),
        ...(record.mark !== undefined && { boot: record.mark }),
      });
    } else if (decision.cleansUp && this.#isRerunnable(known))
      this.#record({ type: 'attempt-started', task, attempt: 1, part: 'body', worker: '' });
  }

  #isRerunnable({ archived }: KnownTask): boolean {
    return archived?.info.rerunnable !== false;
  }

  // ── Events ──

  #started({ task, attempt, worker, adoptedFrom: from }: TaskStarted): void {
    const known = this.#tasks.get(task);
    const { execution, interruptions = 0 } = known ?? {};
    if (from !== undefined) this.#record({ type: 'attempt-adopted', task, attempt, from, worker });
    else
      this.#record({
        ...{ type: 'attempt-started', task, attempt, part: 'body', worker },
        ...(execution && { execution }),
        ...(interruptions > 0 && { interruptions }),
      });
    if (known === undefined) return;
    known.interruptions = 0;
    known.isDue = false;
  }

  /** The end of the last attempt is recorded with the result. */
  #attemptEnded({ task, attempt, retryInMs, startsAgain }: AttemptEnded, facts: EndFacts): void {
    if (startsAgain === true) this.#recordEnd(task, attempt, facts, { startsAgain });
    else if (retryInMs !== undefined) this.#recordEnd(task, attempt, facts, { retryInMs });
  }

  #recordEnd(
    task: number,
    attempt: AttemptInfo,
    facts: EndFacts,
    next: Pick<StoredEnd, 'retryInMs' | 'startsAgain'>,
    findings?: readonly Finding[],
  ): void {
    this.#record({ type: 'attempt-ended', ...this.#storedEnd(task, attempt, facts, findings), ...next });
    const known = this.#tasks.get(task);
    if (known !== undefined) known.recordedAttempt = attempt.attempt;
  }

  #storedEnd(task: number, info: AttemptInfo, facts: EndFacts, findings?: readonly Finding[]): StoredEnd {
    const known = this.#tasks.get(task);
    const reported = known?.reportedAttempt === info.attempt ? known : undefined;
    const reports = {
      findings: findings ?? reported?.findings ?? [],
      attachments: reported?.attachments ?? [],
    };
    return storedEnd(
      task,
      this.#withFiles(known?.path ?? '', info),
      facts,
      reports,
      this.#offsetMs ?? 0,
      this.#secrets,
    );
  }

  /** Names the files that have all of the output. */
  #withFiles(path: string, info: AttemptInfo): AttemptInfo {
    const { outputFileOf } = this.#options;
    if (outputFileOf === undefined) return info;
    const named = (stream: 'stdout' | 'stderr'): CapturedOutput | undefined => {
      const captured = info[stream];
      const file = captured === undefined ? undefined : outputFileOf(path, info.attempt, stream);
      return captured === undefined || file === undefined || captured.totalBytes === 0
        ? captured
        : { ...captured, file };
    };
    return { ...info, ...defined({ stdout: named('stdout'), stderr: named('stderr') }) };
  }

  #finished(event: TaskFinished, facts: FinishFacts): void {
    const { task, path, attempts, findings, recalled, code, judgement, status } = event;
    const last = attempts.at(-1);
    if (recalled !== undefined || last === undefined || this.#earlier.isHeld(task)) return;
    this.#earlier.settle(path);
    if (this.#refused.has(task)) return;
    const known = this.#tasks.get(task);
    if (facts.isCutShort) {
      if (known?.recordedAttempt !== last.attempt)
        this.#recordEnd(task, last, facts, { retryInMs: 0 }, findings);
      return;
    }
    const end = this.#storedEnd(task, last, facts, findings);
    const { result, lost } = storedResult(event, facts, end, this.#secrets);
    for (const each of lost) this.#warnLost(path, each);
    const files = code === undefined ? undefined : this.#options.codeFiles?.filesOf(code);
    const fileSet = files && this.#fileSet(files);
    const location = this.#locationOf(task, isBad(judgement?.verdict ?? 'pass') || status !== 'returned');
    this.#record({ type: 'task-finished', ...result, ...defined({ fileSet, location }) });
  }

  /** A task that was interrupted stays so where it is skipped before it has started: what it used may be half changed. */
  #skipped({ task, path, reason, lostWith, recalled }: TaskSkipped): void {
    if (recalled !== undefined || this.#earlier.isHeld(task)) return;
    this.#earlier.settle(path);
    const { execution, isDue = false } = this.#tasks.get(task) ?? {};
    if (isDue) return;
    const masked = this.#secrets.masked(reason);
    this.#record({
      ...{ type: 'task-skipped', task, cause: 'skipped', reason: masked },
      ...defined({ execution, lostWith, location: this.#locationOf(task, false) }),
    });
  }

  /** Where the task was made, if that is recorded. Reading it costs more than the rest of a small task. */
  #locationOf(task: number, isBad: boolean): SourceLocation | undefined {
    const known = this.#tasks.get(task);
    const location = isBad || this.#options.locations === true ? known?.info?.location : undefined;
    if (known !== undefined) known.info = undefined;
    return location;
  }

  /** Records the files once, and returns their number. */
  #fileSet(set: FileSet): number {
    const known = this.#sets.get(set);
    if (known !== undefined) return known;
    const id = ++this.#lastSet;
    this.#sets.set(set, id);
    this.#record({ type: 'file-set', id, set });
    return id;
  }

  #record(event: JournalEvent): number {
    this.#records.handle(event, this.#journal.session);
    return this.#journal.append(event);
  }

  // ── What is said of it ──

  #isOutstanding(record: TaskRecord): boolean {
    const { path, state, origin } = record;
    const isPresent = this.#paths.has(path);
    if (!isPresent && origin === 'start') return false;
    const decision = this.#earlier.decisionOf(path);
    const isStale = record.isStale || (decision?.action === 'keep' && decision.isStale);
    if (state === 'ended') return isStale || isBadRecord(record, this.#now);
    if (state === 'skipped') return record.skip?.isStopped === true || isBadRecord(record, this.#now);
    return true;
  }

  get #now(): { readonly health: 'whole'; readonly tasks: ReadonlyMap<string, TaskRecord> } {
    return { health: 'whole', tasks: this.#records.records };
  }

  #warnLost(path: string, { what, why }: LostValue): void {
    this.#options.onWarning?.(
      problem(
        'PEXEN_NOT_STORABLE',
        `${what} cannot be stored: ${why}`,
        'If the run is resumed and a task that starts requires it, the task runs again.',
        path,
      ),
    );
  }

  #refuse(): void {
    this.#refusal = 'it may not start twice, and its start cannot be recorded';
    const warning = problem(
      'PEXEN_STARTS_REFUSED',
      'tasks that may not start twice do not start any more: neither their start nor a note of it can be written',
      'Make room, or check the disk; then resume the run.',
    );
    this.#options.onWarning?.(warning);
    this.#failed(warning);
  }

  #watchTrouble(): void {
    this.#journal.onTrouble((trouble) => {
      const warning = warningOf(trouble);
      if (warning === undefined) return;
      this.#options.onWarning?.(warning);
      if (trouble.state !== 'recording') this.#failed(warning);
    });
  }

  #failed(trouble: Problem): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onRecordingFailed?.(trouble);
  }
}

function warningOf({ state, error }: JournalTrouble): Problem | undefined {
  const why = error === undefined ? '' : `: ${error.message} (${error.code})`;
  switch (state) {
    case 'failing':
      return problem(
        'PEXEN_JOURNAL_FAILING',
        `the run is not recorded any more${why}`,
        'The run goes on, and writing is tried again every five seconds. Make room, or check the disk.',
      );
    case 'stopped':
      return problem(
        'PEXEN_JOURNAL_STOPPED',
        `the rest of the run is not recorded${why}`,
        'The run goes on. If it is interrupted, it can only be resumed from what was recorded before. Check the disk.',
      );
    case 'recording':
      return problem('PEXEN_JOURNAL_WORKS_AGAIN', 'the run is recorded again', 'Nothing is to be done.');
    case 'closed':
      return undefined;
    default:
      return state satisfies never;
  }
}

/** Rows whose decisions are what everybody expects. */
const lastRow = 22;
const rowOfNew = 14;
