/** Bodies that cannot be ended, and pools that never open: the run ends without them. */
import { type Pool, type PoolContext, type PoolOutcome, type Result, type Ticket, task } from '@pexen/core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { inline, type Run, type RunOptions, run } from '../src/index.ts';

/** The answers to the question whether the present turn is too long, one after the other; `false` when there are no more. */
const turns = vi.hoisted(() => ({ answers: [] as boolean[] }));

// By the real time, a busy machine would decide which body ends before another one starts.
vi.mock('../src/driver/event-loop.ts', async (original) => ({
  ...(await original<typeof import('../src/driver/event-loop.ts')>()),
  isTurnLong: () => turns.answers.shift() ?? false,
}));

beforeEach(() => {
  turns.answers = [];
});

const never = (): Promise<never> => new Promise(() => {});

async function collect(of: Run): Promise<Result[]> {
  const all: Result[] = [];
  for await (const result of of) all.push(result);
  return all;
}

function play(tasks: Parameters<typeof run>[0], options: RunOptions = {}) {
  const clock = new ScriptedClock();
  const going = run(tasks, { clock, ...options });
  return { clock, going, results: collect(going) };
}

test('a body that ignores its timeout is abandoned after its grace period, and its slot takes the next task', async () => {
  const hangs = task(
    { name: 'hangs', timeout: 100, grace: 50, retries: 3, cleanup: () => expect.fail() },
    never,
  );
  const { clock, results } = play([hangs, task({ name: 'next' }, () => 'came')]);
  await settle();
  await clock.advance(149);
  await settle();
  await clock.advance(1);
  const [first, second] = await results;
  expect(first).toMatchObject({
    status: 'timed-out',
    abandoned: true,
    reason: [{ task: 'hangs', why: 'timed out after 100 ms; its body did not end and was abandoned' }],
  });
  expect(first?.attempts).toHaveLength(1);
  expect(second).toMatchObject({ status: 'returned', value: 'came' });
  expect(second).not.toHaveProperty('abandoned');
  expect(clock.pending).toBe(0);
});

test('kill() does not wait for the grace period', async () => {
  const { going, results, clock } = play([never, () => 'waits'], { deadline: 60_000 });
  await settle();
  going.kill('enough');
  expect(await results).toMatchObject([
    { path: 'task', status: 'skipped' },
    { path: 'never', status: 'cancelled', abandoned: true },
  ]);
  expect(clock.pending).toBe(0);
});

test('kill() lets a body that listens to its signal end by itself', async () => {
  const listens = task(
    { name: 'listens' },
    ({ signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  const { going, results } = play([listens]);
  await settle();
  going.kill();
  const [only] = await results;
  expect(only).toMatchObject({ status: 'cancelled' });
  expect(only).not.toHaveProperty('abandoned');
});

test.each(['break', 'close', 'abort', 'signal', 'deadline'] as const)(
  '%s ends the run after the grace',
  async (how) => {
    const clock = new ScriptedClock();
    const controller = new AbortController();
    const options = { clock, pool: inline({ concurrency: 2 }), signal: controller.signal };
    const going = run([task({ name: 'hangs', grace: 70 }, never), task({ name: 'quick' }, () => 1)], {
      ...options,
      ...(how === 'deadline' && { deadline: 30 }),
    });
    const loop = (async () => {
      for await (const _ of going) if (how === 'break') break;
    })();
    await settle();
    const closed = how === 'close' ? going.close() : undefined;
    if (how === 'abort') going.abort();
    if (how === 'signal') controller.abort();
    await settle();
    await clock.advance(100);
    await Promise.all([loop, closed]);
    expect((await going.summary).counts).toEqual({ cancelled: 1, returned: 1 });
    expect(clock.pending).toBe(0);
  },
);

test('what the body holds stays held, and tasks that conflict are skipped for that reason at the end', async () => {
  const hangs = task({ name: 'hangs', claims: ['/db'], priority: -1, timeout: 10, grace: 0 }, never);
  const reads = task({ name: 'reads', uses: ['/db/t'] }, () => expect.fail());
  const { clock, going, results } = play([
    hangs,
    reads,
    task({ name: 'needs', requires: [reads] }, () => 1),
    () => 2,
  ]);
  await settle();
  await clock.advance(10);
  await settle();
  await clock.advance(0);
  expect((await results).map(({ path, status, reason }) => [path, status, reason?.[0]?.why])).toEqual([
    ['hangs', 'timed-out', 'timed out after 10 ms; its body did not end and was abandoned'],
    ['task', 'returned', undefined],
    ['reads', 'skipped', 'needs "/db", which an abandoned body still holds'],
    ['needs', 'skipped', 'requires task "reads"'],
  ]);
  expect((await going.summary).poisoned).toEqual(['/db']);
});

test('after the body has settled, what it held is poisoned', async () => {
  const body = Promise.withResolvers<void>();
  const hangs = task(
    { name: 'hangs', claims: ['/db'], priority: -1, timeout: 10, grace: 0 },
    () => body.promise,
  );
  const waits = task({ name: 'waits' }, async () => {
    body.resolve();
    await settle();
  });
  const late = task({ name: 'late', claims: ['/db'], after: [waits] }, () => expect.fail());
  const { clock, going, results } = play([hangs, waits, late]);
  await settle();
  await clock.advance(10);
  await settle();
  await clock.advance(0);
  expect((await results).at(-1)).toMatchObject({
    path: 'late',
    status: 'skipped',
    reason: [{ task: 'late', why: 'needs "/db", which was left in an unknown state' }, { task: 'hangs' }],
  });
  expect((await going.summary).poisoned).toEqual(['/db']);
});

test('a pool is not opened again before its abandoned bodies have settled', async () => {
  const pool = inline();
  const body = Promise.withResolvers<void>();
  const first = run([() => body.promise], { pool });
  const summary = first.summary;
  await settle();
  first.kill();
  expect((await summary).counts).toEqual({ cancelled: 1 });
  await expect(run([() => 1], { pool }).summary).rejects.toMatchObject({ code: 'PEXEN_POOL_ABANDONED' });
  body.resolve();
  await settle();
  expect((await run([() => 1], { pool }).summary).counts).toEqual({ returned: 1 });
});

test('a cleanup that hangs is abandoned too', async () => {
  const fails = task({ name: 'fails', claims: ['/db'], cleanup: never, retries: 2 }, () => {
    throw new Error('boom');
  });
  const { clock, going, results } = play([fails]);
  await settle();
  await clock.advance(60_000);
  await settle();
  await clock.advance(10_000);
  expect(await results).toMatchObject([{ status: 'threw', abandoned: true, attempts: [{ attempt: 1 }] }]);
  expect((await going.summary).poisoned).toEqual(['/db']);
});

/** A pool that never finishes opening by itself. `givesUp`: it rejects when it is closed. */
class StuckPool implements Pool {
  readonly manifest = inline().manifest;
  readonly closed: string[] = [];
  readonly #opening = Promise.withResolvers<void>();
  readonly #givesUp: boolean;

  constructor(givesUp: boolean) {
    this.#givesUp = givesUp;
  }

  open(_context: PoolContext): Promise<void> {
    return this.#opening.promise;
  }

  run(_assignment: unknown, _ticket: Ticket): PoolOutcome {
    return { kind: 'not-started', reason: 'never' };
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    this.closed.push(how);
    if (this.#givesUp) this.#opening.reject(new Error('closed'));
  }

  finish(): void {
    this.#opening.resolve();
  }
}

describe.each([true, false])(
  'a pool that never finishes opening, and gives up when closed: %s',
  (givesUp) => {
    test.each(['deadline', 'abort', 'close', 'kill', 'break'] as const)('is ended by %s', async (how) => {
      const clock = new ScriptedClock();
      const warnings: string[] = [];
      const pool = new StuckPool(givesUp);
      const going = run([() => 1], {
        ...{ clock, pool, onWarning: ({ code }) => warnings.push(code) },
        ...(how === 'deadline' && { deadline: 30 }),
      });
      const iterator = going[Symbol.asyncIterator]();
      const first = iterator.next();
      await settle();
      const ended = how === 'break' ? iterator.return?.() : how === 'close' ? going.close() : undefined;
      if (how === 'abort' || how === 'kill') going[how]();
      if (how === 'deadline') await clock.advance(30);
      await settle();
      expect(await first).toMatchObject({ value: { status: 'skipped' } });
      const last = iterator.next();
      await settle();
      await clock.advance(how === 'kill' ? 1_000 : 4_000);
      await Promise.all([ended, last]);
      expect((await going.summary).counts).toEqual({ skipped: 1 });
      expect(pool.closed).toEqual([how === 'kill' ? 'kill' : 'drain']);
      expect(warnings).toEqual(givesUp ? [] : ['PEXEN_POOL_CLOSE']);
      expect(clock.pending).toBe(0);
      pool.finish();
      await settle();
      expect(pool.closed.slice(1)).toEqual(givesUp ? [] : ['kill']);
    });
  },
);

test('a teardown waits for the opening of its pool no longer than its grace period', async () => {
  const pool = new StuckPool(true);
  const { clock, going, results } = play(
    [
      task({ name: 'up', provides: ['net'] }, () => 1),
      task({ name: 'down', tearsDown: 'net', pool: 'far', grace: 200 }, () => 2),
    ],
    { pools: { far: pool } },
  );
  await settle();
  going.abort('enough');
  await settle();
  expect(pool.closed).toEqual([]);
  await clock.advance(200);
  expect(await results).toMatchObject([{ path: 'up' }, { path: 'down', status: 'skipped' }]);
  expect(pool.closed).toEqual(['drain']);
});

describe('a run that is stopped while a body is being started', () => {
  const ways = [
    ['abort', (going: Run) => going.abort('enough')],
    ['kill', (going: Run) => going.kill('enough')],
  ] as const;

  test.each(
    ways.flatMap(([how, stop]) => [
      { how, stop, turn: 'the same turn', answers: [], first: 'cancelled' },
      { how, stop, turn: 'a later turn', answers: [false, false, true], first: 'returned' },
    ]),
  )(
    '$how by a listener of the start, in $turn: the body does not run',
    async ({ stop, answers, first: end }) => {
      turns.answers = answers;
      const seen: string[] = [];
      const first = task({ name: 'first' }, async () => {});
      const second = task({ name: 'second' }, () => {
        seen.push('second');
        return never();
      });
      const { going, results, clock } = play([first, second], { spare: 1 });
      going.events.on('event', (event) => {
        if (event.type === 'task-started' && event.path === 'second') stop(going);
      });
      const statuses = (await results).map(({ path, status }) => `${path} ${status}`);
      expect(statuses.toSorted()).toEqual([`first ${end}`, 'second cancelled']);
      expect(seen).toEqual([]);
      expect(clock.pending).toBe(0);
    },
  );

  test.each(ways)('%s by the body itself, which then never settles: it is abandoned', async (how, stop) => {
    const first = task({ name: 'first' }, async () => {});
    const stops = task({ name: 'stops', grace: 50 }, () => {
      stop(going);
      return never();
    });
    const { going, results, clock } = play([first, stops], { spare: 1 });
    await settle();
    if (how === 'abort') await clock.advance(50);
    expect((await results).find(({ path }) => path === 'stops')).toMatchObject({
      ...{ status: 'cancelled', abandoned: true },
    });
    expect(clock.pending).toBe(0);
  });
});
