/** Locks without the scheduler: promises over a lock table, which decides everything. */
import { checkHeld, refuse } from '@pexen/core';
import { type Holder, NONE, TAKEN } from './holders.ts';
import type { Capacities } from './lock-table.ts';
import { LockTable } from './lock-table.ts';
import type { LockRequest } from './requests.ts';

/** Options of a `Locks`. */
export interface LocksOptions {
  /** How many units there are of a resource. */
  readonly capacities?: Capacities | undefined;
  /** How many later requests may start before one that waits, where what they need is free. At least 1, default 64. */
  readonly bypasses?: number | undefined;
  /** How many later requests of better priority may start before the one that waits longest for the same. At least 1, default 512. */
  readonly latecomers?: number | undefined;
}

/** How one `acquire` waits. */
export interface AcquireOptions {
  /** Gives up waiting: `acquire` rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Smaller goes first; default 0. Equal ones go by arrival. */
  readonly priority?: number | undefined;
}

/** A lock that you hold. `await using held = await locks.acquire(…)` releases it at the end of the block. */
export interface Held extends Disposable, AsyncDisposable {
  /** Releases it now. Harmless the second time. */
  release(): void;
}

/** A call of `acquire`, as long as it waits or holds. */
interface Caller {
  readonly compiled: number;
  /** Gives up waiting when this is aborted. */
  readonly signal: AbortSignal | undefined;
  readonly resolve: (held: Held) => void;
  readonly reject: (reason: unknown) => void;
}

/** The holders that wait under one signal, with one listener for all: adding and removing a listener takes as long as there are listeners. */
interface Watch {
  readonly holders: Set<Holder>;
  readonly onAbort: () => void;
}

/**
 * Fair hierarchical read-write locks with amounts, several at once, without deadlock: a caller that waits holds nothing.
 *
 * @example
 * const locks = new Locks();
 * await using held = await locks.acquire({ uses: ['/etc'], claims: ['/etc/hosts'] });
 */
export class Locks {
  /** For `describeNodes` and `describeWaits`. Holders are numbered by arrival, and numbers are reused. */
  readonly table: LockTable;
  readonly #callers: (Caller | undefined)[] = [];
  readonly #unused: Holder[] = [];
  readonly #watches = new Map<AbortSignal, Watch>();
  #arrivals = 0;

  constructor(options: LocksOptions = {}) {
    this.table = new LockTable(options);
  }

  /**
   * Waits until everything is free at the same time, then takes it.
   *
   * @throws PexenError PEXEN_BAD_META, PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE, or the reason of the signal.
   */
  async acquire(request: LockRequest, { signal, priority = 0 }: AcquireOptions = {}): Promise<Held> {
    signal?.throwIfAborted();
    refuse(checkHeld(request));
    const compiled = this.table.compile(request);
    const holder = this.#unused.pop() ?? this.#callers.length;
    const { promise, resolve, reject } = Promise.withResolvers<Held>();
    this.#callers[holder] = { compiled, signal, resolve, reject };
    this.table.enrol(holder, compiled, priority, -this.#arrivals++);
    if (this.table.tryTake(holder) === TAKEN) return this.#heldBy(holder);
    this.table.park(holder);
    if (signal !== undefined) this.#watch(signal, holder);
    return promise;
  }

  #watch(signal: AbortSignal, holder: Holder): void {
    let watch = this.#watches.get(signal);
    if (watch === undefined) {
      watch = { holders: new Set(), onAbort: () => this.#abort(signal) };
      this.#watches.set(signal, watch);
      signal.addEventListener('abort', watch.onAbort, { once: true });
    }
    watch.holders.add(holder);
  }

  #unwatch(signal: AbortSignal, holder: Holder): void {
    const watch = this.#watches.get(signal);
    watch?.holders.delete(holder);
    if (watch?.holders.size !== 0) return;
    this.#watches.delete(signal);
    signal.removeEventListener('abort', watch.onAbort);
  }

  /** Removes all that wait under the signal before it grants anything: none of them gets a lock that it no longer wants. */
  #abort(signal: AbortSignal): void {
    const holders = this.#watches.get(signal)?.holders ?? [];
    this.#watches.delete(signal);
    for (const holder of holders) {
      this.#callers[holder]?.reject(signal.reason);
      this.#leave(holder);
    }
    this.#grantFree();
  }

  #heldBy(holder: Holder): Held {
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      this.#leave(holder);
      this.#grantFree();
    };
    return {
      release,
      [Symbol.dispose]: release,
      [Symbol.asyncDispose]: async () => release(),
    };
  }

  /** Removes the holder, with what it holds. */
  #leave(holder: Holder): void {
    const { compiled } = this.#callers[holder] as Caller;
    this.table.withdraw(holder);
    this.table.release(holder);
    this.table.forget(compiled);
    this.#callers[holder] = undefined;
    this.#unused.push(holder);
  }

  /** Grants every request that is free now. */
  #grantFree(): void {
    for (let next = this.table.nextRunnable(); next !== NONE; next = this.table.nextRunnable()) {
      this.table.tryTake(next);
      const { signal, resolve } = this.#callers[next] as Caller;
      if (signal !== undefined) this.#unwatch(signal, next);
      resolve(this.#heldBy(next));
    }
  }
}
