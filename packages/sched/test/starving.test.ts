/** Bodies that never wait yield to timers and signals in between. With the runtime's own clock, because the test is about real time. */
import { task } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, run } from '../src/index.ts';

function busy(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

const many = (count: number, ms: number): (() => void)[] =>
  Array.from({ length: count }, () => () => busy(ms));

test('a deadline is kept', async () => {
  const { counts, reason } = await run(many(6_000, 0.1), { deadline: 50 }).summary;
  expect(reason).toBe('the run exceeded its deadline of 50 ms');
  expect(counts.skipped).toBeGreaterThan(1_000);
});

test.each(['kill', 'drain'] as const)('%s is delivered', async (how) => {
  const going = run(many(6_000, 0.1));
  setTimeout(() => going[how]('enough'), 20);
  const { counts, reason } = await going.summary;
  expect(reason).toBe('enough');
  expect(counts.skipped).toBeGreaterThan(1_000);
});

test('another body that waits for the event loop goes on in between', async () => {
  let started = 0;
  const seen: number[] = [];
  const waits = task({ name: 'waits', priority: -1 }, async () => {
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
      seen.push(started);
    }
  });
  const others = Array.from({ length: 200 }, () => () => {
    started++;
    busy(1);
  });
  await run([waits, ...others], { pool: inline({ concurrency: 2 }) }).summary;
  expect(seen.at(-1)).toBeLessThan(200);
});

test('also between retries within one pull', async () => {
  const throws = task({ name: 'throws', retries: 20_000 }, () => {
    busy(0.05);
    throw new Error('again');
  });
  const going = run([throws], { deadline: 30 });
  const result = await going.of(throws);
  expect(result).toMatchObject({ status: 'threw' });
  expect(result.attempts.length).toBeLessThan(10_000);
});

test('also if attempts wait in the pool behind a slow one', async () => {
  const first = task({ name: 'first', priority: -1 }, () => new Promise((resolve) => setTimeout(resolve, 5)));
  const going = run([first, ...many(3_000, 0.1)], { spare: Number.POSITIVE_INFINITY });
  setTimeout(() => going.kill('enough'), 30);
  const { counts } = await going.summary;
  expect(counts.skipped).toBeGreaterThan(1_000);
});

test('an attempt that was stopped while the thread was yielded does not start', async () => {
  const started: number[] = [];
  const going = run(
    Array.from({ length: 20 }, (_, index) => () => {
      started.push(index);
      busy(6);
    }),
    { pool: inline({ concurrency: 20 }) },
  );
  setImmediate(() => going.kill('enough'));
  await going.summary;
  expect(started.length).toBeLessThan(4);
});

test('a body that replaces setImmediate stops nothing', async () => {
  const { setImmediate: own } = globalThis;
  const steals = task(
    { name: 'steals', priority: -1 },
    () => void Reflect.set(globalThis, 'setImmediate', () => {}),
  );
  try {
    expect((await run([steals, ...many(20, 1)]).summary).counts).toEqual({ returned: 21 });
  } finally {
    globalThis.setImmediate = own;
  }
});
