/**
 * The handles that a pool leaves behind: those that keep the thread alive, and those that do not, which `process.getActiveResourcesInfo()` does not
 * list. Handles of a test tool are not counted. Knows no rule.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { startTimer } from '@pexen/core/timers';
import type { TestHarness } from './test-harness.ts';

/**
 * Kinds of handles that last until they are closed, and notify when they are. Message ports are not among them: a port whose other end is gone looks like
 * an unreferenced one until it is garbage-collected.
 */
const kinds =
  /^(Timeout|PROCESSWRAP|PIPEWRAP|PIPESERVERWRAP|TCPWRAP|TCPSERVERWRAP|UDPWRAP|FSEVENTWRAP|STATWATCHER)$/;

const plainNames: Readonly<Record<string, string>> = {
  Timeout: 'timer',
  PROCESSWRAP: 'process',
  PIPEWRAP: 'pipe',
  PIPESERVERWRAP: 'server on a path',
  TCPWRAP: 'socket',
  TCPSERVERWRAP: 'server on a port',
  UDPWRAP: 'UDP socket',
  FSEVENTWRAP: 'file watcher',
  STATWATCHER: 'file watcher',
};

/** A handle, and where it was made. */
export interface Handle {
  readonly kind: string;
  readonly resource: { readonly hasRef?: () => boolean };
  readonly stack: string | undefined;
}

export class HandleCensus {
  readonly #alive = new Map<number, Handle>();
  readonly #watched = new AsyncLocalStorage<true>();
  readonly #hook = createHook({
    init: (id, kind, _trigger, resource) => {
      if (kinds.test(kind) && this.#watched.getStore())
        this.#alive.set(id, { kind, resource, stack: new Error('made here').stack });
    },
    destroy: (id) => void this.#alive.delete(id),
  }).enable();

  /** Counts the handles that are made by this call, and by all asynchronous code that it starts. */
  watch<T>(use: () => Promise<T>): Promise<T> {
    return this.#watched.run(true, use);
  }

  /** The unreferenced handles that exist now. */
  hidden(): ReadonlyMap<number, Handle> {
    return new Map([...this.#alive].filter(([, { resource }]) => resource.hasRef?.() === false));
  }

  /** Describes the handles that were added since, of kinds of which there are more now. Waits a while for them to be closed. */
  async addedTo(before: ReadonlyMap<number, Handle>): Promise<readonly string[]> {
    const added = (): readonly string[] => addedTo(before, this.hidden());
    // A second; and some turns of the loop, should the machine pause for that second.
    const deadline = performance.now() + 1_000;
    for (let turns = 0; added().length > 0 && (turns < 100 || performance.now() < deadline); turns++)
      await new Promise<void>((resolve) => startTimer(5, resolve));
    return added();
  }

  stop(): void {
    this.#hook.disable();
  }
}

function addedTo(before: ReadonlyMap<number, Handle>, now: ReadonlyMap<number, Handle>): readonly string[] {
  const [countsBefore, counts] = [countsOf(before), countsOf(now)];
  return [...now]
    .filter(([id, { kind }]) => !before.has(id) && (counts.get(kind) ?? 0) > (countsBefore.get(kind) ?? 0))
    .map(([, { kind, stack }]) => `a ${plainNames[kind] ?? kind}${placeIn(stack)}`);
}

function countsOf(handles: ReadonlyMap<number, Handle>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { kind } of handles.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Where a handle was made: the first line of its stack that is neither in the runtime nor in this file. */
function placeIn(stack = ''): string {
  const lines = stack.split('\n').slice(1);
  const line = lines.find((each) => !/\(?node:|conformance\/handles/.test(each));
  return line === undefined ? '' : ` made ${line.trim()}`;
}

// Handles that keep the thread alive, and listeners of the process.

/** The returned function resolves with the handles that were added since. */
export async function handlesAdded(harness: TestHarness): Promise<() => Promise<readonly string[]>> {
  // These two are made on first use.
  void [process.stdout, process.stderr];
  // Counted twice: a handle that is gone a moment later must not be mistaken for a new one.
  const [first, , second] = [handles(), await harness.lull(), handles()];
  const before = new Map([...first].map(([kind, count]) => [kind, Math.min(count, second.get(kind) ?? 0)]));
  return async () => {
    // A second; and some turns of the loop, should the machine pause for that second.
    const deadline = performance.now() + 1_000;
    for (
      let turns = 0;
      addedReferenced(before).length > 0 && (turns < 100 || performance.now() < deadline);
      turns++
    )
      await new Promise(setImmediate);
    return addedReferenced(before);
  };
}

/** The number of listeners of each event of `process`. */
export function listeners(): Readonly<Record<string, number>> {
  const names = process.eventNames().filter((name) => typeof name === 'string');
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]));
}

/** The number of handles of each kind that keep this thread alive. */
function handles(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

const referencedKinds = /^(Timeout|Worker|MessagePort|ProcessWrap|ChildProcess|Pipe|TCP|UDP|FSEvent)/;

function addedReferenced(before: ReadonlyMap<string, number>): string[] {
  return [...handles()]
    .filter(([kind, count]) => referencedKinds.test(kind) && count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} × ${kind}`);
}
