/**
 * The language in which a suite talks about the memory of its runs: how a session of a run is opened, what it offers, and how it ends. Only types;
 * `open-run.ts` has the functions.
 */
import type {
  Clock,
  Digest,
  DigestedTask,
  Digester,
  Problem,
  ResultStatus,
  RunJournal,
  TaskInfo,
  Versions,
} from '@pexen/core';
import type { FileSet } from '../identity/file-sets.ts';
import type { Json } from '../journal/events.ts';
import type { Durability } from '../journal/writer.ts';
import type { Decision, RerunClass } from '../resume/decision.ts';
import type { PendingReboot, RebootRequest } from './reboot.ts';

/** Options of every session of a run. */
export interface SessionOptions {
  /** Absolute path of the folder for everything that runs leave behind, such as `<root>/.pexen`. Created if it does not exist. */
  readonly stateDirectory: string;
  /** `memory` records nothing on the disk: the run cannot be resumed. Default `process`. */
  readonly durability?: Durability | 'memory';
  /** Where tasks were made is recorded of those that pass, too. Reading it takes a tenth of a millisecond. Shards always do it, for reports that are merged. */
  readonly locations?: boolean;
  /** The arguments of the command. */
  readonly argv?: readonly string[];
  /** Computes the digests of the run. Without it, tasks are compared by their paths alone. */
  readonly digester?: FileSetDigester;
  /** Texts that match are replaced by `***` in all that is recorded, and values that contain one are not stored. */
  readonly secrets?: readonly RegExp[];
  /** Is the task, by its call path, selected by this command? Default: all are. */
  readonly selected?: (path: string) => boolean;
  /** After so many deaths of the command while an attempt ran, the attempt counts as crashed. Default 10. */
  readonly maxInterruptions?: number;
  /** The file with all output of an attempt, relative to the root of the run. Default: none. */
  readonly outputFileOf?: (path: string, attempt: number, stream: 'stdout' | 'stderr') => string | undefined;
  /**
   * Ends processes that earlier sessions of these runs left behind, and returns how many. Called after the run is locked and before anything is
   * recorded.
   */
  readonly endStrays?: (runIds: readonly string[]) => Promise<number>;
  /** Called with warnings: values that cannot be stored, and changes of the state of the recording. */
  readonly onWarning?: (warning: Problem) => void;
  /** Called once, when recording fails: a run that requires its journal is drained then. */
  readonly onRecordingFailed?: (problem: Problem) => void;
  readonly clock?: Clock;
}

/** What `run-created` says of a run. */
export interface RunDescription {
  readonly suite?: string;
  /** What the run selects: read by its resumes. */
  readonly selection?: Json;
  /** `2/3`: it runs the second of three parts of the suite. */
  readonly shard?: string;
  /** The sorted paths of the tasks that each of the shards owns, shard 1 first; `planDigest` is their digest. */
  readonly shardPaths?: readonly (readonly string[])[];
  readonly planDigest?: Digest;
  readonly label?: string;
  readonly options?: Json;
  readonly versions: Versions;
}

/** Options of `startRun`. */
export interface StartRunOptions extends SessionOptions {
  /** The id of the new run, a UUID of version 7: also the option `id` of the scheduler's run. */
  readonly runId: string;
  readonly description: RunDescription;
}

/** Which run: its id or a unique beginning of it, its number, or the one with the greatest number. */
export type RunChoice = string | number | 'latest';

/** Options of `resumeRun`. The run keeps its id, which is the option `id` of the scheduler's run. */
export interface ResumeRunOptions extends SessionOptions {
  /** Default `latest`. */
  readonly run?: RunChoice;
}

/** Options of `rerun`. */
export interface RerunOptions extends StartRunOptions {
  /** The run that is repeated in part: the parent. Default `latest`. */
  readonly of?: RunChoice;
  /** Which results are not kept. Default `failed`, `not-run`, `changed`. */
  readonly classes?: readonly RerunClass[];
}

/** Options of `previewRun`. */
export interface PreviewOptions
  extends Pick<SessionOptions, 'stateDirectory' | 'selected' | 'maxInterruptions' | 'digester'> {
  /** Default `latest`. */
  readonly run?: RunChoice;
  /** Present: the preview of a rerun. */
  readonly classes?: readonly RerunClass[];
}

/** What a resume or a rerun would do. Nothing is locked, written or ended. */
export interface RunPreview {
  readonly run: RunSummary;
  /** What the run selected when it was created. */
  readonly description: RunDescription;
  /** One decision for each of these tasks of the present suite, with their digests, then for those that have left it. */
  decisionsOf(tasks: readonly TaskInfo[]): readonly Decision[];
}

/** A digester that also knows the files that code consists of: `TaskDigester`. */
export interface FileSetDigester extends Digester {
  fileSetOf(task: DigestedTask): FileSet | undefined;
  /** The files and packages of a recorded set that are not as they were recorded. */
  changedIn(set: FileSet): readonly string[];
}

/** A run that is being recorded in this session. */
export interface RecordedRun {
  readonly id: string;
  /** Counts the runs of this folder, from 1. */
  readonly number: number;
  /** Absolute path of the directory of the run, in which `out` is for the output of attempts. */
  readonly directory: string;
  /** The number of this session, from 1. */
  readonly session: number;
  readonly description: RunDescription;
  /** The id of the run that this one repeats in part. */
  readonly parent?: string;
  /** The option `journal` of the scheduler's run. */
  readonly journal: RunJournal;
  /** The option `digester` of the scheduler's run, where the session has one: it notes the files that code consists of. */
  readonly digester?: Digester;
  /** What is done with each task; complete once the scheduler has added the tasks of its start. Empty in a new run. */
  readonly decisions: readonly Decision[];
  /** True where tasks are left for a later session since they are not selected: the run has not ended then. */
  readonly leavesTasks: boolean;
  /** Call paths of the tasks whose latest result is bad, cancelled, stale or missing. */
  readonly outstanding: readonly string[];
  /** A request for a reboot by an earlier session that is still to be carried out: until then nothing may run. */
  readonly pendingReboot: PendingReboot | undefined;
  /**
   * Records that the running attempt of the task asks for a reboot: nothing more is recorded of it in this session. Returns which reboot of the task
   * it is, from 1; undefined where it has asked ten times.
   */
  askReboot(path: string, request: RebootRequest): number | undefined;
  /** Records that the reboot is ordered. Resolves when this and everything before is on the disk. */
  issueReboot(): Promise<void>;
  /** Records that the machine did not reboot: the attempt counts as interrupted. */
  failReboot(reason: string): void;
  /** Records the end of the session, writes everything, and releases the run. */
  end(ending: SessionEnding): Promise<void>;
}

/** How a session ends. */
export interface SessionEnding {
  readonly exitCode: number;
  /** True: the run can be resumed, since it was interrupted or leaves tasks. */
  readonly isResumable: boolean;
  readonly reason?: string;
}

/** A run of the past, or one that goes on. */
export interface RunSummary {
  readonly id: string;
  readonly number: number;
  readonly directory: string;
  /**
   * `going-on`: a process records it. `resumable`: it was interrupted, or left tasks. `ended`: it is over. `unreadable`: it was written by a newer
   * version, or nothing of it can be read.
   */
  readonly state: 'going-on' | 'resumable' | 'ended' | 'unreadable';
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  readonly sessions: number;
  readonly parent?: string;
  readonly label?: string;
  /** Of the last session that came to its end. */
  readonly exitCode?: number;
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  readonly reason?: string;
}
