/** Opens sessions of recorded runs: a new run, the next session of an interrupted one, or a rerun. Knows nothing of tasks; see `recorder.ts`. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, defined, misuse, type Problem, problem } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { bootMark } from '../journal/boot-mark.ts';
import { newerJournal } from '../journal/database.ts';
import type { JournalEntry, JournalEvent } from '../journal/events.ts';
import type { Journal } from '../journal/journal.ts';
import { inUse, isLocked } from '../journal/lock.ts';
import { memoryJournal } from '../journal/memory-journal.ts';
import { openJournal } from '../journal/open-journal.ts';
import { type JournalContent, readJournal } from '../journal/read-journal.ts';
import type { Decision, RerunClass, ResumeMode } from '../resume/decision.ts';
import type { JournalHealth } from '../resume/task-record.ts';
import { prepareStateDirectory } from '../state-directory.ts';
import { CodeFiles } from './code-files.ts';
import { EarlierSessions } from './earlier-sessions.ts';
import type { PendingReboot, RebootRequest } from './reboot.ts';
import type {
  PreviewOptions,
  RecordedRun,
  RerunOptions,
  ResumeRunOptions,
  RunDescription,
  RunPreview,
  RunSummary,
  SessionEnding,
  SessionOptions,
  StartRunOptions,
} from './recorded-run.ts';
import { RunRecorder } from './recorder.ts';
import { directoryOf, findRun, listRuns, nextNumber } from './run-directories.ts';
import { completeSetAsides, setAside } from './set-aside.ts';

/** What a rerun repeats by default. */
export const defaultRerunClasses: readonly RerunClass[] = ['failed', 'not-run', 'changed'];

/**
 * Starts a new run and records it.
 *
 * @throws PexenError `PEXEN_JOURNAL_FAILED` where the disk refuses it.
 */
export async function startRun(options: StartRunOptions): Promise<RecordedRun> {
  const { runId, description, stateDirectory } = options;
  const number = nextNumber(stateDirectory);
  const journal = await newJournal(options, runId);
  const created: JournalEvent = { type: 'run-created', number, ...description };
  return open(options, { journal, number, description, ...nothingEarlier, created, label: 'run' });
}

/**
 * Opens the next session of a run that was interrupted, or that left tasks. A damaged journal is set aside, and a new one begins with what is intact
 * of it. It is always recorded on the disk.
 *
 * @throws PexenError `PEXEN_UNKNOWN_RUN`; `PEXEN_RUN_OVER` where it has ended; `PEXEN_JOURNAL_IN_USE`, `PEXEN_JOURNAL_NEWER`, `PEXEN_JOURNAL_FAILED`.
 */
export async function resumeRun(options: ResumeRunOptions): Promise<RecordedRun> {
  const { stateDirectory, run = 'latest', onWarning } = options;
  completeSetAsides(join(stateDirectory, 'runs'));
  const summary = findRun(stateDirectory, run);
  const { directory, id, number } = summary;
  let content = checkedContent(summary);
  if (content.verdict.kind === 'damaged') {
    const { why } = content.verdict;
    const aside = setAside(directory, id, why);
    content = aside.content;
    onWarning?.(setAsideWarning(id, why, aside.damaged));
  }
  const journal = await openJournal({
    directory,
    runId: id,
    durability: durabilityOf(options),
    ...clockOf(options),
  });
  // Another process may have continued the run since it was read.
  if (content.verdict.kind !== 'damaged' && journal.lastSeq !== lastSeqOf(content))
    content = readJournal(directory);
  const strays = await endStrays(options, journal, [id, ...ancestorsOf(stateDirectory, summary)]);
  const { entries } = content;
  return open(options, {
    ...{ journal, number, description: descriptionIn(entries), entries, label: 'resume', strays },
    ...{ health: healthOf(content), mode: { kind: 'resume' } },
    ...(summary.parent !== undefined && { parent: summary.parent }),
  });
}

/**
 * Starts a new run that keeps the results of another one but for those of some classes.
 *
 * @throws PexenError as `startRun`; `PEXEN_UNKNOWN_RUN`; `PEXEN_JOURNAL_IN_USE` where the other run goes on; `PEXEN_JOURNAL_NEWER`.
 */
export async function rerun(options: RerunOptions): Promise<RecordedRun> {
  const { stateDirectory, runId, description, of = 'latest', classes = defaultRerunClasses } = options;
  completeSetAsides(join(stateDirectory, 'runs'));
  const parent = findRun(stateDirectory, of);
  if (isLocked(parent.directory)) throw inUse(parent.directory, parent.id);
  const content = readableContent(parent);
  const number = nextNumber(stateDirectory);
  const journal = await newJournal(options, runId);
  const ancestors = [parent.id, ...ancestorsOf(stateDirectory, parent)];
  const strays = await endStrays(options, journal, [runId, ...ancestors]);
  return open(options, {
    ...{ journal, number, description, label: 'rerun', strays, parent: parent.id },
    ...{ entries: content.entries, health: healthOf(content), mode: { kind: 'rerun', classes } },
    created: { type: 'run-created', number, parent: parent.id, ...description },
  });
}

/**
 * What a resume, or with `classes` a rerun, would do. Locks, writes and ends nothing.
 *
 * @throws PexenError `PEXEN_UNKNOWN_RUN`, `PEXEN_RUN_OVER`, `PEXEN_JOURNAL_NEWER`
 */
export function previewRun(options: PreviewOptions): RunPreview {
  const { stateDirectory, run: choice = 'latest', classes, selected, maxInterruptions, digester } = options;
  const run = findRun(stateDirectory, choice);
  const content = classes === undefined ? checkedContent(run) : readableContent(run);
  const { entries } = content;
  return {
    run,
    description: descriptionIn(entries),
    decisionsOf: (tasks) => {
      const mode: ResumeMode = classes === undefined ? { kind: 'dry-run' } : { kind: 'rerun', classes };
      const earlier = new EarlierSessions({
        ...{ entries, health: healthOf(content), mode, startedAt: Date.now(), boot: bootNow(entries) },
        ...{ selected, maxInterruptions, digester },
      });
      earlier.add(tasks);
      return earlier.decisions.map((decision) => withAdoption(decision, earlier));
    },
  };
}

/** Rows of attempts without an end. */
const rowsOfOpen: ReadonlySet<number> = new Set([6, 7, 11]);

/** Only a resume can ask pools which attempts they still have. */
function withAdoption(decision: Decision, { places, records }: EarlierSessions): Decision {
  const state = records.tasks.get(decision.path)?.state;
  const isOpen = rowsOfOpen.has(decision.row) && (state === 'intended' || state === 'started');
  if (!isOpen || places === 'unknown' || places.length === 0) return decision;
  return { ...decision, reason: `${decision.reason}; is adopted instead where a node still has it` };
}

// ── A session ──

interface Opening {
  readonly journal: Journal;
  readonly number: number;
  readonly description: RunDescription;
  readonly entries: readonly JournalEntry[];
  readonly health: JournalHealth;
  readonly mode: ResumeMode;
  /** The first event of a new run. */
  readonly created?: JournalEvent;
  readonly parent?: string;
  /** For `session-started`. */
  readonly label: string;
  readonly strays?: number;
}

const nothingEarlier = { entries: [], health: 'whole', mode: { kind: 'resume' } } as const;

/** Resolves when the beginning of the session is recorded, or cannot be: a run that is killed before its first result can be resumed, too. */
async function open(options: SessionOptions, opening: Opening): Promise<RecordedRun> {
  const { clock = systemClock, secrets, digester, ...rest } = options;
  const { journal, entries, created } = opening;
  const startedAt = clock.wallNow();
  const boot = bootNow(entries);
  const codeFiles = digester && new CodeFiles(digester);
  const started = sessionStarted(options, opening, startedAt, boot);
  const recorder = new RunRecorder({
    ...rest,
    ...{ journal, entries, health: opening.health, mode: opening.mode },
    ...{ clock, startedAt, boot, codeFiles, secrets, digester },
    locations: options.locations === true || opening.description.shard !== undefined,
    opening: created === undefined ? [started] : [created, started],
  });
  await recordedBy(recorder, journal.lastSeq);
  return new Session(options, opening, recorder, codeFiles);
}

function recordedBy(recorder: RunRecorder, seq: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (recorder.recorded < seq) return;
      stop();
      resolve();
    };
    const stop = recorder.onRecorded(look);
    look();
  });
}

class Session implements RecordedRun {
  readonly id: string;
  readonly number: number;
  readonly directory: string;
  readonly session: number;
  readonly description: RunDescription;
  readonly parent?: string;
  readonly journal: RunRecorder;
  readonly digester?: CodeFiles;
  readonly #store: Journal;

  constructor(
    { stateDirectory }: SessionOptions,
    { journal, number, description, parent }: Opening,
    recorder: RunRecorder,
    digester: CodeFiles | undefined,
  ) {
    this.id = journal.runId;
    this.number = number;
    this.directory = directoryOf(stateDirectory, journal.runId);
    this.session = journal.session;
    this.description = description;
    if (parent !== undefined) this.parent = parent;
    this.journal = recorder;
    if (digester !== undefined) this.digester = digester;
    this.#store = journal;
  }

  get decisions(): RunRecorder['decisions'] {
    return this.journal.decisions;
  }

  get leavesTasks(): boolean {
    return this.journal.leavesTasks;
  }

  get outstanding(): readonly string[] {
    return this.journal.outstanding;
  }

  get pendingReboot(): PendingReboot | undefined {
    return this.journal.pendingReboot;
  }

  askReboot(path: string, request: RebootRequest): number | undefined {
    return this.journal.askReboot(path, request);
  }

  issueReboot(): Promise<void> {
    return this.journal.issueReboot();
  }

  failReboot(reason: string): void {
    this.journal.failReboot(reason);
  }

  async end(ending: SessionEnding): Promise<void> {
    this.journal.end(ending);
    await this.#store.close();
  }
}

function sessionStarted(
  { argv = [] }: SessionOptions,
  { label, strays = 0 }: Opening,
  wallMs: number,
  boot: string,
): JournalEvent {
  return {
    ...{ type: 'session-started', wallMs, pid: process.pid, host: hostname(), boot, argv, mode: label },
    ...defined({ machine: machineId() }),
    ...(strays > 0 && { straysEnded: strays }),
  };
}

function newJournal(options: SessionOptions, runId: string): Promise<Journal> {
  const { stateDirectory, durability = 'process' } = options;
  if (durability === 'memory') return Promise.resolve(memoryJournal({ runId, ...clockOf(options) }));
  try {
    prepareStateDirectory(stateDirectory);
  } catch (error) {
    throw misuse(
      'PEXEN_JOURNAL_FAILED',
      `the folder ${stateDirectory} cannot be created: ${error instanceof Error ? error.message : error}`,
      'Make room, or choose a directory that can be written.',
    );
  }
  return openJournal({
    directory: directoryOf(stateDirectory, runId),
    runId,
    durability,
    ...clockOf(options),
  });
}

function clockOf({ clock }: SessionOptions): { readonly clock?: Clock } {
  return clock === undefined ? {} : { clock };
}

function durabilityOf({ durability = 'process' }: SessionOptions): 'process' | 'power' {
  return durability === 'memory' ? 'process' : durability;
}

/** Ends nothing without the journal: only the process that records the run may end its strays. */
async function endStrays(
  { endStrays: end }: SessionOptions,
  journal: Journal,
  runs: readonly string[],
): Promise<number> {
  if (end === undefined) return 0;
  try {
    return await end(runs);
  } catch (error) {
    await journal.close();
    throw error;
  }
}

// ── What was recorded ──

/** @throws PexenError where the run cannot be resumed. */
function checkedContent(run: RunSummary): JournalContent {
  if (isLocked(run.directory)) throw inUse(run.directory, run.id);
  const content = readableContent(run);
  if (content.entries.some(({ event }) => event.type === 'run-ended')) throw isOver(run);
  if (descriptionEvent(content.entries) === undefined)
    throw misuse(
      'PEXEN_UNKNOWN_RUN',
      `nothing of the run ${run.id} was recorded, so that it cannot be resumed`,
      'Start a new run.',
    );
  return content;
}

function readableContent({ directory, id }: RunSummary): JournalContent {
  const content = readJournal(directory);
  if (content.verdict.kind === 'newer') throw newerJournal(id, content.verdict.version);
  return content;
}

function lastSeqOf({ entries }: JournalContent): number {
  const last = entries.at(-1);
  if (last === undefined) return 0;
  return last.event.type === 'recording-gap' && last.event.lost ? last.event.to : last.seq;
}

/** Starts may be missing where events were lost, or where it was noted that they were not recorded. */
function healthOf({ verdict, unrecordedStarts, entries }: JournalContent): JournalHealth {
  if (verdict.kind === 'damaged') return 'damaged';
  const hasLost = entries.some(({ event }) => event.type === 'recording-gap' && event.lost);
  return unrecordedStarts || hasLost ? 'unrecorded' : 'whole';
}

type RunCreated = Extract<JournalEvent, { readonly type: 'run-created' }>;

function descriptionEvent(entries: readonly JournalEntry[]): RunCreated | undefined {
  const found = entries.find(({ event }) => event.type === 'run-created');
  return found?.event as RunCreated | undefined;
}

function descriptionIn(entries: readonly JournalEntry[]): RunDescription {
  const {
    type: _type,
    number: _number,
    parent: _parent,
    ...description
  } = descriptionEvent(entries) ?? {
    type: 'run-created',
    versions: {},
  };
  return description;
}

function ancestorsOf(stateDirectory: string, { parent }: Pick<RunSummary, 'parent'>): readonly string[] {
  const runs = new Map(listRuns(stateDirectory).map((run) => [run.id, run]));
  const found: string[] = [];
  for (let next = parent; next !== undefined && !found.includes(next); next = runs.get(next)?.parent)
    found.push(next);
  return found;
}

/** The present boot as text: as the latest session wrote it, where that is the same boot. */
function bootNow(entries: readonly JournalEntry[]): string {
  const { id, bootedAtS } = bootMark();
  if (!/^0+$/.test(id)) return id;
  const recorded = entries.flatMap(({ event }) =>
    event.type === 'session-started' ? (event.boot ?? []) : [],
  );
  const known = recorded.at(-1);
  const isSame = known?.startsWith('at ') && Math.abs(Number(known.slice(3)) - bootedAtS) <= 2;
  return isSame ? (known as string) : `at ${bootedAtS}`;
}

function machineId(): string | undefined {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

// ── Problems ──

function isOver({ number, exitCode, id }: RunSummary): Error {
  const how = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
  return misuse(
    'PEXEN_RUN_OVER',
    `the run ${number} (${id}) has ended${how}, so that there is nothing to resume`,
    `Repeat what failed or did not run in it with \`pexen run --rerun --of=${number}\`.`,
  );
}

function setAsideWarning(id: string, why: string, damaged: string): Problem {
  return problem(
    'PEXEN_JOURNAL_SET_ASIDE',
    `the journal of the run ${id} is damaged: ${why}; it is kept in ${damaged}`,
    'Tasks run again, but for those that may not start twice: without a recorded result these count as crashed.',
  );
}
