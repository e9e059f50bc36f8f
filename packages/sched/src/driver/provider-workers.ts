/**
 * The workers in which tasks ran, and which of them are gone. What a provider left running in a worker, such as a server, ends with the
 * worker, and that may be why a dependent fails. Knows nothing about outcomes.
 */
import type { ProviderGone } from '@pexen/core';
import { ints, Table } from '@pexen/core/columns';
import type { PoolId, TaskId } from '../machine/protocol.ts';

interface Worker {
  readonly name: string;
  /** How it ended. */
  gone: string | undefined;
}

/** How many tasks are considered for one that failed: more distant ones are unlikely to be the cause. */
const mostProviders = 1_000;

export class ProviderWorkers extends Table {
  /** By task: the number of the worker of its last attempt, which is one more than the index in `#workers`. */
  protected worker: Int32Array = ints();
  readonly #workers: Worker[] = [];
  /** Workers that are not gone, by pool and name. A name may be given again to another worker. */
  readonly #alive = new Map<PoolId, Map<string, number>>();
  #hasGone = false;

  /** The worker has started an attempt of the task. */
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

  /** An attempt of the service has started, in a worker of its own. */
  startedService(service: TaskId, name: string): void {
    this.reserve(service + 1);
    this.worker[service] = this.#workers.push({ name, gone: undefined });
  }

  /** The service has ended without having been asked to. */
  died(service: TaskId, reason: string): void {
    this.#hasGone = true;
    (this.#workers[this.#placeOf(service) - 1] as Worker).gone = reason;
  }

  /** The worker has ended or is being ended. Later reports about it do not count. */
  gone(pool: PoolId, name: string, reason: string): void {
    const alive = this.#alive.get(pool);
    const at = alive?.get(name);
    if (at === undefined) return;
    alive?.delete(name);
    this.#hasGone = true;
    (this.#workers[at - 1] as Worker).gone = reason;
  }

  /** The providers of the task, direct and indirect, whose workers are gone by now, nearest first. */
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
      // A provider in the same worker was available to the end.
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
