/** The time that a service takes until it is ready: a part of its attempt, in events and in results, and limited by its timeout. */
import type { RunEvent } from '@pexen/core';
import { expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { run, service, task } from '../src/index.ts';

test('the time to readiness is in the event, in the attempt and in the result', async () => {
  const clock = new ScriptedClock(0);
  const server = service({ name: 'server' }, async ({ ready, signal }) => {
    await clock.advance(30);
    ready();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  });
  const user = task({ name: 'user', requires: [server] }, () => clock.advance(500));
  const running = run([server, user], { clock });
  const events: RunEvent[] = [];
  running.events.on('event', (event) => events.push(event));
  const result = await running.of(server);
  expect(result.attempts).toMatchObject([{ readyAfterMs: 30, durationMs: 530 }]);
  const seen = events.flatMap((event) => {
    if (event.type === 'service-ready') return [['ready', event.afterMs]];
    return event.type === 'attempt-ended' ? [[event.path, event.attempt.readyAfterMs]] : [];
  });
  expect(seen).toEqual([
    ['ready', 30],
    ['user', undefined],
    ['server', 30],
  ]);
});

test('one that takes too long was not ready', async () => {
  const clock = new ScriptedClock(0);
  const slow = service({ name: 'slow', timeout: 100 }, async ({ signal }) => {
    const isAborted = new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    void clock.advance(100);
    await isAborted;
  });
  const running = run([slow, task({ name: 'user', requires: [slow] }, () => {})], { clock });
  expect(await running.of(slow)).toMatchObject({
    status: 'timed-out',
    reason: [{ why: 'was not ready after 100 ms' }],
  });
});
