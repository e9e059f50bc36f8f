/** The picture fits its screen, whatever is in it and however small the screen is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Frame, type Scene } from '../src/live/frame.ts';
import { Tally } from '../src/tally.ts';
import { widthOf } from '../src/text/width.ts';
import { hostile } from './hostile.ts';

const time = fc.integer({ min: 0, max: 10_000_000 });
const running = fc.record({
  ...{
    path: hostile,
    worker: hostile,
    attempt: fc.integer({ min: 1, max: 9 }),
    sinceMs: time,
    heardAtMs: time,
  },
  ...{
    expectedMs: fc.option(time, { nil: undefined }),
    slowAfterMs: time,
    tail: hostile,
    failed: fc.nat({ max: 9 }),
  },
  retryAtMs: fc.option(time, { nil: undefined }),
  progress: fc.option(fc.record({ done: fc.integer(), total: fc.integer(), message: hostile }), {
    nil: undefined,
  }),
});
const names = fc.array(hostile, { maxLength: 4 });
const group = fc.record({
  count: fc.nat(),
  what: hostile,
  how: fc.constant('held by'),
  by: names,
  who: names,
});
const blocked = fc.record({
  groups: fc.array(group, { maxLength: 8 }),
  poisoned: names,
  group: fc.option(hostile, { nil: undefined }),
});
const scene = fc.record({
  note: fc.option(hostile, { nil: undefined }),
  running: fc.array(running, { maxLength: 30 }),
  blocked: fc.option(blocked, { nil: undefined }),
  fraction: fc.double({ min: 0, max: 1, noNaN: true }),
  remainingMs: fc.option(time, { nil: undefined }),
  nowMs: time,
  waiting: fc.nat({ max: 50 }),
});
const size = fc.record({ columns: fc.integer({ min: 1, max: 160 }), rows: fc.integer({ min: 1, max: 60 }) });

test('no line is as wide as the screen, and the picture is lower than it', () => {
  const frame = new Frame((_style, text) => text);
  fc.assert(
    fc.property(scene, size, ({ waiting, ...seen }, screen) => {
      const lines = frame.lines(sceneOf(seen, waiting), screen);
      expect(lines.length).toBeLessThanOrEqual(Math.max(1, screen.rows - 1));
      for (const line of lines) {
        expect(line).not.toMatch(/\p{Cc}/u);
        expect(widthOf(line)).toBeLessThanOrEqual(Math.max(1, screen.columns - 1));
      }
    }),
    { numRuns: 1500 },
  );
});

function sceneOf(seen: Omit<Scene, 'tally'>, waiting: number): Scene {
  const tally = new Tally();
  tally.tasks = seen.running.length + waiting;
  return { ...seen, tally };
}

const quiet = { note: undefined, blocked: undefined, remainingMs: undefined };
const task = {
  path: 'a',
  worker: 'w',
  attempt: 1,
  sinceMs: 0,
  heardAtMs: 0,
  expectedMs: undefined,
  slowAfterMs: 60_000,
};
const silent = { retryAtMs: undefined, progress: undefined, tail: '', failed: 0 };
const many = (count: number): Scene['running'] =>
  Array.from({ length: count }, () => ({ ...task, ...silent }));

test('its height grows at once and shrinks late; its bar only goes back when tasks were added', () => {
  const frame = new Frame((_style, text) => text);
  const tally = new Tally();
  tally.tasks = 10;
  const screen = { columns: 60, rows: 40 };
  const at = (nowMs: number, fraction: number, count: number): string[] =>
    frame.lines({ ...quiet, tally, nowMs, fraction, running: many(count) }, screen);
  expect(at(0, 0.5, 2)).toHaveLength(6);
  expect(at(100, 0.5, 6)).toHaveLength(10);
  expect(at(200, 0.4, 1)).toHaveLength(10);
  expect(at(300, 0.4, 1)[0]).toContain('50%');
  expect(at(4200, 0.4, 1)).toHaveLength(5);
  tally.tasks = 20;
  expect(at(4300, 0.3, 1)[0]).toContain('30%');
});
