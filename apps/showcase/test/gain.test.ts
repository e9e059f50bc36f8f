import type { RunEvent } from 'pexen';
import { expect, test } from 'vitest';
import { gain } from '../src/gain.ts';

function attempt(path: string, worker: string, startedAtMs: number, durationMs: number): RunEvent[] {
  const facts = { attempt: 1, outcome: 'returned', worker, startedAtMs, durationMs } as const;
  return [
    { type: 'task-started', atMs: startedAtMs, path, attempt: 1, worker },
    { type: 'attempt-ended', atMs: startedAtMs + durationMs, path, attempt: facts },
  ];
}

test('says how long it took, and how long all attempts took added up', async () => {
  const lines: string[] = [];
  const reporter = gain((line) => lines.push(line));
  const events: RunEvent[] = [
    ...attempt('a', 'process 0', 0, 3000),
    ...attempt('b', 'process 1', 0, 1000),
    ...attempt('c', 'process 1', 1000, 2000),
    { type: 'run-ended', atMs: 4000, counts: { returned: 3 }, poisoned: [] },
  ];
  for (const event of events) reporter.event(event);
  await reporter.close();
  expect(lines.join('\n').split('\n').slice(0, 1)).toEqual([
    'Took 4.0 s; the same attempts one after the other add up to 6.0 s, 1.50 times as much.',
  ]);
});

test('says nothing of a run that never ended', async () => {
  const lines: string[] = [];
  const reporter = gain((line) => lines.push(line));
  for (const event of attempt('a', 'process 0', 0, 1000)) reporter.event(event);
  await reporter.close();
  expect(lines).toEqual([]);
});
