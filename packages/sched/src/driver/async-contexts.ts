/**
 * The asynchronous context (`AsyncLocalStorage`) in which tasks were added, for their bodies. A body does not see the context of the caller
 * that pulls a result, nor what another body enters.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** Runs the action in a context of its own: changes inside are not visible outside. */
type Enter = <Value>(action: () => Value) => Value;

export class AsyncContexts {
  /** The first task of each addition, in order, and the context of the addition. */
  readonly #from: number[] = [];
  readonly #enter: Enter[] = [];

  /** The tasks from this one on are added in the present context. */
  capture(from: number): void {
    this.#from.push(from);
    this.#enter.push(present());
  }

  /** Runs the action in the context in which the task was added. */
  run<Value>(task: number, action: () => Value): Value {
    return (this.#enter[this.#additionOf(task)] as Enter)(action);
  }

  #additionOf(task: number): number {
    let low = 0;
    for (let high = this.#from.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if ((this.#from[middle] as number) <= task) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function present(): Enter {
  const enter = AsyncLocalStorage.snapshot();
  if (isolates) return enter;
  // Before Node 24 contexts belong to async resources, and what a body enters would stay in the snapshot: each body gets a resource of its own.
  return (action) => enter(() => new AsyncResource('PexenBody').runInAsyncScope(action));
}

/** Since Node 24 a context that is entered within a snapshot ends with it. */
const isolates = ((): boolean => {
  const storage = new AsyncLocalStorage<boolean>();
  const enter = AsyncLocalStorage.snapshot();
  enter(() => storage.enterWith(true));
  const isSeen = enter(() => storage.getStore());
  storage.disable();
  return isSeen !== true;
})();
