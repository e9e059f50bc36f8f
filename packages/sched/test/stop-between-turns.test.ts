/** A stop that comes while the thread is yielded reclaims what waits in the pool, before the pool can start it. */
import { task } from '@pexen/core';
import { beforeEach, expect, test, vi } from 'vitest';
import { inline, type Run, run } from '../src/index.ts';

const turns = vi.hoisted(() => ({ long: [] as boolean[], next: [] as (() => void)[] }));

vi.mock('../src/driver/event-loop.ts', () => ({
  isTurnLong: () => turns.long.shift() ?? false,
  nextTurn: (callback: () => void) => void turns.next.push(callback),
}));

beforeEach(() => {
  turns.long = [];
  turns.next = [];
});

test.each([
  ['drain', (execution: Run) => execution.drain('enough')],
  ['abort', (execution: Run) => execution.abort('enough')],
  ['kill', (execution: Run) => execution.kill('enough')],
] as const)('%s', async (_how, stop) => {
  const started: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const waits = task({ name: 'waits' }, () => {
    started.push('waits');
    return promise;
  });
  const others = ['second', 'third'].map((name) => task({ name }, () => void started.push(name)));
  const execution = run([waits, ...others], { pool: inline({ concurrency: 1 }), spare: 2 });
  turns.long = [false, false, true];
  const { summary } = execution;
  await vi.waitFor(() => expect(turns.next).toHaveLength(1));
  stop(execution);
  resolve();
  await promise;
  await new Promise(setImmediate);
  for (const next of turns.next.splice(0)) next();
  await summary;
  expect(started).toEqual(['waits']);
});
