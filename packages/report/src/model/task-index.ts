/** The tasks of a model by number and by path. Events have both: the number is faster, and the path decides. */
import type { TaskRecord } from './run-task.ts';

export class TaskIndex {
  readonly #byId: (TaskRecord | undefined)[] = [];
  readonly #byPath = new Map<string, TaskRecord>();

  add(task: TaskRecord): void {
    this.#byId[task.facts.id] = task;
    this.#byPath.set(task.path, task);
  }

  /** The task of that path; `id` is where it is probably found. */
  find(id: number, path: string): TaskRecord | undefined {
    const probable = this.#byId[id];
    return probable?.path === path ? probable : this.#byPath.get(path);
  }

  at(path: string): TaskRecord | undefined {
    return this.#byPath.get(path);
  }

  remove(task: TaskRecord): void {
    const { id } = task.facts;
    if (this.#byId[id] === task) this.#byId[id] = undefined;
    this.#byPath.delete(task.path);
  }

  /** In the order in which they were added. */
  all(): Iterable<TaskRecord> {
    return this.#byPath.values();
  }
}
