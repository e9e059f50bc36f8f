/** What changed in the model by one event, one piece of news or one inspection: the language in which reporters hear of a run. */
import type { TaskUpdate } from '@pexen/core';
import type { EndedTask, RunTask, TaskAttempt, TaskError } from './run-task.ts';

/** A worker that ended without being asked to. */
export interface LostWorker {
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  readonly reason: string;
}

/** An error that surfaced after the body that it comes from had ended. */
export interface LateError {
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  /** Call paths of the tasks that it may come from: one where that is certain. */
  readonly tasks: readonly string[];
  readonly error: TaskError;
}

/** The model is already changed when a reporter hears of it. */
export type Change =
  | { readonly kind: 'run-started' }
  /** All the tasks of the run, or those that were added while it went on. */
  | { readonly kind: 'tasks-added'; readonly atMs: number; readonly tasks: readonly RunTask[] }
  | { readonly kind: 'attempt-started'; readonly task: RunTask }
  /** `retryInMs` is there if another attempt will follow. */
  | {
      readonly kind: 'attempt-ended';
      readonly task: RunTask;
      readonly attempt: TaskAttempt;
      readonly retryInMs: number | undefined;
    }
  /** The task has its result, or was skipped. */
  | { readonly kind: 'task-ended'; readonly task: EndedTask }
  | { readonly kind: 'worker-lost'; readonly lost: LostWorker }
  | { readonly kind: 'late-error'; readonly late: LateError }
  | { readonly kind: 'run-ended' }
  /** A running body reported something. */
  | { readonly kind: 'task-update'; readonly task: RunTask; readonly update: TaskUpdate };
