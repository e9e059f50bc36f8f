/** How long a service took until it was ready is a part of its attempt, in events and in results. */
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
