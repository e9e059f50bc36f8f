/** The picture fits its screen, for any content and any size. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { taskInfo } from '../src/conformance/run-script.ts';
import { RunModel, type RunSnapshot, type WaitingKind } from '../src/index.ts';
import { Frame, type Scene } from '../src/live/frame.ts';
import { widthOf } from '../src/text/width.ts';
import { hostile } from './hostile.ts';

const time = fc.integer({ min: 0, max: 10_000_000 });
const weight = fc.option(time, { nil: undefined });
const attempt = fc.record({
  ...{ worker: hostile, attempt: fc.integer({ min: 1, max: 9 }), startedAtMs: time, heardAtMs: time },
  ...{ tail: hostile, failedFindings: fc.nat({ max: 9 }) },
  progress: fc.record({ done: fc.integer(), total: fc.integer(), message: hostile }),
  retryAtMs: time,
});
const running = fc.record({
  facts: fc.record({ path: hostile, weightMs: weight }),
  attempt,
  isRetrying: fc.boolean(),
  saysProgress: fc.boolean(),
});
const names = fc.array(hostile, { maxLength: 4 });
const group = fc.record({
  ...{ count: fc.nat(), subject: hostile, by: names, who: names },
  ...{ isByTasks: fc.boolean(), isOver: fc.boolean() },
  kind: fc.constantFrom<WaitingKind>('resource', 'requirement', 'group', 'need', 'slot', 'unknown'),
});
const scene = fc.record({
  note: fc.option(hostile, { nil: undefined }),
  running: fc.array(running, { maxLength: 30 }),
  groups: fc.array(group, { maxLength: 8 }),
  poisoned: names,
  group: fc.option(hostile, { nil: undefined }),
  fraction: fc.double({ min: 0, max: 1, noNaN: true }),
  remainingMs: fc.option(time, { nil: undefined }),
  nowMs: time,
  waiting: fc.nat({ max: 50 }),
});
type HostileScene = typeof scene extends fc.Arbitrary<infer Value> ? Value : never;
const size = fc.record({ columns: fc.integer({ min: 1, max: 160 }), rows: fc.integer({ min: 1, max: 60 }) });

test('every line is narrower than the screen, and the picture is lower', () => {
  const frame = new Frame((_style, text) => text, 60_000);
  fc.assert(
    fc.property(scene, size, (seen, screen) => {
      const lines = frame.lines(sceneOf(seen), screen);
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, screen.rows - 1));
      for (const line of lines) {
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(widthOf(line)).toBeLessThanOrEqual(Math.max(1, screen.columns - 1));
      }
    }),
    { numRuns: 1500 },
  );
});

function sceneOf({ note, fraction, remainingMs, nowMs, ...seen }: HostileScene): Scene {
  const resources = seen.poisoned.map((resource) => ({
    ...{ resource, holders: [], waiting: [], poisonedBy: 'x' },
  }));
  const run: RunSnapshot = {
    ...new RunModel().snapshot(),
    counts: countsOf(seen.running.length, seen.waiting),
    running: seen.running.map(({ facts: { path, weightMs }, attempt, isRetrying, saysProgress }) => {
      const { retryAtMs, progress, ...rest } = attempt;
      return {
        ...{ state: isRetrying ? 'retrying' : 'running', sinceMs: 0, version: 1 },
        facts: taskInfo({ path, callPath: [path], ...(weightMs !== undefined && { weightMs }) }),
        running: { ...rest, ...(isRetrying && { retryAtMs }), ...(saysProgress && { progress }) },
      };
    }),
    waiting: { groups: seen.groups, others: 0 },
    inspected: { atMs: 0, resources, pools: [], services: [], group: seen.group },
  };
  return { note, fraction, remainingMs, nowMs, run };
}

function countsOf(running: number, waiting: number): RunSnapshot['counts'] {
  return { tasks: running + waiting, waiting, running, retrying: 0, serving: 0, done: 0 };
}

function many(count: number, tasks = 10): RunSnapshot {
  const model = new RunModel();
  const facts = Array.from({ length: tasks }, (_, id) =>
    taskInfo({ id, path: `${id}`, callPath: [`${id}`] }),
  );
  model.apply({ type: 'tasks-added', seq: 1, atMs: 0, origin: 'start', tasks: facts });
  for (const { id, path } of facts.slice(0, count))
    model.apply({ type: 'task-started', seq: 2 + id, atMs: 0, task: id, path, attempt: 1, worker: 'w' });
  return model.snapshot();
}

test('the height grows at once and shrinks late; the bar only goes back when tasks were added', () => {
  const frame = new Frame((_style, text) => text, 60_000);
  const screen = { columns: 60, rows: 40 };
  const at = (nowMs: number, fraction: number, count: number, tasks = 10): string[] =>
    frame.lines(
      { note: undefined, remainingMs: undefined, run: many(count, tasks), nowMs, fraction },
      screen,
    );
  expect(at(0, 0.5, 2)).toHaveLength(7);
  expect(at(100, 0.5, 6)).toHaveLength(11);
  expect(at(200, 0.4, 1)).toHaveLength(11);
  expect(at(300, 0.4, 1)[0]).toContain('50%');
  expect(at(4200, 0.4, 1)).toHaveLength(6);
  expect(at(4300, 0.3, 1, 20)[0]).toContain('30%');
});
