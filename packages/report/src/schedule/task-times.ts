/** What explains the times of a run: its tasks, and when their attempts ran. A task of the run model is one; a copy without output is smaller. */
import type { RunTask, TaskAttempt, TaskResult } from '../model/run-task.ts';

/** When one attempt ran. */
export type AttemptTimes = Pick<
  TaskAttempt,
  'attempt' | 'outcome' | 'worker' | 'startedAtMs' | 'durationMs' | 'readyAfterMs'
>;

/** A task, with what is known of its times. */
export interface TaskTimes extends Pick<RunTask, 'path' | 'facts' | 'running' | 'service'> {
  readonly result:
    | (Pick<TaskResult, 'judgement' | 'endedAtMs'> & { readonly attempts: readonly AttemptTimes[] })
    | undefined;
}

/** One attempt, which may still have been running when the run was aborted. Milliseconds from the start of the run. */
export interface Execution<Task extends TaskTimes = TaskTimes> {
  readonly task: Task;
  readonly worker: string;
  readonly attempt: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of a service that was ready. */
  readonly readyAfterMs: number | undefined;
  readonly outcome: TaskAttempt['outcome'] | 'aborted';
}

/** The attempts of this run, until `endMs`. Those of earlier sessions and other runs have negative times, and are left out. */
export function* executionsOf<Task extends TaskTimes>(
  tasks: Iterable<Task>,
  endMs: number,
): Generator<Execution<Task>> {
  for (const task of tasks) {
    for (const each of task.result?.attempts ?? []) {
      if (each.startedAtMs < 0 || !Number.isFinite(each.startedAtMs)) continue;
      const { worker, attempt, startedAtMs: fromMs, durationMs, readyAfterMs, outcome } = each;
      yield { task, worker, attempt, fromMs, toMs: fromMs + durationMs, readyAfterMs, outcome };
    }
    if (task.running === undefined || task.running.retryAtMs !== undefined) continue;
    const { worker, attempt, startedAtMs: fromMs } = task.running;
    const readyAfterMs = task.service?.phase === 'starting' ? undefined : task.service?.readyAfterMs;
    yield { task, worker, attempt, fromMs, toMs: endMs, readyAfterMs, outcome: 'aborted' };
  }
}

/** The task without what it printed and attached: what a reporter can keep of many. */
export function timesOf({ path, facts, running, service, result }: RunTask): TaskTimes {
  if (result === undefined) return { path, facts, running, service, result };
  const attempts = result.attempts.map(
    ({ attempt, outcome, worker, startedAtMs, durationMs, readyAfterMs }) => ({
      ...{ attempt, outcome, worker, startedAtMs, durationMs },
      ...(readyAfterMs !== undefined && { readyAfterMs }),
    }),
  );
  const { judgement, endedAtMs } = result;
  return { path, facts, running, service, result: { judgement, endedAtMs, attempts } };
}

/** The slot of a worker: workers of one slot follow each other, as each program is one of its own: `process 0 (pid 4711)`. */
export function slotOf(worker: string): string {
  return worker.replace(/ \(.*\)$/, '');
}
