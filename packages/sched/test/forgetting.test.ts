/** After its result was given a run keeps neither the body nor the args of a task, and what it handed on only as long as somebody can name it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { task, type } from '@pexen/core';
import { expect, test } from 'vitest';
import { run } from '../src/index.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function countAlive(refs: readonly WeakRef<object>[]): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

test('a crawl, in which each task adds the next, keeps no pages', async () => {
  const refs: WeakRef<object>[] = [];
  const note = <T extends object>(value: T): T => {
    refs.push(new WeakRef(value));
    return value;
  };
  const page = task({ name: 'page', args: type<{ readonly html: object }>() }, ({ args, shared }) => {
    shared.seen = args.html;
    return args.html;
  });
  const crawl = (n: number) => {
    const held = note({ n });
    return [page.with({ html: note({ n }) }, { name: `page-${n}` }), note(() => held)];
  };
  const going = run(crawl(0));
  let given = 0;
  for await (const { status } of going) {
    expect(status).toBe('returned');
    if (++given % 2 === 0 && given < 400) going.add(crawl(given));
  }
  expect(given).toBe(400);
  expect(await countAlive(refs)).toBeLessThan(30);
  expect(going.why('page-2')).toBe('"page-2" is over: it returned.');
});

test('who still has a task can ask for it, and build on it', async () => {
  const first = task({ name: 'first' }, ({ shared }) => {
    shared.mark = 'of first';
  });
  const going = run([first, () => 'other']);
  const seen: unknown[] = [];
  const last = task({ name: 'last', requires: [first] }, ({ shared }) => void seen.push(shared.mark));
  for await (const { path } of going) {
    if (path !== 'task-2') continue;
    await countAlive([]);
    going.add([last]);
  }
  expect(seen).toEqual(['of first']);
  expect(going.why(first)).toBe('"first" is over: it returned.');
  await expect(going.of(first)).rejects.toMatchObject({ code: 'PEXEN_RESULT_GONE' });
});

test('what a text names is kept without the task', async () => {
  const going = run([
    task({ name: 'gives', provides: ['x'] }, ({ shared }) => {
      shared.mark = 'of x';
    }),
  ]);
  const seen: unknown[] = [];
  for await (const { path } of going) {
    if (path !== 'gives') continue;
    await countAlive([]);
    going.add([task({ name: 'asks', requires: ['x'] }, ({ shared }) => void seen.push(shared.mark))]);
  }
  expect(seen).toEqual(['of x']);
});
