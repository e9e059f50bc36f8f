/** The end of a thread, told in either order: by its port, and by Piscina. */
import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { afterAll, expect, test, vi } from 'vitest';
import { Thread } from '../src/thread.ts';

// Before the sources are loaded: they keep references of their own.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterAll(() => vi.useRealTimers());

/** A thread that nobody has begun: what it does is told by hand. */
function makeThread(): { thread: Thread; remote: MessagePort; ended: Promise<void> } {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const thread = new Thread('thread-1', {
    ...{ ready: () => {}, freed: () => {}, late: () => {}, returned: () => {} },
    ended: () => resolve(),
  });
  return { thread, remote: thread.startup(false).startup.port as MessagePort, ended };
}

test('no timer is left where its port closes before Piscina lets go of it', async () => {
  const { thread, remote, ended } = makeThread();
  const closed = once(remote, 'close');
  remote.close();
  await closed;
  while (vi.getTimerCount() === 0) await new Promise(setImmediate);
  thread.letGo('it exited');
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});

test('no timer is left where Piscina lets go of it first', async () => {
  const { thread, ended } = makeThread();
  thread.letGo('it exited');
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});
