/** Which tasks are meant by an object: by a task itself, and by what tasks were made from. Looks at none before somebody asks. */
import { definitionKey, isTask, type Runnable } from '@pexen/core';

/** The tasks, by number. */
export interface Known {
  readonly count: number;
  /** Undefined for one that is over and that nobody else knows any more. */
  runnableOf(task: number): Runnable | undefined;
}

export class Identities {
  readonly #known: Known;
  /** What nobody else knows any more is not named any more. */
  readonly #tasks = new WeakMap<object, number[]>();
  /** So many tasks are in there. */
  #count = 0;

  /** `known` may grow. */
  constructor(known: Known) {
    this.#known = known;
  }

  /** Takes in the tasks that came since; `onIdentity` is told of each task and everything it is. */
  update(onIdentity: (task: number, identity: object) => void): void {
    for (; this.#count < this.#known.count; this.#count++)
      for (const identity of identitiesOf(this.#known.runnableOf(this.#count))) {
        const known = this.#tasks.get(identity);
        if (known === undefined) this.#tasks.set(identity, [this.#count]);
        else known.push(this.#count);
        onIdentity(this.#count, identity);
      }
  }

  /** Forgets the tasks from this one on, of which `known` still knows what they are. */
  cut(end: number): void {
    while (this.#count > end)
      for (const identity of identitiesOf(this.#known.runnableOf(--this.#count)))
        this.#tasks.get(identity)?.pop();
  }

  /** In the order of declaration. */
  tasksOf(identity: object): readonly number[] {
    return this.#tasks.get(identity) ?? [];
  }
}

/** The task itself, and what it was made from, nearest first. */
export function identitiesOf(runnable: Runnable | undefined): ReadonlySet<object> {
  if (runnable === undefined) return new Set();
  const found = new Set<object>([runnable]);
  for (const each of found) if (isTask(each)) found.add(each[definitionKey].madeFrom ?? each);
  return found;
}
