/** Several reporters as one: an error in one does not affect the others. */
import { runEventVersion } from '@pexen/core';
import { expect, test } from 'vitest';
import { RunScript } from '../src/conformance/run-script.ts';
import { multi, type Reporter, type ReporterProblem } from '../src/index.ts';

const events = new RunScript().tasks(['a']).start(1, 'a').end(2, 'a').ended(3).events;

function recording(): Reporter & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    event: ({ type }) => seen.push(type),
    taskUpdate: ({ update }) => seen.push(update.kind),
    attach: () => seen.push('attached'),
    note: (text) => seen.push(text),
    close: async () => {
      seen.push('closed');
    },
  };
}

test('each gets everything, in order', async () => {
  const both = [recording(), recording()];
  const all = multi(both, () => expect.unreachable());
  all.attach({ inspect: () => expect.unreachable() });
  for (const event of events) all.event(event);
  all.taskUpdate({ atMs: 2, task: 0, path: 'a', attempt: 1, update: { kind: 'heartbeat' } });
  all.note('look');
  await all.close();
  const expected = ['attached', ...events.map(({ type }) => type), 'heartbeat', 'look', 'closed'];
  expect(both.map(({ seen }) => seen)).toEqual([expected, expected]);
});

test('a reporter that fails is reported once, then only closed; the others continue', async () => {
  const problems: ReporterProblem[] = [];
  const [sound, broken] = [recording(), recording()];
  const failing: Reporter = {
    ...broken,
    event: (event) => {
      broken.event?.(event);
      throw new Error(`no ${event.type}`);
    },
    close: async () => {
      await broken.close();
      throw new Error('no close');
    },
  };
  const all = multi([failing, sound], (problem) => problems.push(problem));
  for (const event of events) all.event(event);
  await all.close();
  expect(problems).toEqual([{ reporter: 'reporter-1', error: new Error('no run-started') }]);
  expect(broken.seen).toEqual(['run-started', 'closed']);
  expect(sound.seen).toEqual([...events.map(({ type }) => type), 'closed']);
});

test('a reporter that fails only when it is closed is reported by its name', async () => {
  const problems: ReporterProblem[] = [];
  const failing: Reporter = {
    name: 'stream',
    event: () => {},
    close: () => Promise.reject(new Error('jam')),
  };
  await multi([failing], (problem) => problems.push(problem)).close();
  expect(problems).toEqual([{ reporter: 'stream', error: new Error('jam') }]);
});

test('task updates, views and notes are optional, and the listener for problems may fail', async () => {
  const plain: Reporter = {
    event: () => {
      throw new Error('no');
    },
    close: () => {
      throw new Error('not even a promise');
    },
  };
  const all = multi([plain], () => {
    throw new Error('no, too');
  });
  all.taskUpdate({ atMs: 0, task: 0, path: 'a', attempt: 1, update: { kind: 'heartbeat' } });
  all.note('look');
  const started = { type: 'run-started', version: runEventVersion, seq: 1, atMs: 0, startedAt: 0 } as const;
  all.event({ ...started, id: 'run-1', root: '/', versions: {}, pools: [] });
  await expect(all.close()).resolves.toBeUndefined();
});
