/** Bodies may throw anything, and callers may give anything as a reason: the run neither hangs nor throws where the error cannot be caught. */
import { controlled, errorInfo, isTaskFailError, key, messageOf, task } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { inline, type Result, run, TaskFailError } from '../src/index.ts';

class Nasty extends Error {
  override get message(): string {
    throw new Error('no message');
  }
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable(new Error(), {});
  revoke();
  return proxy;
}

const bare: object = Object.create(null);
const odd: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['a symbol', Symbol('s')],
  ['an object without a prototype', bare],
  ['an error whose message throws', new Nasty()],
  ['a revoked proxy', revoked()],
];

async function collect(results: AsyncIterable<Result>): Promise<Result[]> {
  const all: Result[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe.each(odd)('%s', (_, value) => {
  const throws = [
    task({ name: 'at once' }, () => {
      throw value;
    }),
    task({ name: 'later' }, async () => {
      await null;
      throw value;
    }),
  ];

  test('thrown by a body is in the result, and the run comes to its end', async () => {
    const events: string[] = [];
    const going = run(throws, { pool: inline({ concurrency: 2 }) });
    going.events.on('event', (event) => events.push(JSON.stringify(event)));
    const results = await collect(going);
    expect(results.map(({ status }) => status)).toEqual(['threw', 'threw']);
    expect(results.every(({ error }) => Object.is(error, value))).toBe(true);
    expect(events.at(-1)).toContain('run-ended');
  });

  test('thrown in a controlled body is a controlled failure with its cause', async () => {
    for (const body of throws) {
      const error = await controlled(() => body())(undefined).catch((thrown: unknown) => thrown);
      expect(isTaskFailError(error) && Object.is(error.cause, value)).toBe(true);
    }
  });

  test('as the reason of an abort aborts the run', async () => {
    const controller = new AbortController();
    const waits = () =>
      new Promise((_, reject) => controller.signal.addEventListener('abort', () => reject(value)));
    const going = run([waits, () => 1], { signal: controller.signal });
    setImmediate(() => controller.abort(value));
    expect((await going.summary).reason).toBeTypeOf('string');
    const other = run([() => 1], { signal: AbortSignal.abort(value) });
    other.abort(value);
    expect((await other.summary).counts).toEqual({ skipped: 1 });
  });

  test('has a text', () => {
    expect(messageOf(value)).toBeTypeOf('string');
    expect(errorInfo(value).message).toBeTypeOf('string');
  });
});

test('a thenable may be a function, or resolve at once and return nothing', async () => {
  // biome-ignore lint/suspicious/noThenProperty: the test is about it
  const terse = (value: number) => ({ then: (resolve: (value: number) => void) => resolve(value) });
  const results = await collect(run([() => Object.assign(() => {}, terse(1)), controlled(() => terse(2))]));
  expect(results.map(({ value }) => value)).toEqual([1, 2]);
});

describe('typed keys', () => {
  const built = key<string>('built');
  const ship = task({ name: 'ship', requires: [built] }, ({ get }) => get(built));
  const ends = async (...tasks: Parameters<typeof run>[0] extends Iterable<infer E> ? E[] : never) =>
    (await collect(run(tasks))).map(({ path, status, value }) => `${path} ${status} ${value ?? ''}`.trim());

  test('that a failing task has not set are not provided, whatever the failure states', async () => {
    const build = task({ name: 'build', provides: [built] }, () => {
      throw new TaskFailError('2 of 80 files');
    });
    expect(await ends(build, ship)).toEqual(['build failed', 'ship skipped']);
    const other = task({ name: 'other', provides: [built] }, ({ set }) => set(built, 'from the other'));
    expect(await ends(build, other, ship)).toEqual([
      'build failed',
      'other returned',
      'ship returned from the other',
    ]);
  });

  test('that a failing task has set are provided', async () => {
    const build = task({ name: 'build', provides: [built] }, ({ set }) => {
      set(built, 'nearly all');
      throw new TaskFailError('2 of 80 files');
    });
    expect(await ends(build, ship)).toEqual(['build failed', 'ship returned nearly all']);
  });

  test('may be named twice', async () => {
    const build = task({ name: 'build', provides: [built, built] }, ({ set }) => set(built, 'once'));
    expect(await ends(build, ship)).toEqual(['build returned', 'ship returned once']);
  });
});
