/**
 * In which workers tasks ran, and which of these workers are gone: what a provider left running in one, such as a server, is gone with it, and that
 * may be why a dependent fails. Knows nothing of outcomes.
 */
import type { ProviderGone } from '@pexen/core';
import { ints, Table } from '@pexen/core/columns';
import type { PoolId, TaskId } from '../machine/protocol.ts';

interface Worker {
  readonly name: string;
  /** How it ended. */
  gone: string | undefined;
}

/** So many tasks are looked at for one that failed: who is farther away is hardly its cause. */
const mostProviders = 1_000;

export class ProviderWorkers extends Table {
  /** By task: one more than the place of the worker of its last attempt in `#workers`. */
  protected worker: Int32Array = ints();
  readonly #workers: Worker[] = [];
  /** Those that are not gone, by pool and name. A name may be given again to another worker. */
  readonly #alive = new Map<PoolId, Map<string, number>>();
  #hasGone = false;

  /** An attempt of the task has started there. */
  started(task: TaskId, pool: PoolId, name: string): void {
    const alive = this.#alive.get(pool) ?? new Map<string, number>();
    if (alive.size === 0) this.#alive.set(pool, alive);
    let at = alive.get(name);
    if (at === undefined) {
      at = this.#workers.push({ name, gone: undefined });
      alive.set(name, at);
    }
    this.reserve(task + 1);
    this.worker[task] = at;
  }

  /** The worker has ended or is being ended; what is told of it later does not count. */
  gone(pool: PoolId, name: string, reason: string): void {
    const alive = this.#alive.get(pool);
    const at = alive?.get(name);
    if (at === undefined) return;
    alive?.delete(name);
    this.#hasGone = true;
    (this.#workers[at - 1] as Worker).gone = reason;
  }

  /** Those that the task builds on, directly or through others, and whose workers are gone by now, nearest first. */
  goneFor(
    task: TaskId,
    providersOf: (task: TaskId) => readonly TaskId[],
    pathOf: (task: TaskId) => string,
  ): readonly ProviderGone[] {
    if (!this.#hasGone) return [];
    const own = this.#placeOf(task);
    const found: ProviderGone[] = [];
    const seen = new Set([task]);
    for (const each of seen) {
      const at = this.#placeOf(each);
      const { name = '', gone } = this.#workers[at - 1] ?? {};
      // What shared its worker had it to the end.
      if (gone !== undefined && at !== own)
        found.push({ provider: pathOf(each), worker: name, reason: gone });
      if (seen.size < mostProviders) for (const provider of providersOf(each)) seen.add(provider);
    }
    return found;
  }

  #placeOf(task: TaskId): number {
    return this.worker[task] ?? 0;
  }
}
