/** The language of reporters: what changed in the model by one event, one task update or one inspection. */
import type { ServiceStopCause, TaskUpdate } from '@pexen/core';
import type { EndedTask, RunTask, TaskAttempt, TaskError } from './run-task.ts';

/** A worker that ended without a request. */
export interface LostWorker {
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  readonly reason: string;
}

/** An error that surfaced after its body had ended. */
export interface LateError {
  readonly atMs: number;
  readonly pool: string;
  readonly worker: string;
  /** Call paths of the tasks that it may come from: a single one if that is certain. */
  readonly tasks: readonly string[];
  readonly error: TaskError;
}

/** The model is already changed when a reporter receives this. */
export type Change =
  | { readonly kind: 'run-started' }
  /** All tasks of the run, or those that were added during the run. */
  | { readonly kind: 'tasks-added'; readonly atMs: number; readonly tasks: readonly RunTask[] }
  | { readonly kind: 'attempt-started'; readonly task: RunTask }
  /** `retryInMs` is set if another attempt follows. `died`: of a service that was ready and was not asked to stop. */
  | {
      readonly kind: 'attempt-ended';
      readonly task: RunTask;
      readonly attempt: TaskAttempt;
      readonly retryInMs: number | undefined;
      readonly died: boolean;
    }
  | { readonly kind: 'service-ready'; readonly task: RunTask; readonly afterMs: number }
  | { readonly kind: 'service-stopping'; readonly task: RunTask; readonly why: ServiceStopCause }
  /** The task has its result, or was skipped. */
  | { readonly kind: 'task-ended'; readonly task: EndedTask }
  | { readonly kind: 'worker-lost'; readonly lost: LostWorker }
  | { readonly kind: 'late-error'; readonly late: LateError }
  | { readonly kind: 'run-ended' }
  /** A running body reported something. */
  | { readonly kind: 'task-update'; readonly task: RunTask; readonly update: TaskUpdate };
