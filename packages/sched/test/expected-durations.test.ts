/** What earlier runs let expect of the durations of tasks: beyond a plain number, how far it can be relied on. */
import type { ExpectedDuration } from '@pexen/core';
import { expect, it } from 'vitest';
import { plan, run, task } from '../src/index.ts';
import { type RecordedStep, Recorder, replay } from '../src/replay.ts';

const expected: Readonly<Record<string, ExpectedDuration | number>> = {
  measured: { ms: 20, boundMs: 30, unusualMs: 1000 },
  guessed: { ms: 40, isGuess: true },
  plain: 10,
};
const names = ['unknown', 'plain', 'measured', 'guessed', 'stated'];
const entries = names.map((name) => task({ name, ...(name === 'stated' && { weight: 30 }) }, () => {}));
const planned = plan(entries, { weights: (path) => expected[path] });

it('orders tasks by what is expected, also where that is a guess', () => {
  expect(planned.order).toEqual(['guessed', 'stated', 'measured', 'plain', 'unknown']);
});

it('describes as expected only what was measured', () => {
  const described = planned
    .describe('/')
    .map(({ path, weightMs, unusualAfterMs }) => [path, weightMs, unusualAfterMs]);
  expect(described).toEqual([
    ['unknown', undefined, undefined],
    ['plain', 10, undefined],
    ['measured', 20, 1000],
    ['guessed', undefined, undefined],
    ['stated', 30, undefined],
  ]);
});

it('is kept in a part of a plan', () => {
  const part = planned.select(({ path }) => path !== 'stated');
  expect(part.order).toEqual(['guessed', 'measured', 'plain', 'unknown']);
  expect(part.describe('/').find(({ path }) => path === 'measured')?.unusualAfterMs).toBe(1000);
});

it('is part of the record of a run', async () => {
  const steps: RecordedStep[] = [];
  await run(planned, { record: new Recorder((step) => steps.push(step)) }).summary;
  const recorded = JSON.parse(JSON.stringify(steps)) as RecordedStep[];
  const tasks = recorded.flatMap((step) => (step.type === 'tasks' ? step.tasks : []));
  expect(tasks.map(({ path, weightMs }) => [path, weightMs])).toEqual(
    names.map((name) => [name, name === 'stated' ? 30 : expected[name]]),
  );
  expect(replay(recorded).differsAt).toBeUndefined();
});

it.each([{}, { ms: -1 }, { ms: 5, boundMs: '6' }, { ms: 5, unusualMs: Number.NaN }])(
  'refuses %o',
  (wrong) => {
    expect(() => plan(entries, { weights: () => wrong as ExpectedDuration })).toThrow(
      'weights("unknown") must return milliseconds, 0 or more, or undefined, not an object',
    );
  },
);
