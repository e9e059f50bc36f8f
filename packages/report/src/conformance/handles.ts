/** What a reporter leaves open. Only what it made itself counts: the test tool has timers of its own, which come and go meanwhile. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** What lasts until it is closed, and notifies when it is. */
const kinds =
  /^(Timeout|PROCESSWRAP|WORKER|PIPEWRAP|PIPESERVERWRAP|TCPWRAP|TCPSERVERWRAP|UDPWRAP|FSEVENTWRAP|STATWATCHER)$/;

interface Handle {
  readonly kind: string;
  readonly resource: { readonly hasRef?: () => boolean };
}

export class HandleCensus {
  readonly #alive = new Map<number, Handle>();
  readonly #watched = new AsyncLocalStorage<true>();
  readonly #hook = createHook({
    init: (id, kind, _trigger, resource) => {
      if (kinds.test(kind) && this.#watched.getStore()) this.#alive.set(id, { kind, resource });
    },
    destroy: (id) => void this.#alive.delete(id),
  }).enable();

  /** Counts what this call opens, and all asynchronous code that it starts. */
  watch<Result>(use: () => Promise<Result>): Promise<Result> {
    return this.#watched.run(true, use);
  }

  /** The kinds of what is open and keeps the process alive, one entry each. */
  open(): readonly string[] {
    const referenced = [...this.#alive.values()].filter(({ resource }) => resource.hasRef?.() !== false);
    return referenced.map(({ kind }) => kind);
  }

  stop(): void {
    this.#hook.disable();
  }
}
