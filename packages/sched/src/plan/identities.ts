/** Which tasks are meant by a task that is required as an object: itself, and those that were made from it. */
import { definitionKey, isTask, type Runnable } from '@pexen/core';

export class Identities {
  readonly #tasks = new Map<object, number[]>();
  /** So many tasks are in there. */
  #count = 0;

  /** Takes in the tasks that came since; `onIdentity` is told of each task and everything it is. */
  update(tasks: readonly Runnable[], onIdentity: (task: number, identity: object) => void): void {
    for (; this.#count < tasks.length; this.#count++)
      for (const identity of identitiesOf(tasks[this.#count] as Runnable)) {
        const known = this.#tasks.get(identity);
        if (known === undefined) this.#tasks.set(identity, [this.#count]);
        else known.push(this.#count);
        onIdentity(this.#count, identity);
      }
  }

  /** In the order of declaration. */
  tasksOf(identity: object): readonly number[] {
    return this.#tasks.get(identity) ?? [];
  }
}

function identitiesOf(runnable: Runnable): object[] {
  const found: object[] = [];
  let next: object | undefined = runnable;
  while (next !== undefined && !found.includes(next)) {
    found.push(next);
    next = isTask(next) ? next[definitionKey].madeFrom : undefined;
  }
  return found;
}
