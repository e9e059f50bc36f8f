/** After its result was given, a run keeps neither the body nor the args of a task. It keeps the outputs only as long as a task can name them. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { formatCallPath, task, type } from '@pexen/core';
import { expect, test } from 'vitest';
import { place, run } from '../src/index.ts';

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

test.for(['', 'named '])(
  'of 16,000 small %stasks at most 200 bytes of heap and 160 in columns each are left, besides their paths',
  async (kind) => {
    const [count, atOnce] = [16_000, 1_000];
    const batch = (from: number) =>
      Array.from({ length: atOnce }, (_, at) =>
        kind === '' ? () => from : task({ name: `named-${from + at}` }, () => from),
      );
    const memory = async () => {
      await countAlive([]);
      return process.memoryUsage();
    };
    const warm = run(batch(0));
    await warm.summary;
    const before = await memory();
    const going = run(batch(0));
    let given = 0;
    for await (const { status } of going) {
      if (status !== 'returned') throw new Error(status);
      if (++given % atOnce === 0 && given < count) going.add(batch(given));
    }
    const pathBytes = 32; // Twelve characters and the overhead of V8.
    expect(given).toBe(count);
    const after = await memory();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(count * (200 + pathBytes));
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(count * 160);
    expect(Object.keys(going.inspect())).not.toEqual([]);
  },
);

test('a call path is reported as it was given, whatever its parts contain', async () => {
  const seen: (readonly string[])[] = [];
  const odd = function odd() {};
  Object.defineProperty(odd, 'name', { value: 'a\\b/' });
  const tasks = [place(['x/y', '\\', ''], odd), place(['x'], odd), odd, odd, place(['x'], odd)];
  for await (const { callPath, path } of run(tasks)) {
    expect(formatCallPath(callPath)).toBe(path);
    seen.push(callPath);
  }
  expect(seen).toEqual([
    ['x/y', '\\', '', 'a\\b/'],
    ['x', 'a\\b/'],
    ['a\\b/'],
    ['a\\b/-2'],
    ['x', 'a\\b/-2'],
  ]);
});

test('a task that is still referenced can be queried and required', async () => {
  const first = task({ name: 'first' }, ({ shared }) => {
    shared.mark = 'of first';
  });
  const going = run([first, () => 'other']);
  const seen: unknown[] = [];
  const last = task({ name: 'last', requires: [first] }, ({ shared }) => void seen.push(shared.mark));
  for await (const { path } of going) {
    if (path !== 'task') continue;
    await countAlive([]);
    going.add([last]);
  }
  expect(seen).toEqual(['of first']);
  expect(going.why(first)).toBe('"first" is over: it returned.');
  await expect(going.of(first)).rejects.toMatchObject({ code: 'PEXEN_RESULT_GONE' });
});

test('outputs that a string names are kept without the task', async () => {
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
