/** Which number a task has. Knows nothing until somebody asks. */
import type { Runnable } from '@pexen/core';

export class Finder {
  readonly #tasks: readonly Runnable[];
  readonly #numbers = new Map<Runnable, number>();
  /** So many tasks were looked at. */
  #seen = 0;

  /** `tasks` may grow, and lose what was added last. */
  constructor(tasks: readonly Runnable[]) {
    this.#tasks = tasks;
  }

  /** The number of the task; the first, if it was added more than once. */
  find(runnable: Runnable): number | undefined {
    for (; this.#seen < this.#tasks.length; this.#seen++) {
      const task = this.#tasks[this.#seen] as Runnable;
      if (!this.#numbers.has(task)) this.#numbers.set(task, this.#seen);
    }
    return this.#numbers.get(runnable);
  }

  /** All tasks from this number on are gone. */
  undo(from: number): void {
    if (this.#seen <= from) return;
    this.#numbers.clear();
    this.#seen = 0;
  }
}
