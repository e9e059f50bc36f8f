/**
 * The asynchronous context (`AsyncLocalStorage`) in which tasks were added, for their bodies: whoever asks for a result does not lend them
 * its own, and what one body enters is not seen by the next.
 */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/** Runs in a context that nothing inside of it can change for others. */
type Enter = <Value>(action: () => Value) => Value;

export class AsyncContexts {
  /** The first task of each addition, in order, and the context of that. */
  readonly #from: number[] = [];
  readonly #enter: Enter[] = [];

  /** Tasks from this one on are added in the present context. */
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
  // Where contexts are kept at resources, what a body enters stays at that of the snapshot: each body gets one of its own.
  return (action) => enter(() => new AsyncResource('PexenBody').runInAsyncScope(action));
}

/** Since Node 24 what is entered in a snapshot ends with it. */
const isolates = ((): boolean => {
  const storage = new AsyncLocalStorage<boolean>();
  const enter = AsyncLocalStorage.snapshot();
  enter(() => storage.enterWith(true));
  const isSeen = enter(() => storage.getStore());
  storage.disable();
  return isSeen !== true;
})();
