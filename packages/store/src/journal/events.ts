/**
 * The language of the journal: what happened in a run, as far as a later session needs it. A run has one id and one or more sessions (starts
 * of the command); its journal is one numbered list of events over all of them. Plain JSON data. Knows nothing of files.
 */
import type {
  Attachment,
  CapturedOutput,
  Digest,
  EarlierResult,
  ErrorInfo,
  Finding,
  Judgement,
  OutcomeKind,
  ProviderGone,
  ReasonLink,
  ResultStatus,
  SourceLocation,
  TaskInfo,
  TaskOrigin,
  Versions,
} from '@pexen/core';
import type { FileSet } from '../identity/file-sets.ts';
import type { Execution } from '../resume/task-record.ts';

/** Grows by one with every change that breaks readers of old journals; `upcast.ts` then translates old events. */
export const journalVersion = 1;

/** Data that JSON represents exactly. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** A value of a task: as JSON where parsing it results in an equal value, else in V8's clone format, as base64. `lost`: why it was not stored. */
export type StoredValue = { readonly json: Json } | { readonly clone: string } | { readonly lost: string };

/** The dictionary of a task, or `inherited` where it is what its providers gave it. */
export type StoredShared = 'inherited' | { readonly [key: string]: StoredValue };

/** A finding, with its data as a value. */
export type StoredFinding = Omit<Finding, 'data'> & { readonly data?: StoredValue };

/** The end of one attempt, or of its cleanup. Times are milliseconds; `startedMs` counts from the start of the session. */
export interface StoredEnd {
  readonly task: number;
  readonly attempt: number;
  readonly outcome: OutcomeKind;
  readonly error?: ErrorInfo;
  readonly reason?: string;
  /** Are its resources in order? */
  readonly locksOk: boolean;
  /** May its dependents run? */
  readonly depsOk: boolean;
  readonly startedMs: number;
  readonly ranMs: number;
  /** Of a service that was ready: how long it took until then. */
  readonly readyAfterMs?: number;
  readonly worker?: string;
  /** The body may still run. */
  readonly abandoned?: true;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
  readonly findings?: readonly StoredFinding[];
  readonly attachments?: readonly Attachment[];
  /** Another attempt follows after this delay. */
  readonly retryInMs?: number;
  /** A service is down, and starts again as soon as a task needs it. */
  readonly startsAgain?: true;
}

/** A task that ended with an attempt. */
export interface StoredResult {
  readonly task: number;
  readonly attempt: number;
  readonly status: Exclude<ResultStatus, 'skipped'>;
  /** The end of its last attempt, which has no event of its own. */
  readonly end: StoredEnd;
  readonly value?: StoredValue;
  /** Values of typed keys. */
  readonly provided?: readonly (readonly [position: number, value: StoredValue])[];
  readonly shared: StoredShared;
  /** For each requirement, the paths of the providers that met it. */
  readonly metBy: readonly (readonly string[])[];
  readonly judgement?: Judgement;
  /** Where the task was made: where it ended badly, and where the run asks for it. */
  readonly location?: SourceLocation;
  readonly slow?: true;
  /** How often its attempts were interrupted by the end of a session, in all. */
  readonly interruptions?: number;
  /** Digest of its code, including what it had imported by then; `fileSet` is the id of the files. */
  readonly code?: Digest;
  readonly fileSet?: number;
  /** For a failed task: its providers whose workers were gone by then. */
  readonly providersGone?: readonly ProviderGone[];
}

/** A task that was skipped. */
export interface StoredSkip {
  readonly task: number;
  /** `skipped`: by the scheduler, for that reason. */
  readonly cause: string;
  readonly reason: readonly ReasonLink[];
  /** The service whose end took away what the task needs: it fails the run. */
  readonly lostWith?: string;
  readonly location?: SourceLocation;
}

/** What a rerun keeps of a task of its parent. */
interface StoredRecall {
  readonly task: number;
  readonly record: StoredResult | StoredSkip;
  /** The ends of the attempts before the last one. */
  readonly attempts?: readonly StoredEnd[];
  /** The session of the parent in which it ended, and when that session started: milliseconds since 1970. */
  readonly endedIn: { readonly session: number; readonly startedAt: number };
  /** Results that the task had before. */
  readonly earlier?: readonly EarlierResult[];
  /** The result is not one of the present code. */
  readonly isStale?: true;
  /** Identifies the boot in which it ended. */
  readonly boot?: string;
}

/** One event of the journal. `task` is the `id` of the task in its `tasks-added`. */
export type JournalEvent =
  | {
      readonly type: 'run-created';
      /** Counts the runs of a folder, from 1. */
      readonly number?: number;
      readonly suite?: string;
      readonly selection?: Json;
      /** `2/3`: it runs the second of three parts of the suite. */
      readonly shard?: string;
      /** The sorted paths of the tasks that each of the shards owns, shard 1 first; `planDigest` is their digest. */
      readonly shardPaths?: readonly (readonly string[])[];
      readonly planDigest?: Digest;
      /** The id of the run that this run repeats in part. */
      readonly parent?: string;
      readonly label?: string;
      readonly options?: Json;
      readonly versions: Versions;
    }
  | {
      readonly type: 'session-started';
      readonly wallMs: number;
      readonly pid: number;
      readonly host: string;
      readonly machine?: string;
      readonly boot?: string;
      readonly argv: readonly string[];
      readonly mode: string;
      /** How many processes of earlier sessions were ended. */
      readonly straysEnded?: number;
    }
  | { readonly type: 'file-set'; readonly id: number; readonly set: FileSet }
  | { readonly type: 'tasks-added'; readonly origin: TaskOrigin; readonly tasks: readonly TaskInfo[] }
  /** What resume decided about a task; only people read it. */
  | { readonly type: 'decision'; readonly task: number; readonly row: number; readonly reason: string }
  /** A task that may not start twice is about to start: its dispatch waits until this is on the disk. */
  | {
      readonly type: 'start-intended';
      readonly task: number;
      readonly attempt: number;
      readonly execution?: Execution;
    }
  /** The pool returned it unstarted. */
  | { readonly type: 'start-returned'; readonly task: number; readonly attempt: number }
  | {
      readonly type: 'attempt-started';
      readonly task: number;
      readonly attempt: number;
      readonly part: 'body' | 'cleanup';
      readonly worker: string;
      /** Absent: the latest execution of the task. */
      readonly execution?: Execution;
      readonly interruptions?: number;
      readonly rebootCount?: number;
    }
  /** It was taken over from the session `from`, which started it: it does not start once more. */
  | {
      readonly type: 'attempt-adopted';
      readonly task: number;
      readonly attempt: number;
      readonly from: number;
      readonly worker: string;
    }
  /** Attempts may be sent to this place, where they outlive the process: dispatches wait until this is on the disk. */
  | { readonly type: 'place-joined'; readonly place: string }
  /** Nothing of the run is there any more. */
  | { readonly type: 'place-parted'; readonly place: string }
  | ({ readonly type: 'attempt-ended' } & StoredEnd)
  | ({ readonly type: 'cleanup-ended' } & StoredEnd)
  | ({ readonly type: 'task-finished' } & StoredResult)
  | ({ readonly type: 'task-skipped'; readonly execution?: Execution } & StoredSkip)
  /** The record of a task that was taken over from the parent of the run. */
  | ({ readonly type: 'task-recalled' } & StoredRecall)
  /** A service is ready and provides these values, by position in `provides`. */
  | {
      readonly type: 'provided';
      readonly task: number;
      readonly attempt: number;
      readonly values: readonly StoredValue[];
    }
  | ({ readonly type: 'reboot-asked' } & StoredReboot)
  | ({ readonly type: 'reboot-issued' } & StoredReboot)
  | ({ readonly type: 'reboot-failed'; readonly reason: string } & StoredReboot)
  | { readonly type: 'poison-cleared'; readonly resource: string }
  /**
   * The events `from` to `to` were not recorded when they happened. `lost`: they are missing, and this event stands in their place;
   * otherwise they were recorded later.
   */
  | {
      readonly type: 'recording-gap';
      readonly from: number;
      readonly to: number;
      readonly why: string;
      readonly lost: boolean;
    }
  | { readonly type: 'worker-lost'; readonly pool: string; readonly worker: string; readonly reason: string }
  /** An error surfaced after its body had ended; `tasks` are the paths of those that it may come from. */
  | {
      readonly type: 'late-error';
      readonly pool: string;
      readonly worker: string;
      readonly tasks: readonly string[];
      readonly error: ErrorInfo;
    }
  | ({ readonly type: 'session-ended' } & StoredTotals)
  | ({ readonly type: 'run-ended' } & StoredTotals);

/** One step of a requested reboot. */
interface StoredReboot {
  readonly task: number;
  readonly attempt: number;
  readonly count: number;
  readonly mark: string;
  readonly command?: string;
  /** How long it may take, ms. */
  readonly timeoutMs?: number;
}

interface StoredTotals {
  readonly reason?: string;
  readonly exitCode: number;
  readonly counts: Readonly<Partial<Record<ResultStatus, number>>>;
  readonly poisoned: readonly string[];
}

/** The name of a kind of event. */
export type JournalEventType = JournalEvent['type'];

/** An event with its place in the journal. */
export interface JournalEntry {
  /** From 1, without holes. */
  readonly seq: number;
  /** From 1. */
  readonly session: number;
  /** Milliseconds since the start of the session. */
  readonly atMs: number;
  readonly event: JournalEvent;
}

/**
 * Every type of event, and whether it is a barrier: on the disk before anything that follows from it. All other events may be lost when the power
 * fails; the events after them are then lost, too.
 */
const barriers: Readonly<Record<JournalEventType, boolean>> = {
  'run-created': false,
  'session-started': true,
  'file-set': false,
  'tasks-added': false,
  decision: false,
  'start-intended': true,
  'start-returned': false,
  'attempt-started': false,
  'attempt-adopted': false,
  'place-joined': true,
  'place-parted': false,
  'attempt-ended': false,
  'cleanup-ended': false,
  'task-finished': false,
  'task-skipped': false,
  'task-recalled': false,
  provided: false,
  'reboot-asked': true,
  'reboot-issued': true,
  'reboot-failed': false,
  'poison-cleared': false,
  'recording-gap': false,
  'worker-lost': false,
  'late-error': false,
  'session-ended': true,
  'run-ended': true,
};

/** True for types of events that this version knows. */
export function isEventType(type: string): type is JournalEventType {
  return Object.hasOwn(barriers, type);
}

/** True for events that have to be on the disk before anything that follows from them. */
export function isBarrier(type: JournalEventType): boolean {
  return barriers[type];
}
