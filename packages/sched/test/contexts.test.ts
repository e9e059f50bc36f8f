/** Bodies run in the asynchronous context in which their tasks were added. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { task } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, run } from '../src/index.ts';

const storage = new AsyncLocalStorage<string>();

test('bodies run in the context that added their task, not in the one that pulls results', async () => {
  const seen: unknown[] = [];
  const look = (name: string) =>
    task(
      { name, retries: 1, cleanup: () => void seen.push(`tidies ${storage.getStore()}`) },
      async ({ attempt }) => {
        seen.push(`${name} ${storage.getStore()}`);
        await undefined;
        seen.push(`${name} later ${storage.getStore()}`);
        if (name === 'fails' && attempt === 1) throw new Error('again');
      },
    );
  const going = storage.run('first', () => run([look('a'), look('fails')]));
  await storage.run('consumer', async () => {
    for await (const { path } of going) {
      if (path === 'a') storage.run('second', () => going.add([look('b')]));
      seen.push(`loop ${storage.getStore()}`);
    }
  });
  expect(seen).toEqual([
    ...['a first', 'a later first', 'loop consumer'],
    ...[
      'fails first',
      'fails later first',
      'tidies first',
      'fails first',
      'fails later first',
      'loop consumer',
    ],
    ...['b second', 'b later second', 'loop consumer'],
  ]);
});

test('a context that one body enters is not visible to the next', async () => {
  const seen: unknown[] = [];
  const bodies = ['a', 'b', 'c'].map((name) => () => {
    seen.push(storage.getStore());
    storage.enterWith(name);
  });
  await run(bodies, { pool: inline() }).summary;
  expect(seen).toEqual([undefined, undefined, undefined]);
  expect(storage.getStore()).toBeUndefined();
});
