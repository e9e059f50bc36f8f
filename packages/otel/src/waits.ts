/** Which tests could not start since others held what they needed: from the times of a run that is over. */
import type { Change, RunTask } from '@pexen/report';
import {
  Contention,
  executionsOf,
  holdsOf,
  Readiness,
  type ResourceWait,
  type TaskTimes,
  timesOf,
} from '@pexen/report/model';

/** Of runs with more tests, nothing is kept for this. */
const mostTasks = 200_000;
/** Shorter waits are not worth a span, ms. */
const leastMs = 1;

/** Keeps of each test what its waits follow from. */
export class Waits {
  readonly #tasks: TaskTimes[] = [];
  readonly #addedAtMs = new Map<string, number>();

  added({ atMs, tasks }: Extract<Change, { readonly kind: 'tasks-added' }>): void {
    if (atMs > 0) for (const { path } of tasks) this.#addedAtMs.set(path, atMs);
  }

  ended(task: RunTask): void {
    if (this.#tasks.length <= mostTasks) this.#tasks.push(timesOf(task));
  }

  /** Each wait, with the number of the attempt that followed it: always the first one. */
  of(endMs: number): readonly ResourceWait[] {
    if (this.#tasks.length > mostTasks) return [];
    const executions = [...executionsOf(this.#tasks, endMs)];
    const contention = new Contention(holdsOf([...executions].sort((a, b) => a.fromMs - b.fromMs)));
    const readiness = new Readiness(this.#tasks);
    return executions
      .filter(({ attempt }) => attempt === 1)
      .flatMap(({ task, fromMs }) => {
        const { atMs } = readiness.of(task, this.#addedAtMs.get(task.path) ?? 0, fromMs);
        return contention.waitsOf(task.path, task.facts, atMs, fromMs);
      })
      .filter((wait) => wait.toMs - wait.fromMs >= leastMs);
  }
}
