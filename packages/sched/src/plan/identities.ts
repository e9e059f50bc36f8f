/** Which tasks are meant by an object: by a task itself, and by what tasks were made from. Looks at none before somebody asks. */
import { definitionKey, isTask, type Runnable } from '@pexen/core';

export class Identities {
  readonly #runnables: readonly Runnable[];
  readonly #tasks = new Map<object, number[]>();
  /** So many tasks are in there. */
  #count = 0;

  /** `runnables` may grow. */
  constructor(runnables: readonly Runnable[]) {
    this.#runnables = runnables;
  }

  /** Takes in the tasks that came since; `onIdentity` is told of each task and everything it is. */
  update(onIdentity: (task: number, identity: object) => void): void {
    for (; this.#count < this.#runnables.length; this.#count++)
      for (const identity of identitiesOf(this.#runnables[this.#count] as Runnable)) {
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

function identitiesOf(runnable: Runnable): ReadonlySet<object> {
  const found = new Set<object>([runnable]);
  for (const each of found) if (isTask(each)) found.add(each[definitionKey].madeFrom ?? each);
  return found;
}
