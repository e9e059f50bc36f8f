/** The progress of a run, and the remaining time. */
import { expect, test } from 'vitest';
import { RunScript } from '../src/conformance/run-script.ts';
import { RunModel } from '../src/index.ts';

interface Guess {
  readonly fraction: number;
  readonly remainingMs: number | undefined;
}

function guessAt(script: RunScript, nowMs: number): Guess {
  const model = new RunModel();
  for (const entry of script.entries) {
    if ('update' in entry) model.applyTaskUpdate(entry.update);
    else model.apply(entry.event);
  }
  return { fraction: model.fraction(nowMs), remainingMs: model.remainingMs(nowMs) };
}

test('there is no estimate without data', () => {
  expect(guessAt(new RunScript(), 0)).toEqual({ fraction: 0, remainingMs: undefined });
  expect(guessAt(new RunScript().tasks(['a', 'b']), 10_000)).toEqual({ fraction: 0, remainingMs: undefined });
});

test('measured tasks count by their expected duration, running ones by their time', () => {
  const script = new RunScript()
    .tasks(['long'], { weightMs: 8000 })
    .tasks(['short', 'last'], { weightMs: 1000 })
    .start(0, 'short')
    .end(1000, 'short')
    .start(1000, 'long');
  expect(guessAt(script, 5000)).toEqual({ fraction: 0.5, remainingMs: 5000 });
});

test('a task that takes longer than expected counts as nearly done, never as done', () => {
  const script = new RunScript().tasks(['late'], { weightMs: 1000 }).start(0, 'late');
  expect(guessAt(script, 60_000).fraction).toBe(0.95);
});

test('the progress that a task reports wins', () => {
  const script = new RunScript()
    .tasks(['counts'], { weightMs: 10_000 })
    .start(0, 'counts')
    .reports(100, 'counts', { kind: 'progress', progress: { done: 1, total: 2 } });
  expect(guessAt(script, 1000).fraction).toBe(0.5);
});

test('unmeasured tasks count with the average of those that ended', () => {
  const script = new RunScript().tasks(['a', 'b', 'c', 'd', 'e', 'f']);
  for (const [index, path] of ['a', 'b', 'c'].entries())
    script.start(2000 * index, path).end(2000 * (index + 1), path);
  expect(guessAt(script, 6000)).toEqual({ fraction: 0.5, remainingMs: 6000 });
});

test('skipped tasks are not work; added tasks are', () => {
  const script = new RunScript()
    .tasks(['a', 'b', 'c', 'd'], { weightMs: 1000 })
    .start(0, 'a')
    .end(1000, 'a')
    .skip(1000, 'b', { task: 'b', why: 'no' })
    .skip(1000, 'c', { task: 'c', why: 'no' });
  expect(guessAt(script, 1000).fraction).toBe(0.5);
  expect(guessAt(script.tasks(['e', 'f'], { weightMs: 1000 }, 1000), 1000).fraction).toBe(0.25);
});

test('the remaining time is at least that of the longest running task', () => {
  const script = new RunScript()
    .tasks(['long'], { weightMs: 60_000 })
    .tasks(['a', 'b', 'c'], { weightMs: 1000 })
    .start(0, 'long', 'w-1');
  for (const [index, path] of ['a', 'b', 'c'].entries()) script.start(0, path, `w-${index}`).end(4000, path);
  expect(guessAt(script, 4000).remainingMs).toBe(56_000);
});
