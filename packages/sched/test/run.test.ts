/** A run as its consumer sees it, with the inline pool. */
import {
  type Amount,
  type Assignment,
  executableTask,
  isPexenError,
  key,
  type Pool,
  type PoolContext,
  type PoolOutcome,
  place,
  type Result,
  type Ticket,
  task,
  type as typed,
  withMeta,
} from '@pexen/core';
import { describe, expect, test, vi } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { amount, anyOf, every, inline, type Run, run, TaskFailError } from '../src/index.ts';

async function collect<Value>(results: AsyncIterable<Result<Value>>): Promise<Result<Value>[]> {
  const all: Result<Value>[] = [];
  for await (const result of results) all.push(result);
  return all;
}

async function statuses(of: Run): Promise<string[]> {
  return (await collect(of)).map(({ path, status }) => `${path} ${status}`);
}

function named(name: string, meta: object = {}, body: () => unknown = () => name): () => unknown {
  return withMeta(() => body(), { name, ...meta });
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return isPexenError(error) ? error.code : String(error);
  }
  return undefined;
}

describe('results', () => {
  test('come one for each task, with value, path, attempts and times', async () => {
    const clock = new ScriptedClock();
    const [result] = await collect(run([named('a')], { clock }));
    expect(result).toMatchObject({
      path: 'a',
      callPath: ['a'],
      status: 'returned',
      value: 'a',
      flaky: false,
    });
    expect(result?.attempts).toEqual([
      {
        ...{ attempt: 1, worker: 'inline', startedAtMs: 0, durationMs: 0 },
        outcome: { kind: 'returned', locksOk: true },
      },
    ]);
  });

  test('nothing starts before the first pull', async () => {
    let started = false;
    const going = run([() => (started = true)]);
    await settle();
    expect(started).toBe(false);
    await going.summary;
    expect(started).toBe(true);
  });

  test('an error is in the result, as it was thrown', async () => {
    const error = new TypeError('no');
    const [result] = await collect(
      run([
        () => {
          throw error;
        },
      ]),
    );
    expect(result).toMatchObject({ status: 'threw', reason: [] });
    expect(result?.error).toBe(error);
  });

  test('a rejected promise is like a thrown error, a controlled failure carries its data', async () => {
    const fails = task({ name: 'fails' }, async () => {
      throw new TaskFailError('3 of 80', { data: [1, 2, 3] });
    });
    const [result] = await collect(run([fails]));
    expect(result).toMatchObject({ status: 'failed', error: { data: [1, 2, 3] } });
  });

  test('nothing new starts while the consumer works on a result', async () => {
    const started: string[] = [];
    const tasks = ['a', 'b', 'c'].map((name) => named(name, {}, () => started.push(name)));
    for await (const result of run(tasks)) {
      await settle();
      expect(started.at(-1)).toBe(result.path);
    }
    expect(started).toEqual(['a', 'b', 'c']);
  });

  test('the run never outruns its consumer by more than its places, however quick the tasks are', async () => {
    let started = 0;
    const tasks = Array.from({ length: 500 }, () => async () => ++started);
    const going = run(tasks, { pool: inline({ concurrency: 4 }), spare: 2 });
    let taken = 0;
    for await (const _ of going) {
      taken++;
      expect(started - taken).toBeLessThanOrEqual(6);
      if (taken === 100) going.abort('enough');
    }
    expect(started).toBeLessThanOrEqual(106);
    expect((await going.summary).counts.skipped).toBeGreaterThan(390);
  });

  test('a task that a thousand others wait for costs no stack', async () => {
    const chain = Array.from({ length: 20_000 }, (_, at) =>
      named(`t${at}`, { provides: [`c${at}`], requires: at === 0 ? [] : [`c${at - 1}`] }),
    );
    const { counts } = await run(chain).summary;
    expect(counts).toEqual({ returned: 20_000 });
  });

  test('a long chain of skips does not overflow the stack', async () => {
    const chain = Array.from({ length: 20_000 }, (_, at) =>
      withMeta(
        () => {
          throw new Error('no');
        },
        { name: `t${at}`, provides: [`c${at}`], requires: at === 0 ? [] : [`c${at - 1}`] },
      ),
    );
    const { counts } = await run(chain).summary;
    expect(counts).toEqual({ threw: 1, skipped: 19_999 });
  });
});

describe('names', () => {
  test('are the function name, or task, made unique by a suffix', async () => {
    function lint(): void {}
    const tasks = [lint, lint, () => 1, named('lint-2')];
    expect(await statuses(run(tasks))).toEqual([
      ...['lint returned', 'lint-3 returned', 'task returned', 'lint-2 returned'],
    ]);
  });

  test('may contain separators', async () => {
    const placed = { under: ['a/b'], task: named('c') };
    const [result] = await collect(run([placed]));
    expect(result).toMatchObject({ path: 'a\\/b/c', callPath: ['a/b', 'c'] });
  });
});

describe('of', () => {
  test('gives the result of one task and drives the run', async () => {
    const a = task({ name: 'a' }, () => 7);
    const going = run([named('first'), a]);
    const result = await going.of(a);
    expect(result.status === 'returned' && result.value + 1).toBe(8);
    expect((await going.summary).counts).toEqual({ returned: 2 });
  });

  test('of a task in several places is that of the place', async () => {
    const where = task({ name: 'where' }, ({ path }) => path);
    const [here, there] = [place(['here'], where), place(['there'], where)];
    const going = run([here, there]);
    expect((await going.of(there)).value).toBe('there/where');
    expect((await going.of(place(['here'], where))).value).toBe('here/where');
    expect((await going.of(where)).value).toBe('here/where');
    expect(() => going.of(place(['nowhere'], where))).toThrow('PEXEN_UNKNOWN_TASK');
    const nameless = [1, 2].map((at) => place(['x'], () => at));
    const other = run([() => 0, ...nameless]);
    expect((await other.of(nameless[1] as (typeof nameless)[0])).value).toBe(2);
  });

  test('inside the loop drives the run until the result has arrived', async () => {
    const last = task({ name: 'last', priority: 9 }, () => 'z');
    const going = run([named('a'), named('b'), last]);
    const seen: string[] = [];
    for await (const { path } of going) {
      if (path === 'a') seen.push(`of ${(await going.of(last)).path}`);
      seen.push(path);
    }
    expect(seen).toEqual(['of last', 'a', 'b', 'last']);
  });

  test('rejects for results that were given before, throws for tasks that are not part of the run', async () => {
    const a = task({ name: 'a' }, () => 7);
    const going = run([a]);
    await collect(going);
    await expect(going.of(a)).rejects.toMatchObject({ code: 'PEXEN_RESULT_GONE' });
    expect(codeOf(() => going.of(named('b')))).toBe('PEXEN_UNKNOWN_TASK');
  });
});

describe('adding', () => {
  test('from the loop, also from its last result', async () => {
    const going = run([named('a', { provides: ['x'] })]);
    const seen: string[] = [];
    for await (const { path } of going) {
      seen.push(path);
      if (path === 'a') going.add([named('b', { requires: ['x'] })]);
      if (path === 'b') going.add([named('c')]);
    }
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(codeOf(() => going.add([named('d')]))).toBe('PEXEN_RUN_ENDED');
  });

  test('from inside a task, and before the run started', async () => {
    const going: Run = run([
      named('a', {}, () =>
        going.add([named('b'), named('c', { requires: ['y'] }), named('d', { provides: ['y'] })]),
      ),
    ]);
    going.add([named('early', { priority: -1 })]);
    expect(await statuses(going)).toEqual([
      ...['early returned', 'a returned', 'd returned', 'b returned', 'c returned'],
    ]);
  });

  test('refused tasks affect nothing', async () => {
    const going = run([named('a')]);
    expect(codeOf(() => going.add([named('b'), named('c', { requires: ['nothing'] })]))).toBe(
      'PEXEN_UNKNOWN_REQUIREMENT',
    );
    expect(codeOf(() => going.add([named('a')]))).toBe('PEXEN_DUPLICATE_PATH');
    going.add([named('b')]);
    expect(await statuses(going)).toEqual(['a returned', 'b returned']);
  });

  test('one by one gives the same as all at once', async () => {
    const going = run([named('seed')]);
    for (let at = 0; at < 2_000; at++)
      going.add([named(`t${at}`, { provides: [`c${at}`], requires: at === 0 ? [] : [`c${at - 1}`] })]);
    expect((await going.summary).counts).toEqual({ returned: 2_001 });
  });
});

describe('ending', () => {
  test('leaving the loop aborts, tears down and leaves nothing', async () => {
    const clock = new ScriptedClock();
    const done: string[] = [];
    const tasks = [
      named('db', { provides: ['db'], priority: -1 }, () => done.push('db')),
      named('user', { requires: ['db'], timeout: 1000 }, () => done.push('user')),
      named('stop', { tearsDown: 'db' }, () => done.push('stop')),
    ];
    const going = run(tasks, { clock });
    for await (const _ of going) break;
    expect(done).toEqual(['db', 'stop']);
    expect(clock.pending).toBe(0);
    const { rest, reason, counts } = await going.summary;
    expect(rest.map(({ path, status }) => `${path} ${status}`)).toEqual(['user skipped', 'stop returned']);
    expect(reason).toMatch(/was left/);
    expect(counts).toEqual({ returned: 2, skipped: 1 });
  });

  test('abort stops what runs, gives the rest and ends normally', async () => {
    const waits = task({ name: 'waits' }, ({ signal }) => rejectsOn(signal));
    const going = run([waits, named('b', { priority: 1 })]);
    const loop = collect(going);
    await settle();
    going.abort(new Error('enough'));
    expect((await loop).map(({ path, status }) => `${path} ${status}`)).toEqual([
      'b skipped',
      'waits cancelled',
    ]);
    expect((await going.summary).reason).toBe('enough');
  });

  test('the signal of the options aborts, also one that was aborted before', async () => {
    const controller = new AbortController();
    const waits = task({ name: 'waits' }, ({ signal }) => rejectsOn(signal));
    const loop = statuses(run([waits], { signal: controller.signal }));
    await settle();
    controller.abort('ctrl-c');
    expect(await loop).toEqual(['waits cancelled']);
    expect(await statuses(run([waits], { signal: controller.signal }))).toEqual(['waits skipped']);
  });

  test('a run that is not started attaches nothing to the signal of its options', async () => {
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const going = run([named('a')], { signal: controller.signal });
    expect(add).not.toHaveBeenCalled();
    controller.abort(new Error('before the first pull'));
    expect((await going.summary).reason).toBe('before the first pull');
  });

  test('drain starts nothing more; what runs may end', async () => {
    const gate = Promise.withResolvers<string>();
    const going = run([named('a', {}, () => gate.promise), named('b')]);
    const loop = statuses(going);
    await settle();
    going.drain('first ctrl-c');
    gate.resolve('done');
    expect(await loop).toEqual(['b skipped', 'a returned']);
  });

  test('drain reclaims what waits in the pool', async () => {
    const gate = Promise.withResolvers<string>();
    const started: string[] = [];
    const notes = (name: string) => named(name, {}, () => started.push(name));
    const going = run([named('a', {}, () => gate.promise), notes('b'), notes('c')], { spare: 2 });
    const loop = statuses(going);
    await settle();
    going.drain('first ctrl-c');
    gate.resolve('done');
    expect(await loop).toEqual(['b skipped', 'c skipped', 'a returned']);
    expect(started).toEqual([]);
  });

  test('close leaves nothing running, whether started or not', async () => {
    const waits = task({ name: 'waits' }, ({ signal }) => rejectsOn(signal));
    const going = run([waits]);
    const pulled = going[Symbol.asyncIterator]().next();
    await settle();
    await going.close();
    expect((await pulled).value?.status).toBe('cancelled');
    const never = run([named('a')]);
    await never[Symbol.asyncDispose]();
    expect((await never.summary).counts).toEqual({ skipped: 1 });
  });

  test('the deadline of the run cancels it', async () => {
    const clock = new ScriptedClock();
    const waits = task({ name: 'waits' }, ({ signal }) => rejectsOn(signal));
    const loop = statuses(run([waits], { clock, deadline: 500 }));
    await settle();
    await clock.advance(500);
    expect(await loop).toEqual(['waits cancelled']);
    expect(clock.pending).toBe(0);
  });

  test('an iterator that was left gives nothing more', async () => {
    const going = run([named('a'), named('b')]);
    const results = going[Symbol.asyncIterator]();
    await results.next();
    expect(await results.return?.()).toEqual({ done: true, value: undefined });
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect((await going.summary).rest.map(({ path }) => path)).toEqual(['b']);
  });

  test('a second iterator is an error', async () => {
    const going = run([named('a')]);
    going[Symbol.asyncIterator]();
    expect(codeOf(() => going[Symbol.asyncIterator]())).toBe('PEXEN_SECOND_ITERATOR');
    await going.close();
  });

  test('running the same tasks again is a new run', async () => {
    const tasks = [named('a', { provides: ['a-done'] }), named('b', { after: ['a-done'] })];
    expect(await statuses(run(tasks))).toEqual(await statuses(run(tasks)));
  });

  test('a pool that cannot be opened ends the run with its error', async () => {
    const pool = { ...fakePool(), open: () => Promise.reject(new Error('no room')) };
    const seen: Result[] = [];
    const going = run([named('a')], { pool });
    await expect(
      (async () => {
        for await (const result of going) seen.push(result);
      })(),
    ).rejects.toThrow('no room');
    expect(seen.map(({ status }) => status)).toEqual(['skipped']);
    await expect(going.summary).rejects.toThrow('no room');
  });
});

function rejectsOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

describe('timeouts', () => {
  test('abort the body with an error as the reason', async () => {
    const clock = new ScriptedClock();
    const waits = task({ name: 'waits', timeout: 100 }, ({ signal }) => rejectsOn(signal));
    const loop = collect(run([waits], { clock }));
    await settle();
    await clock.advance(100);
    const [result] = await loop;
    expect(result).toMatchObject({ status: 'timed-out', reason: [{ why: 'timed out after 100 ms' }] });
    expect(clock.pending).toBe(0);
  });

  test('idle timeouts count reports of the body as signs of life', async () => {
    const clock = new ScriptedClock();
    let tick = (): void => {};
    const works = task({ name: 'works', idleTimeout: 100 }, ({ progress, signal }) => {
      tick = () => progress({ done: 1 });
      return rejectsOn(signal);
    });
    const loop = collect(run([works], { clock }));
    await settle();
    await clock.advance(90);
    tick();
    await clock.advance(90);
    expect(clock.pending).toBe(1);
    await clock.advance(10);
    const [result] = await loop;
    expect(result).toMatchObject({
      status: 'timed-out',
      reason: [{ why: 'no output or progress for 100 ms' }],
    });
  });

  test('slow tasks are marked', async () => {
    const clock = new ScriptedClock();
    const slow = task({ name: 'slow', slowAfter: 10 }, () => clock.advance(20));
    const quick = task({ name: 'quick', slowAfter: 10 }, () => clock.advance(5));
    const results = await collect(run([slow, quick], { clock }));
    expect(results.map(({ slow }) => slow)).toEqual([true, false]);
  });

  test('retries wait, and set flaky', async () => {
    const clock = new ScriptedClock();
    let tries = 0;
    const flaky = task({ name: 'flaky', retries: { count: 2, delay: 100 } }, ({ attempt }) => {
      tries++;
      if (attempt < 3) throw new Error('not yet');
      return attempt;
    });
    const loop = collect(run([flaky], { clock }));
    await settle();
    await clock.advance(99);
    expect(tries).toBe(1);
    await clock.advance(1);
    await clock.advance(200);
    const [result] = await loop;
    expect(result).toMatchObject({ status: 'returned', value: 3, flaky: true });
    expect(result?.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome.kind}`)).toEqual([
      ...['1 threw', '2 threw', '3 returned'],
    ]);
  });
});

describe('outputs of tasks', () => {
  test('dictionaries are merged in the order of requires, then of declaration', async () => {
    const give = (name: string, value: number, more: object): (() => unknown) =>
      task(
        { name, provides: [name, 'all'] },
        ({ shared }) => void Object.assign(shared, { value, ...more }),
      ) as never;
    const take = task({ name: 'take', requires: ['b', 'a', every('all')] }, ({ shared }) => ({ ...shared }));
    const going = run([give('a', 1, { a: true }), give('b', 2, { b: true }), take], {
      shared: { initial: 1, value: 0 },
    });
    expect(await going.of(take)).toMatchObject({ value: { initial: 1, value: 2, a: true, b: true } });
  });

  test('seed: siblings do not share a dictionary', async () => {
    const parent = task({ name: 'parent' }, ({ shared }) => {
      shared.list = 'parent';
    });
    const child = (name: string) =>
      task({ name, requires: [parent] }, ({ shared }) => {
        const before = shared.list;
        shared.list = name;
        return before;
      });
    const results = await collect(run([parent, child('one'), child('two')]));
    expect(results.map(({ value }) => value)).toEqual([undefined, 'parent', 'parent']);
    expect(results.map(({ shared }) => shared.list)).toEqual(['parent', 'one', 'two']);
  });

  test('keys that could reach a prototype are refused', async () => {
    const evil = task({ name: 'evil' }, ({ shared }) => {
      Object.defineProperty(shared, '__proto__', { value: { polluted: true }, enumerable: true });
      shared.constructor = 'x' as never;
      shared.fine = 1;
    });
    const [result] = await collect(run([evil]));
    expect(result).toMatchObject({ status: 'threw', shared: {}, error: { code: 'PEXEN_REFUSED_KEY' } });
  });

  test('retries start from the state of the first attempt', async () => {
    const flaky = task({ name: 'flaky', retries: 1 }, ({ shared, attempt }) => {
      const seen = shared.mark;
      shared.mark = attempt;
      if (attempt === 1) throw new Error('again');
      return seen;
    });
    const [result] = await collect(run([flaky]));
    expect(result).toMatchObject({ value: undefined, shared: { mark: 2 } });
  });

  test('typed keys go from set to get', async () => {
    const port = key<number>('port');
    const backup = key<number>('backup');
    const serve = task({ name: 'serve', provides: [port] }, ({ set }) => set(port, 80));
    const other = task({ name: 'other', provides: [port] }, ({ set }) => set(port, 81));
    const one = task({ name: 'one', requires: [port] }, ({ get }) => get(port));
    const all = task({ name: 'all', requires: [every(port)] }, ({ getAll }) => getAll(port));
    const some = task({ name: 'some', requires: [anyOf(port, backup)] }, ({ get }) => [
      get(port),
      get(backup),
    ]);
    const going = run([serve, other, one, all, some]);
    expect(await going.of(one)).toMatchObject({ value: 80 });
    expect(await going.of(all)).toMatchObject({ value: [80, 81] });
    expect(await going.of(some)).toMatchObject({ value: [80, undefined] });
  });

  test('a provider that returns without having set its key has failed', async () => {
    const port = key<number>('port');
    const forgets = task({ name: 'forgets', provides: [port] }, () => 1);
    const needs = task({ name: 'needs', requires: [port] }, ({ get }) => get(port));
    const results = await collect(run([forgets, needs]));
    expect(results.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect(String(results[0]?.error)).toMatch(/without having set port/);
  });

  test('args are bound by with', async () => {
    const add = task({ name: 'add', args: typed<{ a: number; b: number }>() }, ({ args }) => args.a + args.b);
    const going = run([add.with({ a: 1, b: 2 }), add.with({ a: 3, b: 4 }, { name: 'more' })]);
    expect((await collect(going)).map(({ path, value }) => `${path} ${value}`)).toEqual(['add 3', 'more 7']);
    expect(codeOf(() => run([add as never]))).toBe('PEXEN_UNBOUND_ARGS');
  });
});

describe('events', () => {
  test('come in one order, the results after their events', async () => {
    const going = run([named('a', { provides: ['x'] }), named('b', { requires: ['x'] })], {
      clock: new ScriptedClock(),
    });
    const reported: string[] = [];
    going.events.on('event', (event) =>
      reported.push(`${event.type} ${'path' in event ? event.path : ''}`.trim()),
    );
    for await (const { path } of going) reported.push(`got ${path}`);
    expect(reported).toEqual([
      ...['run-started', 'tasks-added', 'task-started a', 'attempt-ended a', 'task-finished a', 'got a'],
      ...['task-started b', 'attempt-ended b', 'task-finished b', 'got b', 'run-ended'],
    ]);
  });

  test('reports of bodies come in addition, findings are in the result', async () => {
    const talks = task({ name: 'talks' }, ({ log, progress, report, attach }) => {
      log('hello', { n: 1 });
      progress({ done: 1, total: 2 });
      report({ name: 'check', status: 'pass' });
      attach({ name: 'shot.png', file: '/x' });
    });
    const going = run([talks]);
    const reported: string[] = [];
    going.events.on('update', ({ path, update }) => reported.push(`${path} ${update.kind}`));
    const [result] = await collect(going);
    expect(reported).toEqual(['talks log', 'talks progress', 'talks finding', 'talks attachment']);
    expect(result?.findings).toEqual([{ name: 'check', status: 'pass' }]);
  });

  test('a listener or a judge that throws causes a warning and nothing else', async () => {
    const warnings: string[] = [];
    const going = run([named('a')], {
      onWarning: ({ code }) => warnings.push(code),
      judge: () => {
        throw new Error('no verdict');
      },
    });
    going.events.on('event', () => {
      throw new Error('reporter');
    });
    expect(await statuses(going)).toEqual(['a returned']);
    expect(new Set(warnings)).toEqual(new Set(['PEXEN_LISTENER_THREW', 'PEXEN_JUDGE_THREW']));
  });

  test('the judge is called once for each result', async () => {
    let asked = 0;
    const judge = (): { readonly verdict: 'pass' } => {
      asked++;
      return { verdict: 'pass' };
    };
    const going = run([named('a'), named('b', { when: false })], { judge });
    const judgements: unknown[] = [];
    going.events.on('event', (event) => {
      if ('judgement' in event) judgements.push(event.judgement);
    });
    const results = await collect(going);
    expect(asked).toBe(2);
    expect(judgements).toEqual([{ verdict: 'pass' }, { verdict: 'pass' }]);
    expect(results.every(({ judgement }) => judgement?.verdict === 'pass')).toBe(true);
  });
});

describe('explanations', () => {
  test('inspect, why and story describe the present', async () => {
    const clock = new ScriptedClock();
    const gate = Promise.withResolvers<void>();
    const holds = task({ name: 'holds', claims: ['/net/eth0'], provides: ['x'] }, () => gate.promise);
    const needs = task({ name: 'needs', requires: ['x'] }, () => {});
    const wants = task({ name: 'wants', uses: ['/net/eth0/mtu'] }, () => {});
    const going = run([holds, needs, wants], { pool: inline({ concurrency: 4 }), clock });
    const loop = collect(going);
    await settle();
    const { running, waiting, resources, counts, pools } = going.inspect();
    expect(running).toMatchObject([{ path: 'holds', attempt: 1, worker: 'inline', pool: 'default' }]);
    expect(waiting).toEqual([
      { path: 'needs', for: { kind: 'requirement', requirement: '"x"', providers: ['holds'] } },
      { path: 'wants', for: { kind: 'resource', resource: '/net/eth0', holders: ['holds'] } },
    ]);
    expect(resources).toMatchObject(
      [{ resource: '/net/eth0', holders: [{ path: 'holds', how: 'claims' }] }, {}].slice(0, resources.length),
    );
    expect(counts).toEqual({ waiting: 2, running: 1, finished: 0, skipped: 0 });
    expect(pools).toEqual([{ name: 'default', kind: 'inline', slots: 4, dispatched: 1 }]);
    expect(going.why(wants)).toBe(
      '"wants" waits for the resource "/net/eth0", held by "holds", which is running.',
    );
    gate.resolve();
    await loop;
    expect(going.why('holds')).toBe('"holds" is over: it returned.');
    expect(going.story(wants).map((line) => line.replace(/^[\d.]+ ms /, ''))).toEqual([
      ...['ready', 'parked', 'dispatched', 'running', 'done', '"wants" is over: it returned.'],
    ]);
  });
});

describe('pools', () => {
  test('a program is refused by pools that run none, and its interpret reads its outcome elsewhere', async () => {
    const program = executableTask(
      { name: 'prog' },
      {
        ...{ file: '/bin/true', argv: [], cwd: '/', env: {} },
        interpret: ({ exitCode }) => ({
          outcome: { kind: 'returned', value: `exit ${exitCode}` },
          findings: [{ name: 'tap', status: 'pass' }],
        }),
      },
    );
    expect(codeOf(() => run([program]))).toBe('PEXEN_EXECUTABLE');
    const pool = fakePool(() => ({ kind: 'returned', value: { exitCode: 0 }, ranMs: 1_234 }));
    const [result] = await collect(run([program], { pool }));
    expect(result).toMatchObject({ value: 'exit 0', findings: [{ name: 'tap' }] });
    expect(result?.attempts[0]?.durationMs).toBe(1_234);
  });

  test('an interpretation attaches files and texts; its error has no frames, and neither has its cause', async () => {
    const error = new Error('outer', { cause: new TypeError('inner') });
    const attachment = { name: 'screen', file: '/tmp/screen.png' };
    const program = executableTask(
      { name: 'prog' },
      {
        ...{ file: '/bin/true', argv: [], cwd: '/', env: {} },
        interpret: () => ({ outcome: { kind: 'threw', error }, findings: [], attachments: [attachment] }),
      },
    );
    const going = run([program], { pool: fakePool(() => ({ kind: 'returned', value: { exitCode: 1 } })) });
    const updates: unknown[] = [];
    going.events.on('update', ({ path, attempt, update }) => updates.push([path, attempt, update]));
    const [result] = await collect(going);
    expect(result?.error).toMatchObject({ stack: 'Error: outer', cause: { stack: 'TypeError: inner' } });
    expect(updates).toEqual([['prog', 1, { kind: 'attachment', attachment }]]);
  });

  test('an interpretation that throws, or that attaches nonsense, has failed with its own stack', async () => {
    for (const interpret of [
      () => expect.unreachable('broken'),
      () => ({ outcome: { kind: 'returned', value: 1 }, findings: [], attachments: [{}] }) as never,
    ]) {
      const body = { file: '/bin/true', argv: [], cwd: '/', env: {}, interpret };
      const pool = fakePool(() => ({ kind: 'returned', value: { exitCode: 0 } }));
      const [result] = await collect(run([executableTask({ name: 'prog' }, body)], { pool }));
      expect(result?.status).toBe('threw');
      expect(result?.error).toHaveProperty('stack', expect.stringMatching(/\n +at /));
    }
  });

  test.each([
    ['returned', { kind: 'returned', value: 0 }, 'failed', []],
    ['skipped itself', { kind: 'skipped-itself', reason: 'no net' }, 'failed', []],
    [
      'failed',
      { kind: 'failed', error: new TaskFailError('b'), depsOk: true, locksOk: false },
      'failed',
      ['r'],
    ],
    ['threw', { kind: 'threw', error: new Error('SIGSEGV') }, 'threw', ['r']],
  ] as const)(
    'a program whose evidence is incomplete has not passed, if it %s',
    async (_how, outcome, status, poisoned) => {
      const program = executableTask(
        { name: 'prog', claims: ['r'] },
        {
          ...{ file: '/bin/true', argv: [], cwd: '/', env: {} },
          interpret: () => ({ outcome, findings: [{ name: 'tap', status: 'pass' }] }),
        },
      );
      const facts = { exitCode: 0, incomplete: 'the disk was full (ENOSPC)' };
      const going = run([program], { pool: fakePool(() => ({ kind: 'returned', value: facts })) });
      const [result] = await collect(going);
      expect(result).toMatchObject({ status, findings: [{ name: 'tap' }] });
      expect(String(result?.error)).toMatch(/PEXEN_EVIDENCE_LOST prog: the disk was full \(ENOSPC\)/);
      expect(result?.error).toHaveProperty('stack', String(result?.error));
      expect((await going.summary).poisoned).toEqual(poisoned);
    },
  );

  test('a function is refused before the run by pools that take programs alone', () => {
    const pool = fakePool();
    const manifest = { ...pool.manifest, closures: false, executables: true, functions: false };
    expect(codeOf(() => run([named('a')], { pool: { ...pool, manifest } }))).toBe('PEXEN_FUNCTION');
  });

  test('closures are refused before the run by pools that cannot take them', () => {
    const pool = fakePool();
    const closed = { ...pool, manifest: { ...pool.manifest, closures: false } };
    expect(codeOf(() => run([named('a')], { pool: closed }))).toBe('PEXEN_CLOSURE');
  });

  test('reinterpret is called before the machine decides', async () => {
    const reinterpret = (outcome: PoolOutcome): PoolOutcome =>
      outcome.kind === 'threw' ? { ...outcome, kind: 'failed', depsOk: true, locksOk: true } : outcome;
    const fails = named('a', { provides: ['x'], claims: ['r'] }, () => {
      throw new Error('assertion');
    });
    const tasks = [fails, named('b', { requires: ['x'], claims: ['r'] })];
    expect(await statuses(run(tasks, { reinterpret }))).toEqual(['a failed', 'b returned']);
  });

  test('a pool that throws or rejects is a crash of the attempt', async () => {
    const throws = fakePool(() => {
      throw new Error('bug');
    });
    const [result] = await collect(run([named('a')], { pool: throws }));
    expect(result).toMatchObject({ status: 'crashed', reason: [{ why: 'the pool failed: Error: bug' }] });
  });

  test('a lost attempt counts as running until it is fenced', async () => {
    const fence = Promise.withResolvers<void>();
    const pool = fakePool(() => ({ kind: 'lost', reason: 'node gone', fenced: fence.promise }));
    const going = run([named('a', { claims: ['r'] })], { pool });
    const loop = statuses(going);
    await settle();
    expect(going.inspect().running).toHaveLength(1);
    fence.resolve();
    expect(await loop).toEqual(['a lost']);
    expect((await going.summary).poisoned).toEqual(['r']);
  });

  test('named pools and groups run where they should', async () => {
    const where: string[] = [];
    const noting = (name: string): Pool =>
      fakePool(({ path }) => {
        where.push(`${path} in ${name}`);
        return { kind: 'returned', value: path };
      });
    const tasks = [
      named('a'),
      named('b', { pool: 'gpu' }),
      named('c', { group: 'vm', after: ['x'] }),
      named('d', { provides: ['x'] }),
    ];
    const options = {
      pool: noting('default'),
      pools: { gpu: () => noting('gpu') },
      groups: { vm: { pool: () => noting('vm') } },
    };
    await run(tasks, options).summary;
    expect(where.sort()).toEqual(['a in default', 'b in gpu', 'c in vm', 'd in default']);
  });

  test('exclusive tasks run alone, amounts keep to the capacity', async () => {
    let memory = 0;
    let most = 0;
    const takes = (name: string, count: number) =>
      task({ name, uses: [amountOf(count)] }, async () => {
        memory += count;
        most = Math.max(most, memory);
        await settle();
        memory -= count;
      });
    const tasks = Array.from({ length: 20 }, (_, at) => takes(`t${at}`, (at % 3) + 1));
    await run(tasks, { pool: inline({ concurrency: 8 }), capacities: { memory: 4 } }).summary;
    expect(most).toBe(4);
  });
});

function amountOf(count: number): Amount {
  return amount('memory', count);
}

function fakePool(
  outcomeOf: (assignment: Assignment, ticket: Ticket) => PoolOutcome | Promise<PoolOutcome> = ({ path }) => ({
    kind: 'returned',
    value: path,
  }),
): Pool {
  return {
    manifest: { name: 'fake', kills: true, transport: 'clone', closures: true, executables: true },
    open: (context: PoolContext) => {
      context.slotsChanged(1);
      return Promise.resolve();
    },
    run: (assignment, ticket) => {
      ticket.started('fake-1');
      return outcomeOf(assignment, ticket);
    },
    close: () => Promise.resolve(),
  };
}
