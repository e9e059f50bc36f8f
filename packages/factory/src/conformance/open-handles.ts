/** What a piece of code leaves open: timers, processes, watchers, connections. What a test tool opens meanwhile is not counted. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** Kinds of handles that last until they are closed, and notify when they are. */
const kinds =
  /^(?:Timeout|PROCESSWRAP|PIPEWRAP|PIPESERVERWRAP|TCPWRAP|TCPSERVERWRAP|UDPWRAP|FSEVENTWRAP|STATWATCHER)$/;

/** Handles need some turns of the event loop to be closed. */
const mostTurns = 100;

/** The kinds of the handles that the call, and everything that it starts, has opened and not closed. */
export async function handlesLeftBy(use: () => Promise<void>): Promise<readonly string[]> {
  const open = new Map<number, string>();
  const watched = new AsyncLocalStorage<true>();
  const hook = createHook({
    init: (id, kind) => {
      if (kinds.test(kind) && watched.getStore()) open.set(id, kind);
    },
    destroy: (id) => void open.delete(id),
  }).enable();
  try {
    await watched.run(true, use);
    for (let turns = 0; open.size > 0 && turns < mostTurns; turns++)
      await new Promise((resolve) => setImmediate(resolve));
    return [...open.values()];
  } finally {
    hook.disable();
  }
}
