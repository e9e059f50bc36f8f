/** Times beyond the longest timer of the runtime, with the runtime's own clock. */
import { afterAll, expect, test, vi } from 'vitest';

// Before the sources are loaded, because they keep references of their own.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterAll(() => vi.useRealTimers());

const { run } = await import('../src/index.ts');

const day = 24 * 3_600_000;

test.each(['deadline', 'timeout'] as const)('a %s of 60 days is kept to the day', async (name) => {
  let stoppedAfterMs: number | undefined;
  const hangs = ({ signal }: { readonly signal: AbortSignal }): Promise<void> => {
    const startedMs = performance.now();
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        stoppedAfterMs = performance.now() - startedMs;
        resolve();
      });
    });
  };
  const options = name === 'deadline' ? { deadline: 60 * day } : { defaults: { timeout: 60 * day } };
  const summary = run([hangs], options).summary;
  await vi.advanceTimersByTimeAsync(60 * day - 1);
  expect(stoppedAfterMs).toBeUndefined();
  await vi.advanceTimersByTimeAsync(2);
  expect(stoppedAfterMs).toBeGreaterThanOrEqual(60 * day);
  expect((await summary).counts).toEqual({ [name === 'deadline' ? 'cancelled' : 'timed-out']: 1 });
  expect(vi.getTimerCount()).toBe(0);
});
