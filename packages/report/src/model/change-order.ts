/** All tasks of a model by their last change, the latest one last. A change costs the same however many tasks there are. */
import type { TaskRecord } from './run-task.ts';

export class ChangeOrder {
  #first: TaskRecord | undefined;
  #last: TaskRecord | undefined;

  /** The task changed in that version of the model: it is the latest one now. */
  touch(task: TaskRecord, version: number): void {
    task.version = version;
    task.image = undefined;
    if (this.#last === task) return;
    this.remove(task);
    task.earlier = this.#last;
    if (this.#last === undefined) this.#first = task;
    else this.#last.later = task;
    this.#last = task;
  }

  /** Takes a task out; nothing happens if it was never in. */
  remove(task: TaskRecord): void {
    const { earlier, later } = task;
    if (earlier !== undefined) earlier.later = later;
    else if (this.#first === task) this.#first = later;
    if (later !== undefined) later.earlier = earlier;
    else if (this.#last === task) this.#last = earlier;
    task.earlier = undefined;
    task.later = undefined;
  }

  /** The tasks that changed after that version, the one that changed first coming first. Costs as much as there are such tasks. */
  since(version: number): TaskRecord[] {
    const found: TaskRecord[] = [];
    for (let task = this.#last; task !== undefined && task.version > version; task = task.earlier)
      found.push(task);
    return found.reverse();
  }
}
