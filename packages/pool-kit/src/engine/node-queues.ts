/**
 * Queues side by side: one for the attempts that any worker may run, and one for each node that attempts name, so that none of them waits for a worker
 * of another node.
 */
import { type Entry, Queue } from './queue.ts';

export class NodeQueues<T extends Entry> {
  readonly #nodeOf: (entry: T) => string | undefined;
  readonly #queues = new Map<string | undefined, Queue<T>>([[undefined, new Queue<T>()]]);

  constructor(nodeOf: (entry: T) => string | undefined) {
    this.#nodeOf = nodeOf;
  }

  /** Includes entries that are over and were not skipped yet. */
  get length(): number {
    let length = 0;
    for (const queue of this.#queues.values()) length += queue.length;
    return length;
  }

  get all(): Iterable<Queue<T>> {
    return this.#queues.values();
  }

  push(entry: T): void {
    this.#queueOf(this.#nodeOf(entry)).push(entry);
  }

  /** Puts these entries before all others of their queues, in their order. */
  putBack(entries: readonly T[]): void {
    for (const [name, own] of Map.groupBy(entries, this.#nodeOf)) this.#queueOf(name).putBack(own);
  }

  /** Removes and returns all entries of a node that still wait. */
  takeFor(name: string): readonly T[] {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    return queue?.takeAll() ?? [];
  }

  /** Removes and returns all entries that still wait. */
  takeAll(): readonly T[] {
    return [...this.#queues.values()].flatMap((queue) => queue.takeAll());
  }

  #queueOf(name: string | undefined): Queue<T> {
    const known = this.#queues.get(name) ?? new Queue<T>();
    this.#queues.set(name, known);
    return known;
  }
}
