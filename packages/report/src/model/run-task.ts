/** One task of a run as reporters see it. Does not know events or other tasks. */
import type {
  Attachment,
  AttemptInfo,
  EarlierResult,
  ErrorInfo,
  Finding,
  Judgement,
  Progress,
  ProviderGone,
  ReasonLink,
  RecalledFrom,
  ResultStatus,
  TaskInfo,
} from '@pexen/core';
import type { ServiceState } from './services.ts';

/** The description of a task from before it ran. */
export type TaskFacts = TaskInfo;
/** One attempt that has ended. */
export type TaskAttempt = AttemptInfo;
/** An error as plain data. */
export type TaskError = ErrorInfo;

/**
 * `retrying`: between two attempts. `serving`: a service, from its first start to its result; it goes on beside the running tasks, and does not
 * count as one.
 */
export type TaskState = 'waiting' | 'running' | 'retrying' | 'serving' | 'done';

/** The result of a task. Times are milliseconds. */
export interface TaskResult {
  readonly status: ResultStatus;
  /** The verdict, and why: that of the test suite, else one that follows from the status. */
  readonly judgement: Judgement;
  readonly endedAtMs: number;
  /** Of all attempts together; 0 for a task that was skipped. */
  readonly durationMs: number;
  readonly attempts: readonly TaskAttempt[];
  readonly findings: readonly Finding[];
  readonly flaky: boolean;
  readonly slow: boolean;
  /** Of a skipped task: the chain of reasons, down to the root cause. */
  readonly reason: readonly ReasonLink[];
  readonly providersGone: readonly ProviderGone[];
  /** It is the result of an earlier session, or of another run: nothing of it happened in this one. */
  readonly recalled?: RecalledFrom;
  /** How often the end of a session interrupted an attempt; absent: never. */
  readonly interruptions?: number;
  /** Results of the task from before it was executed again, oldest first; absent: none. */
  readonly earlier?: readonly EarlierResult[];
}

/** The running attempt, or the last one of a task that will be retried. Times are milliseconds from the start of the run. */
export interface RunningAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly worker: string;
  /** The session of the run that started it, where this one has taken it over. */
  readonly adoptedFrom?: number;
  readonly startedAtMs: number;
  /** When it last reported something: output, progress, a finding. */
  readonly heardAtMs: number;
  /** When the next attempt is due; only between two attempts. */
  readonly retryAtMs?: number;
  readonly progress?: Progress;
  /** The end of what it printed or logged, unchanged: at most 400 characters. */
  readonly tail: string;
  /** How many of its findings so far failed. */
  readonly failedFindings: number;
}

/** A task as reporters see it. It changes during the run; `snapshot()` does not. */
export interface RunTask {
  readonly path: string;
  readonly callPath: readonly string[];
  readonly facts: TaskFacts;
  readonly state: TaskState;
  /** When it entered this state, ms from the start of the run. */
  readonly sinceMs: number;
  /** Of a task that is `running` or `retrying`, and of a service that is `serving`: then the attempt that its state is of. */
  readonly running: RunningAttempt | undefined;
  /** Of a service that has started in this session. */
  readonly service: ServiceState | undefined;
  /** Of a task that is `done`. */
  readonly result: TaskResult | undefined;
  /** The attachments of its attempts so far. */
  readonly attachments: readonly Attachment[];
  /** The version of the model in which it last changed. */
  readonly version: number;
  /** Its current state as frozen plain data; the same object until the task changes. */
  snapshot(): TaskSnapshot;
}

/** A task that is done. */
export interface EndedTask extends RunTask {
  readonly result: TaskResult;
}

/** A task at one moment, as JSON. */
export interface TaskSnapshot {
  readonly facts: TaskFacts;
  readonly state: TaskState;
  readonly sinceMs: number;
  readonly version: number;
  readonly running?: RunningAttempt;
  readonly service?: ServiceState;
  readonly result?: TaskResult;
  readonly attachments?: readonly Attachment[];
}
