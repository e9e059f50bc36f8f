/** Locks of several runs, from the view of one run: scripted answers, real promises. */
import { isPexenError, type LockRequestOfRun, type RunLocks, type RunLocksListener } from '@pexen/core';
import { inline, type Run, run, service, task } from '@pexen/sched';
import { expect, test } from 'vitest';

/** Other runs, as a test wants them. Everything that has `/shared` in its claims concerns them. */
class ScriptedLocks implements RunLocks {
  readonly asked: LockRequestOfRun[] = [];
  readonly released: number[] = [];
  isClosed = false;
  /** Answers of their own: `grant`, or who is in the way. */
  answer: (request: LockRequestOfRun) => 'grant' | string | undefined = () => 'grant';
  #listener: RunLocksListener | undefined;

  concerns({ claims = [] }: LockRequestOfRun['meta']): boolean {
    return claims.some((claim) => String(claim).startsWith('/shared'));
  }

  open(listener: RunLocksListener): void {
    this.#listener = listener;
  }

  acquire(request: LockRequestOfRun): void {
    this.asked.push(request);
    const answer = this.answer(request);
    if (answer !== undefined) queueMicrotask(() => this.send(request.id, answer));
  }

  send(id: number, answer: string): void {
    if (answer === 'grant') this.#listener?.granted(id);
    else this.#listener?.awaited(id, { resource: '/shared', scope: 'machine', holders: [answer] });
  }

  fail(error: Error): void {
    this.#listener?.fail(error);
  }

  lose(id: number): Promise<void> | undefined {
    return this.#listener?.lost(id, 'lost its locks');
  }

  release(id: number): void {
    this.released.push(id);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const done = (name: string, claims: readonly string[] = ['/shared'], body: () => unknown = () => name) =>
  task({ name, claims: [...claims] }, body);

async function statusesOf(running: Run): Promise<string[]> {
  const statuses: string[] = [];
  for await (const { path, status } of running) statuses.push(`${path} ${status}`);
  return statuses;
}

test('a task starts once other runs have granted what it needs, and gives it back at its end', async () => {
  const locks = new ScriptedLocks();
  const order: string[] = [];
  const body = () => order.push(`runs, ${locks.released.length} released`);
  expect(await statusesOf(run([done('a', ['/shared/x', 'own'], body)], { runLocks: locks }))).toEqual([
    'a returned',
  ]);
  expect(order).toEqual(['runs, 0 released']);
  expect(locks.asked.map(({ id, path }) => [id, path])).toEqual([[1, 'a']]);
  expect([locks.released, locks.isClosed]).toEqual([[1], true]);
});

test('a run without such tasks never asks and has nothing to close', async () => {
  const locks = new ScriptedLocks();
  locks.open = () => expect.unreachable();
  expect(await statusesOf(run([done('a', ['own'])], { runLocks: locks }))).toEqual(['a returned']);
  expect([locks.asked, locks.isClosed]).toEqual([[], false]);
});

test('a task that waits for other runs holds neither a slot nor resources of this run', async () => {
  const locks = new ScriptedLocks();
  locks.answer = () => 'train of another run';
  const waits = done('waits', ['/shared', 'own']);
  const others = [done('other', ['own']), done('third', ['own'])];
  const running = run([waits, ...others], { runLocks: locks, pool: inline({ concurrency: 1 }) });
  const seen: string[] = [];
  for await (const { path } of running) {
    seen.push(path);
    if (path !== 'third') continue;
    expect(running.why('waits')).toBe(
      '"waits" waits for the resource "/shared" of the machine, held by train of another run.',
    );
    expect(running.inspect().waiting).toEqual([
      {
        path: 'waits',
        for: { kind: 'resource', resource: '/shared', holders: ['train of another run'], scope: 'machine' },
      },
    ]);
    locks.send(1, 'grant');
  }
  expect(seen).toEqual(['other', 'third', 'waits']);
  expect(locks.asked).toHaveLength(1);
});

test('a task that was granted something goes before all others, as soon as there is a slot', async () => {
  const locks = new ScriptedLocks();
  locks.answer = () => 'another';
  const slow = task({ name: 'slow', priority: -2 }, async () => {
    locks.send(1, 'grant');
    await new Promise<void>((resolve) => setImmediate(resolve));
  });
  const waits = task({ name: 'waits', claims: ['/shared'], priority: -2 }, () => 1);
  const tasks = [waits, slow, task({ name: 'late', priority: -1 }, () => 1)];
  const running = run(tasks, { runLocks: locks, pool: inline({ concurrency: 1 }) });
  expect(await statusesOf(running)).toEqual(['slow returned', 'waits returned', 'late returned']);
});

test('a run that is aborted neither waits for other runs nor leaves a request behind', async () => {
  const locks = new ScriptedLocks();
  locks.answer = ({ path }) => (path === 'unanswered' ? undefined : 'another');
  const waits = [done('unanswered', ['/shared/a']), done('waits', ['/shared/b'])];
  const running: Run = run([...waits, task({ name: 'aborts' }, () => running.abort('enough'))], {
    runLocks: locks,
    pool: inline({ concurrency: 3 }),
  });
  const statuses = await statusesOf(running);
  expect(statuses.sort()).toEqual(['aborts cancelled', 'unanswered skipped', 'waits skipped']);
  expect(locks.released.sort()).toEqual([1, 2]);
});

test('a run that cannot keep its locks is cancelled, and fails with that error', async () => {
  const locks = new ScriptedLocks();
  locks.answer = () => {
    locks.fail(new Error('the table is lost'));
    return undefined;
  };
  await expect(run([done('a')], { runLocks: locks }).summary).rejects.toThrow('the table is lost');
  expect(locks.isClosed).toBe(true);
});

test('a service and a task that needs it must not both hold what runs share', () => {
  const board = service({ name: 'board', claims: ['/shared/board'] }, async ({ ready }) => ready());
  const test = task({ name: 'test', requires: [board], claims: ['/shared/cam'] }, () => 1);
  try {
    run([board, test], { runLocks: new ScriptedLocks() });
    expect.unreachable();
  } catch (error) {
    if (!isPexenError(error)) throw error;
    expect(error.problems.map(({ code, task }) => [code, task])).toEqual([['PEXEN_LOCKS_NESTED', 'test']]);
  }
});

test('a retry keeps what other runs have granted', async () => {
  const locks = new ScriptedLocks();
  let attempts = 0;
  const flaky = task({ name: 'flaky', claims: ['/shared'], retries: 1 }, () => {
    if (++attempts === 1) throw new Error('once');
  });
  expect(await statusesOf(run([flaky], { runLocks: locks }))).toEqual(['flaky returned']);
  expect([locks.asked.length, locks.released]).toEqual([1, [1]]);
});

test('a task that loses its locks while it runs is ended, and is lost; where it may, it asks and starts again', async () => {
  const locks = new ScriptedLocks();
  const order: string[] = [];
  let isOver: Promise<unknown> | undefined;
  const hangs = (name: string, rerunnable: boolean) =>
    task({ name, claims: [`/shared/${name}`], rerunnable, retries: 1 }, async ({ signal, attempt }) => {
      // What held the lost locks is over, whatever the next attempt does.
      if (attempt > 1) await isOver;
      order.push(`${name}#${attempt}`);
      if (attempt > 1) return;
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      isOver = locks.lose(locks.asked.length)?.then(() => order.push(`${name} is over`));
      await stopped;
    });
  const running = run([hangs('once', false), hangs('again', true)], {
    ...{ runLocks: locks, pool: inline({ concurrency: 1 }) },
  });
  const results: string[] = [];
  for await (const { path, attempts } of running)
    results.push(`${path}: ${attempts.map(({ outcome }) => outcome.kind).join(', ')}`);
  expect(results).toEqual(['once: lost', 'again: lost, returned']);
  expect(order).toEqual(['once#1', 'once is over', 'again#1', 'again is over', 'again#2']);
  expect(locks.asked.map(({ id, path }) => [id, path])).toEqual([
    [1, 'once'],
    [2, 'again'],
    [3, 'again'],
  ]);
  expect(locks.released).toEqual([1, 2, 3]);
});

test('a task that loses its locks before it starts asks again', async () => {
  const locks = new ScriptedLocks();
  locks.answer = ({ id }) => (id === 1 ? 'another' : 'grant');
  const slow = task({ name: 'slow', priority: -2 }, async () => {
    locks.send(1, 'grant');
    await new Promise<void>((resolve) => setImmediate(resolve));
    await locks.lose(1);
  });
  const waits = task({ name: 'waits', claims: ['/shared'], priority: -2 }, () => 1);
  const running = run([waits, slow], { runLocks: locks, pool: inline({ concurrency: 1 }) });
  expect(await statusesOf(running)).toEqual(['slow returned', 'waits returned']);
  expect(locks.asked.map(({ id }) => id)).toEqual([1, 2]);
  expect(locks.released).toEqual([1, 2]);
});
