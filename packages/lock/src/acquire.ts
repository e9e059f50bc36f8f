/** Locks for people without the scheduler: promises over a LockTable. */
import type { Resource } from '@pexen/core';
import type { LockRequest } from './demands.ts';

export interface AcquireOptions {
  /** Gives up waiting; `acquire` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Smaller goes first; default 0. Equal ones go by arrival. */
  readonly priority?: number;
}

/** What you hold. `await using held = await locks.acquire(…)` gives it back at the end of the block. */
export interface Held extends Disposable, AsyncDisposable {
  /** Gives it back now. Harmless the second time. */
  release(): void;
}

/** Fair hierarchical read-write locks with amounts, several at once, without deadlock. */
export class Locks {
  constructor(_options: { readonly capacities?: Iterable<readonly [Resource, number]> } = {}) {}

  /** Waits until everything is free at once, then holds it. */
  acquire(_request: LockRequest, _options: AcquireOptions = {}): Promise<Held> {
    return Promise.reject(new Error('not yet'));
  }
}
