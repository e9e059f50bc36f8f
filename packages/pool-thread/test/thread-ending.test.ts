/** The end of a thread, reported in either order: by its port, and by Piscina. */
import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { ConnectionEvents } from '@pexen/pool-kit';
import { expect, test } from 'vitest';
import { ThreadConnection, type ThreadOwner } from '../src/thread-connection.ts';

const owner: ThreadOwner = { end: () => {}, left: () => {}, gone: () => {} };

/** A thread that was never started: the test reports its events. */
function makeThread(): { thread: ThreadConnection; remote: MessagePort; gone: Promise<string> } {
  const { promise: gone, resolve } = Promise.withResolvers<string>();
  const events = { gone: resolve } as unknown as ConnectionEvents;
  const thread = new ThreadConnection('thread-1', events, owner);
  return { thread, remote: thread.startup(false).startup.port as MessagePort, gone };
}

test('is reported once its port has closed and Piscina has released it', async () => {
  const { thread, remote, gone } = makeThread();
  const closed = once(remote, 'close');
  remote.close();
  await closed;
  thread.released('it exited');
  expect(await gone).toBe('ended: it exited');
});

test('is reported where Piscina releases it first', async () => {
  const { thread, gone } = makeThread();
  thread.released('it exited');
  expect(await gone).toBe('ended: it exited');
});
