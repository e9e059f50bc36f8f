/** Errors that surface after bodies: they fail their body, or are reported as its late errors, and never fail another one. */
import { createRequire } from 'node:module';
import type { Runnable } from '@pexen/core';
import { expect, test } from 'vitest';
import type * as Bodies from './fixtures/late.ts';
import { open, tasks } from './rig.ts';

const bodies: typeof Bodies = createRequire(import.meta.url)('./fixtures/late.ts');

test.each<[string, Runnable, string | RegExp]>([
  ['an assertion that was not awaited', bodies.forgetsAwait, /1 !== 2/],
  ['one that was not awaited after a while', bodies.forgetsAwaitLater, /Missing expected rejection/],
  ['an error out of a tick', bodies.throwsOutOfTick, 'out of a tick'],
  ['an error out of an immediate', bodies.throwsOutOfImmediate, 'out of an immediate'],
  ['its own error, and no other', bodies.fails, 'its own'],
])('a body fails by %s', async (_name, body, message) => {
  await using rig = await open();
  const behind = [1, 2, 3].map(() => rig.attempt(bodies.innocent, { args: { ms: 0 } }).outcome);
  const attempts = [rig.attempt(body), rig.attempt(body)];
  for (const { outcome } of attempts)
    expect(await outcome).toMatchObject({
      kind: 'threw',
      error: { message: expect.stringMatching(message) },
    });
  for (const each of await Promise.all(behind)) expect(each).toMatchObject({ kind: 'returned' });
  expect(rig).toMatchObject({ late: [], lost: [] });
});

test('a rejection that is handled before the body ends is none', async () => {
  await using rig = await open();
  expect(await rig.attempt(bodies.handlesLater).outcome).toMatchObject({
    kind: 'returned',
    value: 'handled',
  });
});

test.each<[string, Runnable, object]>([
  ['an exception', bodies.throwsAfterwards, { ms: 20 }],
  ['a rejection', bodies.rejectsAfterwards, {}],
])('%s that surfaces later is reported as that of its own task', async (_name, body, args) => {
  await using rig = await open();
  const first = rig.attempt(body, { path: 'guilty', args });
  const next = rig.attempt(bodies.innocent, { args: { ms: 150 } });
  const behind = rig.attempt(tasks.whichThread);
  expect(await first.outcome).toMatchObject({ kind: 'returned' });
  expect(await next.outcome).toMatchObject({ kind: 'returned', value: 'innocent' });
  expect(await behind.outcome).toMatchObject({ kind: 'returned' });
  expect(rig.late).toMatchObject([
    { worker: await first.started, tasks: ['guilty'], error: { message: 'afterwards' } },
  ]);
  expect(await behind.started, 'the worker was replaced').not.toBe(await first.started);
  expect(rig.lost).toEqual([]);
});

test('what the last body left behind is waited for, for a moment', async () => {
  const rig = await open();
  await rig.attempt(bodies.throwsAfterwards, { args: { ms: 30 }, path: 'guilty' }).outcome;
  await rig.pool.close('drain');
  expect(rig.late).toMatchObject([{ tasks: ['guilty'], error: { message: 'afterwards' } }]);
});

test('a body fails at once by an exception out of a timer, and its thread is replaced', async () => {
  await using rig = await open();
  const first = rig.attempt(tasks.throwsLater);
  const behind = [1, 2, 3].map(() => rig.attempt(tasks.whichThread));
  expect(await first.outcome).toMatchObject({ kind: 'threw', error: { message: 'out of a timer' } });
  for (const each of behind) expect(await each.outcome).toMatchObject({ kind: 'returned' });
  expect(await behind[0]?.started).not.toBe(await first.started);
});

test('a body that replaces globals harms no attempt', async () => {
  await using rig = await open();
  await rig.attempt(tasks.echo).outcome; // Node itself cannot load modules any more afterwards.
  const replaced = rig.attempt(bodies.replacesGlobals);
  const behind = [1, 2, 3].map((value) => rig.attempt(tasks.echo, { args: { value: { value } } }).outcome);
  expect(await replaced.outcome).toMatchObject({ kind: 'returned' });
  expect(await Promise.all(behind)).toMatchObject([1, 2, 3].map((value) => ({ value: { value } })));
  const failing = rig.attempt(bodies.fails);
  expect(await failing.outcome).toMatchObject({ kind: 'threw', error: { message: 'its own' } });
  expect(await replaced.started).toBe(await failing.started);
});

test('what a body enters into its asynchronous context is not seen by the next one', async () => {
  await using rig = await open();
  for (let n = 0; n < 3; n++)
    expect(await rig.attempt(bodies.keepsContext).outcome).toMatchObject({
      kind: 'returned',
      value: undefined,
    });
});

test.each(['killed', 'crashed'])(
  'what a body printed before its thread was %s is in its outcome',
  async (how) => {
    await using rig = await open();
    const attempt = rig.attempt(bodies.prints, { args: { exits: how === 'crashed' } });
    await attempt.firstUpdate;
    if (how === 'killed') attempt.abort();
    expect(await attempt.outcome).toMatchObject({ stdout: { head: 'before the end\n' } });
  },
);
