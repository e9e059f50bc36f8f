/** How often messages are made, and for whom: a feed by itself, with a clock that the test moves. */

import type { RunEvent } from '@pexen/core';
import { RunModel } from '@pexen/report';
import { expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { Feed } from '../../src/server/feed.ts';

const frame = { title: 'small', command: 'pexen run' };

interface Shown {
  readonly clock: ScriptedClock;
  readonly feed: Feed;
  readonly model: RunModel;
  change(): void;
}

/** A feed of a run of 1,000 tasks; each change ends the next one. */
function shown(): Shown {
  const clock = new ScriptedClock();
  const feed = new Feed(frame, clock);
  const model = new RunModel();
  const pathOf = (id: number): string => `t${id}`;
  const tasks = Array.from({ length: 1_000 }, (_, id) => ({ id, path: pathOf(id), callPath: [pathOf(id)] }));
  model.apply({ type: 'tasks-added', seq: 1, atMs: 0, origin: 'start', tasks } as unknown as RunEvent);
  feed.show(model);
  let ended = 0;
  const change = (): void => {
    const id = ended++;
    const of = { seq: id + 2, atMs: id, task: id, path: pathOf(id), callPath: [pathOf(id)] };
    model.apply({ type: 'task-skipped', ...of, reason: [] } as unknown as RunEvent);
    feed.changed();
  };
  return { clock, feed, model, change };
}

/** Reads the pieces of one message, whose last one ends with an empty line. */
async function readOne(pieces: AsyncIterator<string, unknown>): Promise<string> {
  let text = '';
  while (!text.endsWith('\n\n')) {
    const { value, done } = await pieces.next();
    if (done === true) return text;
    text += value;
  }
  return text;
}

function tasksIn(message: string): number {
  const data = JSON.parse(message.split('\ndata: ')[1] ?? '{}');
  return (data.document ?? data).tasks.length;
}

test('a page that does not read is sent nothing, and then one message for all that it has missed', async () => {
  const { feed, clock, change, model } = shown();
  const pieces = feed.messages(undefined, new AbortController().signal);
  expect(await readOne(pieces)).toBe(': live\n\n');
  expect(tasksIn(await readOne(pieces))).toBe(1_000);
  for (let count = 0; count < 500; count++) change();
  const reading = readOne(pieces);
  await clock.advance(250);
  const message = await reading;
  expect(tasksIn(message)).toBe(500);
  expect(message).toContain(`id: 2.${model.version}\n`);
});

test('a page that reads gets four messages a second, however much happens', async () => {
  const { feed, clock, change } = shown();
  const pieces = feed.messages(undefined, new AbortController().signal);
  await readOne(pieces);
  await readOne(pieces);
  let messages = 0;
  const reading = (async () => {
    while ((await readOne(pieces)) !== '') messages++;
  })();
  for (let ms = 0; ms < 5_000; ms += 25) {
    change();
    await clock.advance(25);
  }
  expect(messages).toBeGreaterThan(15);
  expect(messages).toBeLessThanOrEqual(20);
  feed.end({ exitCode: 0 });
  await reading;
});

test('where nothing happens a page gets a sign of life', async () => {
  const { feed, clock } = shown();
  const pieces = feed.messages(undefined, new AbortController().signal);
  await readOne(pieces);
  await readOne(pieces);
  const reading = readOne(pieces);
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(15_000);
  expect(await reading).toBe(': still here\n\n');
});

test('a page that is gone leaves nothing behind', async () => {
  const { feed, clock, change } = shown();
  const gone = new AbortController();
  const pieces = feed.messages(undefined, gone.signal);
  await readOne(pieces);
  await readOne(pieces);
  expect(feed.pages).toBe(1);
  const reading = readOne(pieces);
  await new Promise((resolve) => setImmediate(resolve));
  gone.abort();
  expect(await reading).toMatch(/^$|: still here/);
  await pieces.return();
  expect(feed.pages).toBe(0);
  change();
  expect(clock.pending).toBe(0);
});
