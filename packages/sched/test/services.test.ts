/** Services in real runs, in this thread: what bodies and listeners see. What the machine decides is in scenarios/. */
import { type BodyContext, judgementOf, type RunEvent } from '@pexen/core';
import { expect, test } from 'vitest';
import { inline, key, type Result, run, service, task } from '../src/index.ts';
import { type RecordedStep, Recorder, replay } from '../src/replay.ts';

const url = key<string>('url');

function untilAborted({ signal }: Pick<BodyContext, 'signal'>): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function resultsOf(going: AsyncIterable<Result>): Promise<Map<string, Result>> {
  const results = new Map<string, Result>();
  for await (const result of going) results.set(result.path, result);
  return results;
}

test('hands on its keys and its dictionary as they are when it is ready', async () => {
  const web = service({ name: 'web', provides: [url] }, async (context) => {
    context.set(url, 'first');
    context.shared.port = 80;
    context.ready();
    context.set(url, 'second');
    context.shared.port = 81;
    await untilAborted(context);
  });
  const asks = task({ name: 'asks', requires: [url] }, ({ get, shared }) => `${get(url)} ${shared.port}`);
  const results = await resultsOf(run([web, asks]));
  expect(results.get('asks')?.value).toBe('first 80');
  expect(results.get('web')?.status).toBe('returned');
});

test('runs beside the concurrency of its pool', async () => {
  const web = service({ name: 'web', provides: ['web'] }, async (context) => {
    context.ready();
    await untilAborted(context);
  });
  let running = 0;
  let most = 0;
  const asks = Array.from({ length: 3 }, (_, nth) =>
    task({ name: `asks-${nth}`, requires: ['web'] }, async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
    }),
  );
  const { counts } = await run([web, ...asks], { pool: inline({ concurrency: 1 }) }).summary;
  expect(counts).toEqual({ returned: 4 });
  expect(most).toBe(1);
});

test('is refused where its keys have no value when it is ready, or its dictionary is not valid', async () => {
  const unset = service({ name: 'unset', provides: [url] }, ({ ready }) => ready());
  const wrong = service({ name: 'wrong', provides: ['wrong'] }, async (context) => {
    Object.defineProperty(context.shared, '__proto__', { value: 1, enumerable: true });
    context.ready();
    await untilAborted(context);
  });
  const asks = task({ name: 'asks', requires: [url] }, () => {});
  const more = task({ name: 'more', requires: ['wrong'] }, () => {});
  const results = await resultsOf(run([unset, wrong, asks, more]));
  expect(String(results.get('unset')?.error)).toContain('"unset" provides url: set it before');
  expect(results.get('wrong')?.status).toBe('threw');
  expect([results.get('asks')?.status, results.get('more')?.status]).toEqual(['skipped', 'skipped']);
});

test('a second ready() has no effect, and that of a body which was asked to stop neither', async () => {
  const events: RunEvent[] = [];
  const web = service({ name: 'web', provides: ['web'] }, async (context) => {
    context.ready();
    context.ready();
    await untilAborted(context);
    context.ready();
  });
  const going = run([web, task({ name: 'asks', requires: ['web'] }, () => {})]);
  going.events.on('event', (event) => events.push(event));
  await going.summary;
  expect(events.filter(({ type }) => type === 'service-ready').length).toBe(1);
});

/** A service that dies when `die` is called, and a task that calls it, with one that is built on it. */
function dying(restarts: number) {
  let die: (error: Error) => void = () => {};
  const db = service({ name: 'db', provides: ['db'], restarts }, (context) => {
    context.ready();
    return new Promise<void>((resolve, reject) => {
      die = reject;
      context.signal.addEventListener('abort', () => resolve());
    });
  });
  const migrate = task({ name: 'migrate', requires: ['db'], provides: ['schema'], priority: -1 }, () => {});
  const breaks = task({ name: 'breaks', requires: ['db'] }, async () => {
    die(new Error('out of memory'));
    await Promise.resolve();
    throw new Error('no connection');
  });
  const query = task({ name: 'query', requires: ['schema'], priority: 2 }, () => {});
  const other = task({ name: 'other', requires: ['db'], priority: 1 }, () => {});
  return [db, migrate, breaks, query, other];
}

test('its death stands in the result of a dependent that fails, and in the event of its attempt', async () => {
  const going = run(dying(0));
  const events: RunEvent[] = [];
  going.events.on('event', (event) => events.push(event));
  const results = await resultsOf(going);
  expect(results.get('db')?.status).toBe('threw');
  expect(results.get('breaks')?.providersGone).toEqual([
    { provider: 'db', worker: 'inline', reason: 'ended without having been asked to (out of memory)' },
  ]);
  expect(results.get('other')?.reason?.map(({ why }) => why)).toEqual(['requires "db"', 'threw']);
  const died = events.find((event) => event.type === 'attempt-ended' && event.path === 'db');
  expect(died).toMatchObject({ died: true });
  expect(died).not.toHaveProperty('startsAgain');
});

test('one that came back is flaky, and what was built on its first start fails the run', async () => {
  const going = run(dying(1));
  const skipped: RunEvent[] = [];
  going.events.on('event', (event) => event.type === 'task-skipped' && skipped.push(event));
  const results = await resultsOf(going);
  const { status, flaky, attempts } = results.get('db') as Result;
  expect([status, flaky, attempts.length]).toEqual(['returned', true, 2]);
  expect(results.get('other')?.status).toBe('returned');
  const query = results.get('query') as Result;
  expect([query.status, query.lostWith]).toEqual(['skipped', 'db']);
  expect(skipped).toMatchObject([{ path: 'query', lostWith: 'db' }]);
  const facts = { status: query.status, findings: [], flaky: false, attempts: 0, reason: 'why' };
  expect(judgementOf({ ...facts, lostWith: query.lostWith })).toEqual({ verdict: 'error', reason: 'why' });
  expect(judgementOf(facts).verdict).toBe('skip');
});

test('inspect() and why() name the phase, and who needs it', async () => {
  const seen: unknown[] = [];
  const web = service({ name: 'web', provides: ['web'] }, async (context) => {
    await Promise.resolve();
    context.ready();
    await untilAborted(context);
  });
  const going = run([web, task({ name: 'asks', requires: ['web'] }, () => {})]);
  going.events.on('event', (event) => {
    if (!('path' in event) || event.path !== 'web') return;
    const [state] = going.inspect().services ?? [];
    seen.push([event.type, state?.phase, state?.neededBy]);
  });
  await going.summary;
  expect(seen).toEqual([
    ['task-started', 'starting', ['asks']],
    ['service-ready', 'up', ['asks']],
    ['service-stopping', 'stopping', []],
    ['attempt-ended', undefined, undefined],
    ['task-finished', undefined, undefined],
  ]);
  expect(going.why('web')).toBe('"web" is over: it returned.');
});

test('aborting stops its dependents first; leaving the loop leaves nothing behind', async () => {
  const order: string[] = [];
  const web = service({ name: 'web', provides: ['web'] }, async (context) => {
    context.ready();
    await untilAborted(context);
    order.push('web');
  });
  const asks = task({ name: 'asks', requires: ['web'] }, async (context) => {
    going.abort('enough');
    await untilAborted(context);
    order.push('asks');
  });
  const going = run([web, asks]);
  const { counts } = await going.summary;
  expect(order).toEqual(['asks', 'web']);
  expect(counts).toEqual({ cancelled: 1, returned: 1 });
});

test('the decisions about services can be replayed', async () => {
  const steps: RecordedStep[] = [];
  await run(dying(1), { record: new Recorder((step) => steps.push(structuredClone(step))) }).summary;
  expect(replay(steps).differsAt).toBeUndefined();
  expect(JSON.stringify(steps)).toContain('"restarts":1');
});
