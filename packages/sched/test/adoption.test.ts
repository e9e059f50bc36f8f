/** Attempts that an earlier session has left in a pool: looked for before anything is decided, adopted or dismissed, and kept until they are recorded. */
import {
  type Assignment,
  type Clock,
  type LeftAttempt,
  type Pool,
  type PoolContext,
  type PoolOutcome,
  type Result,
  type RunEvent,
  type Ticket,
  task,
} from '@pexen/core';
import { expect, test } from 'vitest';
import { ScriptedClock } from '#scripted-clock';
import { run } from '../src/index.ts';
import { type Script, ScriptedJournal } from './scripted-journal.ts';

/** A pool whose attempts outlive the process. It says what is done with it, and runs nothing by itself. */
class LastingPool implements Pool {
  readonly manifest = {
    ...{ name: 'lasting', kills: true, closures: true, executables: false, adopts: true },
    transport: 'reference' as const,
  };
  readonly log: string[] = [];
  /** What is under way, by path. */
  readonly under = new Map<string, { ticket: Ticket; end: (outcome: PoolOutcome) => void }>();
  readonly #left: readonly LeftAttempt[];
  onDismiss: () => void = () => {};
  /** Called when it is opened: until then it is being opened. */
  opened: Promise<void> = Promise.resolve();

  constructor(left: readonly LeftAttempt[] = []) {
    this.#left = left;
  }

  async open(context: PoolContext): Promise<void> {
    this.log.push(`open ${context.earlierPlaces ?? '-'}`);
    await this.opened;
    if (context.earlierPlaces !== undefined) context.left?.(this.#left);
    context.slotsChanged(2);
  }

  run(assignment: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    return this.#begin('run', assignment, ticket);
  }

  adopt(left: LeftAttempt, assignment: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    return this.#begin(`adopt ${left.session}`, assignment, ticket);
  }

  async dismiss(left: readonly LeftAttempt[]): Promise<void> {
    for (const { path, part } of left) this.log.push(`dismiss ${path} ${part}`);
    this.onDismiss();
  }

  settled({ path, attempt, part }: Assignment): void {
    this.log.push(`settled ${path} ${attempt} ${part}`);
  }

  async close(): Promise<void> {
    this.log.push('close');
    for (const { end } of this.under.values()) end({ kind: 'crashed', reason: 'closed' });
  }

  #begin(how: string, { path, attempt, part }: Assignment, ticket: Ticket): Promise<PoolOutcome> {
    this.log.push(`${how} ${path} ${attempt} ${part}`);
    ticket.started('w');
    return new Promise((resolve) => {
      const end = (outcome: PoolOutcome): void => {
        this.under.delete(path);
        resolve(outcome);
      };
      this.under.set(path, { ticket, end });
    });
  }
}

const leftOf = (path: string, state: LeftAttempt['state'] = 'running'): LeftAttempt => {
  return { session: 1, path, attempt: 1, part: 'body', state };
};

const adopting = (path: string) => {
  const known = {
    kind: 'start',
    adopts: leftOf(path),
    hasStarted: true,
    attempts: [],
    interruptions: 0,
  } as const;
  return [path, { ...known, earlier: [], cleansUp: false }] as const;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Tasks = Extract<Parameters<typeof run>[0], Iterable<unknown>>;

function start(tasks: readonly unknown[], pool: LastingPool, script: Script = {}, clock?: Clock) {
  const journal = new ScriptedJournal({ session: 2, ...script });
  const events: RunEvent[] = [];
  const going = run(tasks as unknown as Tasks, { pool: () => pool, journal, ...(clock && { clock }) });
  going.events.on('event', (event) => events.push(event));
  const results = new Map<string, Result>();
  const done = (async () => {
    for await (const result of going) results.set(result.path, result);
  })();
  return { journal, events, going, results, done };
}

test('what was left is adopted at once, with what it holds, and its result is that of the task', async () => {
  const pool = new LastingPool([leftOf('long'), leftOf('gone'), leftOf('other', 'ended')]);
  const long = task({ name: 'long', requires: ['never'], claims: ['/x'], rerunnable: false }, () => {});
  const other = task({ name: 'other', provides: ['never'], claims: ['/x'] }, () => {});
  const { journal, events, results, done } = start([other, long], pool, { knows: [adopting('long')] });
  await turn();
  await turn();
  expect(pool.log).toEqual([
    ...['open unknown', 'dismiss gone body', 'dismiss other body', 'adopt 1 long 1 body'],
  ]);
  expect(journal.log.filter((line) => line.startsWith('intended'))).toEqual([]);
  pool.under.get('long')?.end({ kind: 'returned', value: 7 });
  await turn();
  expect(results.get('long')?.attempts.at(-1)?.worker).toBe('w');
  expect(results.get('long')?.status).toBe('returned');
  expect(pool.log.slice(4)).toEqual(['settled long 1 body', 'run other 1 body']);
  pool.under.get('other')?.end({ kind: 'returned', value: undefined });
  await done;
  expect(pool.log.slice(6)).toEqual(['settled other 1 body', 'close']);
  const started = events.filter((event) => event.type === 'task-started');
  expect(started.map(({ path, adoptedFrom }) => [path, adoptedFrom])).toEqual([
    ['long', 1],
    ['other', undefined],
  ]);
});

test('nothing is decided, and nothing starts, before what is not adopted has ended', async () => {
  const pool = new LastingPool([leftOf('a')]);
  const ended = Promise.withResolvers<void>();
  pool.dismiss = async () => {
    pool.log.push('dismiss');
    await ended.promise;
  };
  const { journal, done, going } = start([task({ name: 'a' }, () => {})], pool);
  await turn();
  await turn();
  expect(going.inspect().running).toEqual([]);
  expect(pool.log).toEqual(['open unknown', 'dismiss']);
  expect(journal.log).toEqual(['added start: a']);
  ended.resolve();
  await turn();
  expect(pool.log.at(-1)).toBe('run a 1 body');
  pool.under.get('a')?.end({ kind: 'returned', value: 1 });
  await done;
});

test('what never started is made known to the journal, dismissed, and starts as any other', async () => {
  const pool = new LastingPool([leftOf('a', 'unstarted')]);
  const { journal, done } = start([task({ name: 'a', rerunnable: false }, () => {})], pool);
  await turn();
  await turn();
  expect(pool.log.slice(1)).toEqual(['dismiss a body', 'run a 1 body']);
  expect(journal.log.slice(0, 3)).toEqual(['found a unstarted', 'added start: a', 'intended a 1']);
  pool.under.get('a')?.end({ kind: 'returned', value: 1 });
  await done;
});

test('an adopted attempt that is lost is repeated as any other', async () => {
  const pool = new LastingPool([leftOf('a')]);
  const { results, done } = start([task({ name: 'a', rerunnable: true }, () => {})], pool, {
    knows: [adopting('a')],
  });
  await turn();
  await turn();
  pool.under.get('a')?.end({ kind: 'lost', reason: 'its node is gone' });
  await turn();
  await turn();
  expect(pool.log.slice(1)).toEqual(['adopt 1 a 1 body', 'run a 2 body']);
  pool.under.get('a')?.end({ kind: 'returned', value: 1 });
  await done;
  expect(results.get('a')?.attempts.map(({ outcome }) => outcome.kind)).toEqual(['lost', 'returned']);
});

test('its timeout counts from its start, also over what it took to look for it', async () => {
  const [clock, opened] = [new ScriptedClock(), Promise.withResolvers<void>()];
  const pool = new LastingPool([{ ...leftOf('a'), runningMs: 700 }, leftOf('b')]);
  pool.onDismiss = () => clock.pass(200);
  pool.opened = opened.promise;
  const tasks = [task({ name: 'a', timeout: 1_000 }, () => {}), task({ name: 'b' }, () => {})];
  const { done, results } = start(tasks, pool, { knows: [adopting('a')] }, clock);
  opened.resolve();
  await turn();
  await turn();
  await clock.advance(99);
  expect(pool.under.get('a')?.ticket.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(pool.under.get('a')?.ticket.signal.aborted).toBe(true);
  pool.under.get('a')?.end({ kind: 'stopped', how: 'aborted' });
  pool.under.get('b')?.end({ kind: 'returned', value: 1 });
  await done;
  const outcome = { kind: 'timed-out', reason: 'timed out after 1 s' };
  expect(results.get('a')).toMatchObject({ status: 'timed-out', attempts: [{ outcome }] });
});

test('a cleanup that was left is adopted behind its body', async () => {
  const pool = new LastingPool([leftOf('a', 'ended'), { ...leftOf('a'), part: 'cleanup' }]);
  const { done } = start([task({ name: 'a', cleanup: () => {} }, () => {})], pool, {
    knows: [adopting('a')],
  });
  await turn();
  await turn();
  pool.under.get('a')?.end({ kind: 'threw', error: new Error('no') });
  await turn();
  pool.under.get('a')?.end({ kind: 'returned', value: undefined });
  await done;
  expect(pool.log.slice(1)).toEqual([
    ...['adopt 1 a 1 body', 'adopt 1 a 1 cleanup', 'settled a 1 body', 'settled a 1 cleanup', 'close'],
  ]);
});

test('outcomes are kept until they are recorded, also when the pool is closed', async () => {
  const pool = new LastingPool();
  const { journal, done } = start([task({ name: 'a' }, () => {})], pool, { isSlow: true, session: 1 });
  await turn();
  await turn();
  journal.record();
  await turn();
  pool.under.get('a')?.end({ kind: 'returned', value: 1 });
  await turn();
  expect(pool.log).toEqual(['open -', 'run a 1 body']);
  journal.record();
  await turn();
  journal.record();
  await done;
  expect(pool.log.slice(2)).toEqual(['settled a 1 body', 'close']);
});

test('without a journal they are settled at once', async () => {
  const pool = new LastingPool();
  const going = run([task({ name: 'a' }, () => {})], { pool: () => pool });
  const done = going.summary;
  await turn();
  pool.under.get('a')?.end({ kind: 'returned', value: 1 });
  await done;
  expect(pool.log).toEqual(['open -', 'run a 1 body', 'settled a 1 body', 'close']);
});

test('where it cannot be known what was left nothing is decided: the run ends with the error', async () => {
  const pool = new LastingPool([leftOf('a')]);
  pool.opened = Promise.reject(new Error('the server is away'));
  pool.opened.catch(() => {});
  const { journal, results, done } = start([task({ name: 'a', rerunnable: false }, () => {})], pool);
  await expect(done).rejects.toThrow('the server is away');
  expect([...results.keys(), ...journal.log]).toEqual([]);
});

test('a cancel ends the search for what was left', async () => {
  const pool = new LastingPool([leftOf('a')]);
  const closed = Promise.withResolvers<void>();
  pool.opened = closed.promise.then(() => Promise.reject(new Error('closed while it was opening')));
  pool.close = async () => {
    pool.log.push('close');
    closed.resolve();
  };
  const { going, results, done } = start([task({ name: 'a' }, () => {})], pool);
  await turn();
  going.abort('enough');
  await done;
  expect(pool.log).toEqual(['open unknown', 'close']);
  expect(results.get('a')?.status).toBe('skipped');
});

test('a pool that nothing needs in the end is closed', async () => {
  const pool = new LastingPool();
  const { results, done } = start([task({ name: 'a' }, () => {})], pool, {
    knows: [['a', { kind: 'result', status: 'returned' }]],
  });
  await done;
  expect(results.get('a')?.recalled).toBeDefined();
  expect(pool.log).toEqual(['open unknown', 'close']);
});
