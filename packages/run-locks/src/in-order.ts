/**
 * Locks of several scopes for one run. Each task gets what it needs scope by scope, always in the same order: a task that waits in a later scope holds what it
 * has of earlier ones, and none waits for an earlier scope while it holds anything of a later one. So no two runs wait for each other.
 */
import type { LockRequestOfRun, RunLocks, RunLocksListener, TaskMeta } from '@pexen/core';

/** The scopes in their order, which has to be the same for all runs. */
export function inOrder(scopes: readonly RunLocks[]): RunLocks {
  return scopes.length === 1 ? (scopes[0] as RunLocks) : new LocksInOrder(scopes);
}

class LocksInOrder implements RunLocks {
  readonly #scopes: readonly RunLocks[];
  readonly #opened = new Set<RunLocks>();
  readonly #requests = new Map<number, LockRequestOfRun>();
  #listener: RunLocksListener | undefined;

  constructor(scopes: readonly RunLocks[]) {
    this.#scopes = scopes;
  }

  concerns(meta: TaskMeta): boolean {
    return this.#scopes.some((scope) => scope.concerns(meta));
  }

  open(listener: RunLocksListener): void {
    this.#listener = listener;
  }

  acquire(request: LockRequestOfRun): void {
    this.#requests.set(request.id, request);
    this.#acquireFrom(0, request);
  }

  release(id: number): void {
    this.#requests.delete(id);
    for (const scope of this.#opened) scope.release(id);
  }

  async close(): Promise<void> {
    const opened = [...this.#opened];
    this.#opened.clear();
    this.#requests.clear();
    await Promise.all(opened.map((scope) => scope.close()));
  }

  /** From the first scope from there on that concerns the task. */
  #acquireFrom(first: number, request: LockRequestOfRun): void {
    const at = this.#scopes.findIndex((scope, nth) => nth >= first && scope.concerns(request.meta));
    const scope = this.#scopes[at];
    if (scope === undefined) this.#listener?.granted(request.id);
    else this.#opening(scope, at).acquire(request);
  }

  #opening(scope: RunLocks, at: number): RunLocks {
    const listener = this.#listener as RunLocksListener;
    if (this.#opened.has(scope)) return scope;
    this.#opened.add(scope);
    scope.open({
      ...{ runId: listener.runId, outlivesMs: listener.outlivesMs },
      granted: (id) => {
        const request = this.#requests.get(id);
        if (request !== undefined) this.#acquireFrom(at + 1, request);
      },
      awaited: (id, wait) => listener.awaited(id, wait),
      lost: (id, reason) => listener.lost(id, reason),
      warn: (problem) => listener.warn(problem),
      fail: (error) => listener.fail(error),
    });
    return scope;
  }
}
