/** Slow reporters: a run never waits for them, and only output and progress may be lost. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { RunEvent, TaskUpdateEvent } from '@pexen/core';
import { expect, onTestFinished, test } from 'vitest';
import { RunScript } from '../src/conformance/run-script.ts';
import { decouple, multi, type Reporter } from '../src/index.ts';

/** A reporter that works on each call until `finish`. */
class Slow implements Reporter {
  readonly name = 'slow';
  readonly seen: string[] = [];
  readonly notes: string[] = [];
  #isFree = false;
  #release: (() => void) | undefined;

  event(event: RunEvent): unknown {
    this.seen.push('path' in event ? `${event.type} ${event.path}` : event.type);
    return this.#work();
  }

  taskUpdate({ update }: TaskUpdateEvent): unknown {
    this.seen.push(update.kind === 'output' ? update.text : update.kind);
    return this.#work();
  }

  note(text: string): void {
    this.notes.push(text);
  }

  async close(): Promise<void> {
    this.seen.push('closed');
  }

  /** Ends the current call and all further ones. */
  finish(): void {
    this.#isFree = true;
    this.#release?.();
  }

  #work(): Promise<void> | undefined {
    if (this.#isFree) return Promise.resolve();
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }
}

const unreachable = (): never => expect.unreachable();
const output = (text: string): TaskUpdateEvent => ({
  ...{ atMs: 1, task: 0, path: 'a', attempt: 1 },
  update: { kind: 'output', stream: 'stdout', text },
});

function manyTasks(count: number): RunScript {
  const script = new RunScript();
  for (let index = 0; index < count; index++)
    script
      .tasks([`t${index}`])
      .start(index, `t${index}`)
      .end(index + 1, `t${index}`);
  return script.ended(count);
}

const described = (event: RunEvent): string => ('path' in event ? `${event.type} ${event.path}` : event.type);

test('a reporter that returns promises gets every event in order, one after another, and the run never waits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-decouple-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const slow = new Slow();
  const all = multi([slow], unreachable, { queue: { events: 10, folder } });
  const { events } = manyTasks(2000);
  for (const event of events) all.event(event);
  expect(slow.seen).toEqual(['run-started']);
  expect(readdirSync(folder)).toEqual([]); // The file with the others has no name: it is removed with the process.
  slow.finish();
  await all.close();
  expect(slow.seen).toEqual([...events.map(described), 'closed']);
});

test('events during its catching up keep their order', async () => {
  const slow = new Slow();
  const all = multi([slow], unreachable, { queue: { events: 3 } });
  const { events } = manyTasks(50);
  for (const event of events.slice(0, 100)) all.event(event);
  slow.finish();
  for (const event of events.slice(100)) {
    await new Promise((resolve) => setImmediate(resolve));
    all.event(event);
  }
  await all.close();
  expect(slow.seen).toEqual([...events.map(described), 'closed']);
});

test('output above the limit is dropped and counted; findings and attachments never are', async () => {
  const slow = new Slow();
  const all = multi([slow], unreachable, { queue: { events: 2, updates: 1000 } });
  const { events } = new RunScript().tasks(['a']).start(1, 'a');
  for (const event of events) all.event(event);
  for (let line = 0; line < 1234; line++) all.taskUpdate(output(`line ${line}\nsecond\n`));
  all.taskUpdate({ ...output(''), update: { kind: 'progress', progress: { done: 1 } } });
  all.taskUpdate({ ...output(''), update: { kind: 'finding', finding: { name: 'f', status: 'fail' } } });
  all.taskUpdate({ ...output(''), update: { kind: 'attachment', attachment: { name: 'a' } } });
  slow.finish();
  await all.close();
  const kept = slow.seen.filter((text) => text.startsWith('line')).length;
  expect(kept).toBeLessThan(10);
  expect(slow.seen.slice(-3)).toEqual(['finding', 'attachment', 'closed']);
  const dropped = (2 * (1234 - kept)).toLocaleString('en-US');
  expect(slow.notes).toEqual([`… ${dropped} lines of output and 1 report of progress dropped`]);
});

test('its model has the state at the event that it gets, although the run is further', async () => {
  const seen: unknown[] = [];
  let goOn = (): void => {};
  const first = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const reporter: Reporter = {
    update: async (model, change) => {
      if (change.kind === 'run-started') await first;
      seen.push([change.kind, model.counts.done, model.version]);
    },
    close: async () => {},
  };
  const all = multi([reporter], unreachable, { queue: { events: 2 } });
  const { events } = manyTasks(3);
  for (const event of events) all.event(event);
  expect(all.model.counts.done).toBe(3);
  goOn();
  await all.close();
  const ends = seen.filter((each) => (each as string[])[0] === 'task-ended');
  expect(ends).toEqual([
    ['task-ended', 1, 5],
    ['task-ended', 2, 9],
    ['task-ended', 3, 13],
  ]);
  expect(seen).toHaveLength(events.length);
});

test('a reporter that fails late is reported once and closed; the others and the run continue', async () => {
  const problems: unknown[] = [];
  let isClosed = false;
  const failing: Reporter = {
    name: 'database',
    event: async ({ type }) => {
      if (type === 'task-started') throw new Error('no connection');
    },
    close: async () => {
      isClosed = true;
    },
  };
  const other = new Slow();
  other.finish();
  const all = multi([failing, other], (problem) => problems.push(problem), { queue: { events: 1 } });
  const { events } = manyTasks(20);
  for (const event of events) all.event(event);
  await all.close();
  expect(problems).toEqual([{ reporter: 'database', error: new Error('no connection') }]);
  expect(isClosed).toBe(true);
  expect(other.seen).toEqual([...events.map(described), 'closed']);
});

test('a rejection of a reporter that was synchronous before is reported, too', async () => {
  const problems: unknown[] = [];
  const reporter: Reporter = {
    event: ({ type }) => (type === 'run-ended' ? Promise.reject(new Error('late')) : undefined),
    close: async () => {},
  };
  const all = multi([reporter], ({ error }) => problems.push(error));
  for (const event of manyTasks(1).events) all.event(event);
  await all.close();
  expect(problems).toEqual([new Error('late')]);
});

test('a reporter that blocks the thread, with `decouple`, is called when the run has yielded', async () => {
  const slow = new Slow();
  slow.finish();
  const behind = decouple({
    name: 'by hand',
    event: (event) => slow.event(event),
    close: () => slow.close(),
  });
  const all = multi([behind], unreachable);
  const { events } = manyTasks(5);
  for (const event of events) all.event(event);
  expect(slow.seen).toEqual([]);
  await all.close();
  expect(slow.seen).toEqual([...events.map(described), 'closed']);
});

/** The bytes in use after a garbage collection. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

test('a flood of output to a blocked reporter takes a bounded amount of memory', async () => {
  const slow = new Slow();
  const all = multi([slow], unreachable, { queue: { updates: 100_000 } });
  for (const event of new RunScript().tasks(['a']).start(1, 'a').events) all.event(event);
  const before = heapInUse();
  for (let piece = 0; piece < 100_000; piece++) all.taskUpdate(output(`${piece} ${'x'.repeat(1000)}\n`));
  expect(heapInUse() - before).toBeLessThan(10_000_000);
  slow.finish();
  await all.close();
  expect(slow.notes).toEqual([expect.stringMatching(/^… 99,9\d\d lines of output dropped$/)]);
});
