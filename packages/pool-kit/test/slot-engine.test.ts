/** The slot engine, driven by scripted workers and a scripted clock. */

import { describe, expect, test } from 'vitest';
import { ScriptedClock, settle } from '#scripted-clock';
import { SlotEngine } from '../src/index.ts';
import {
  Given,
  type GivenOptions,
  HeardContext,
  ScriptedConnector,
  type Skills,
} from './scripted-connector.ts';

const programsOnly = { ...new ScriptedConnector(1).manifest, functions: false, services: false };

async function opened(slots: number, skills: Skills = {}, connectsAtOpen = false) {
  const clock = new ScriptedClock();
  const connector = new ScriptedConnector(slots, skills, connectsAtOpen);
  const pool = new SlotEngine(connector, { clock });
  const context = new HeardContext();
  await pool.open(context);
  const give = (path: string, options?: GivenOptions): Given => {
    const given = new Given(path, options);
    void Promise.resolve(pool.run(given.assignment, given)).then((outcome) => {
      given.outcome = outcome;
    });
    return given;
  };
  /** Gives attempts, and lets workers get them. */
  const giveAll = async (...paths: string[]): Promise<Given[]> => {
    const all = paths.map((path) => give(path));
    await settle();
    return all;
  };
  const worker = (at: number) => {
    const found = connector.workers[at];
    if (found === undefined) throw new Error(`there is no worker ${at}`);
    return found;
  };
  return { clock, connector, pool, context, give, giveAll, worker };
}

/** Opened, with one worker that has shown that its bodies are short. */
async function openedShort(skills: Skills = {}) {
  const rig = await opened(1, { prefetches: true, canLeave: true, ...skills });
  await rig.giveAll('warm up');
  for (let n = 0; n < 7; n++) {
    rig.worker(0).return(n, undefined, 0.01);
    rig.give('warm up');
    await settle();
  }
  rig.worker(0).return(7, undefined, 0.01);
  await settle();
  rig.worker(0).asked.length = 0;
  return rig;
}

describe('where an attempt runs', () => {
  test('a worker is started when an attempt needs one, and is sent it when it is ready', async () => {
    const { connector, context, give, worker } = await opened(3, { isSlowToStart: true });
    expect(context.slots).toEqual([3]);
    expect(connector.workers).toEqual([]);
    give('a');
    await settle();
    expect(connector.workers.length).toBe(1);
    expect(worker(0).asked).toEqual([]);
    worker(0).ready();
    expect(worker(0).asked).toEqual(['send 0']);
  });

  test('the free slot with the lowest number is taken', async () => {
    const { giveAll, connector, worker } = await opened(3);
    await giveAll('a', 'b', 'c');
    expect(connector.workers.map(({ slot }) => slot)).toEqual([0, 1, 2]);
    worker(2).return(0);
    worker(1).return(0);
    await giveAll('d');
    expect(worker(1).asked).toEqual(['send 0', 'send 1']);
    expect(worker(2).asked).toEqual(['send 0']);
  });

  test('attempts that are not short are sent one at a time, in their order', async () => {
    const { giveAll, worker } = await opened(1, { prefetches: true });
    const [a, b] = await giveAll('a', 'b', 'c');
    expect(worker(0).asked).toEqual(['send 0']);
    worker(0).return(0, 'x');
    await settle();
    expect(a?.outcome).toMatchObject({ kind: 'returned', value: 'x' });
    expect(a?.signs).toEqual(['started worker 0']);
    expect(worker(0).sent.get(1)?.assignment).toBe(b?.assignment);
  });

  test('short ones are sent together', async () => {
    const { giveAll, worker } = await openedShort();
    await giveAll('a', 'b', 'c', 'd');
    expect(worker(0).asked).toEqual(['send 8 9 10 11']);
  });

  test('a worker that does not prefetch has one, however short they are', async () => {
    const { giveAll, worker } = await openedShort({ prefetches: false });
    await giveAll('a', 'b');
    expect(worker(0).asked).toEqual(['send 8']);
  });

  test('a program and a function never run in one slot at the same time', async () => {
    const { give, connector, worker } = await opened(1);
    const program = give('p', { isProgram: true });
    give('f');
    await settle();
    expect(connector.workers.map(({ kind }) => kind)).toEqual(['program']);
    worker(0).return(0);
    await settle();
    expect(program.outcome?.kind).toBe('returned');
    expect(connector.workers.map(({ kind }) => kind)).toEqual(['program', 'function']);
    expect(worker(1).asked).toEqual(['send 0']);
  });

  test('a pool that runs only programs refuses functions, and starts no worker for them', async () => {
    const connector = Object.assign(new ScriptedConnector(1), { manifest: programsOnly });
    const pool = new SlotEngine(connector, { clock: new ScriptedClock() });
    await pool.open(new HeardContext());
    const given = new Given('f');
    expect(await pool.run(given.assignment, given)).toMatchObject({
      kind: 'threw',
      error: { code: 'PEXEN_FUNCTION' },
    });
    expect(given.signs.length).toBe(1);
    expect(connector.workers).toEqual([]);
  });

  test('a worker may run both', async () => {
    const { give, connector, worker } = await opened(1, { runsBoth: true });
    give('p', { isProgram: true });
    await settle();
    worker(0).return(0);
    give('f');
    await settle();
    expect(connector.workers.length).toBe(1);
    expect(worker(0).asked).toEqual(['send 0', 'send 1']);
  });

  test('a worker is replaced after as many attempts as it may make', async () => {
    const { giveAll, connector, worker } = await opened(1, { mostAttempts: 2, canLeave: true });
    await giveAll('a', 'b', 'c');
    worker(0).return(0);
    await settle();
    worker(0).return(1);
    await settle();
    expect(worker(0).asked).toEqual(['send 0', 'send 1', 'leave']);
    expect(worker(1).asked).toEqual(['send 0']);
    expect(connector.workers.map(({ slot }) => slot)).toEqual([0, 0]);
  });

  test('a value that cannot be sent is an error of its attempt alone', async () => {
    const { give, worker } = await openedShort();
    const [a, unfit, c] = [give('a'), give('b', { args: 'unfit' }), give('c')];
    await settle();
    expect(worker(0).asked).toEqual(['send 8', 'send 10']);
    expect(unfit.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_CANNOT_CROSS' } });
    expect(unfit.signs).toEqual(['started worker 0']);
    worker(0).return(8);
    worker(0).return(10);
    await settle();
    expect([a.outcome?.kind, c.outcome?.kind]).toEqual(['returned', 'returned']);
  });
});

describe('the start of an attempt', () => {
  test('is found where a worker is too busy to report it', async () => {
    const { clock, giveAll, worker } = await opened(1);
    const [a] = await giveAll('a');
    worker(0).started = 0;
    await clock.advance(2);
    expect(a?.signs).toEqual(['started worker 0']);
  });

  test('is found where a worker took long to become ready, too', async () => {
    const { clock, give, worker } = await opened(1, { isSlowToStart: true });
    const a = give('a');
    await clock.advance(1_000);
    worker(0).ready();
    worker(0).started = 0;
    await clock.advance(2);
    expect(a.signs).toEqual(['started worker 0']);
  });

  test('attempts behind a long one are reclaimed for a slot that is free', async () => {
    const { clock, connector, giveAll, worker } = await openedShort();
    const [a, b] = await giveAll('a', 'b');
    connector.context?.slotsChanged(2);
    worker(0).start(8);
    await clock.advance(20);
    expect(worker(0).asked).toEqual(['send 8 9', 'reclaim 9']);
    expect(worker(1).sent.get(0)?.assignment).toBe(b?.assignment);
    expect(a?.outcome).toBeUndefined();
  });

  test('an idle worker that does not start what it was sent is ended, and the attempt runs elsewhere', async () => {
    const { clock, context, giveAll, connector, worker } = await opened(1);
    const [a] = await giveAll('a');
    await clock.advance(10_100);
    expect(context.lost).toEqual(['worker 0 was ended by SIGKILL: hung: it did not start what it was sent']);
    expect(connector.workers.length).toBe(2);
    worker(1).return(0);
    await settle();
    expect(a?.outcome?.kind).toBe('returned');
  });

  test('updates are passed to the run, and none comes after the outcome', async () => {
    const { giveAll, worker } = await opened(1);
    const [a] = await giveAll('a');
    worker(0).updates(0, { kind: 'log', message: 'hi' }, { kind: 'heartbeat' });
    worker(0).return(0);
    worker(0).updates(0, { kind: 'log', message: 'late' });
    worker(0).return(0);
    await settle();
    expect(a?.signs).toEqual(['started worker 0', 'log', 'heartbeat']);
  });
});

describe('stopping', () => {
  test('an attempt that waits is returned at once', async () => {
    const { clock, giveAll } = await opened(1);
    const [, b] = await giveAll('a', 'b');
    await clock.advance(5);
    b?.abort();
    await settle();
    expect(b?.outcome?.kind).toBe('not-started');
  });

  test('one that was stopped before the engine listened to its signal is returned, too', async () => {
    const { clock, giveAll } = await opened(1);
    const [, b] = await giveAll('a', 'b');
    b?.abort();
    await clock.advance(2);
    expect(b?.outcome?.kind).toBe('not-started');
  });

  test('one that was sent and has not started is reclaimed', async () => {
    const { clock, giveAll, worker } = await openedShort();
    const [, b, c] = await giveAll('a', 'b', 'c');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    await settle();
    expect(b?.outcome?.kind).toBe('not-started');
    worker(0).return(8);
    worker(0).return(10);
    await settle();
    expect(c?.outcome?.kind).toBe('returned');
  });

  test('a busy worker that does not answer is assumed to have returned it', async () => {
    const { clock, context, giveAll, worker } = await openedShort({ reclaims: 'later' });
    const [, b] = await giveAll('a', 'b');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    await clock.advance(999);
    expect(b?.outcome).toBeUndefined();
    await clock.advance(1);
    expect(b?.outcome?.kind).toBe('not-started');
    worker(0).events.returned(9);
    worker(0).return(8);
    await settle();
    expect(context.lost).toEqual([]);
  });

  test('over a network, one that is not returned may start: it is stopped when it does', async () => {
    const { clock, context, giveAll, worker } = await openedShort({ reclaims: 'later', mayFallSilent: true });
    const [, b, c] = await giveAll('a', 'b', 'c');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    c?.abort();
    await clock.advance(60_000);
    expect([b?.outcome, c?.outcome]).toEqual([undefined, undefined]);
    worker(0).return(8);
    worker(0).start(9);
    worker(0).events.returned(10);
    await settle();
    expect(worker(0).asked.at(-1)).toBe('abort 9');
    expect(c?.outcome?.kind).toBe('not-started');
    worker(0).return(9);
    await settle();
    expect(b?.outcome?.kind).toBe('returned');
    expect(context.lost).toEqual([]);
  });

  test('over a network, one that is not returned counts as started when its worker is lost', async () => {
    const { clock, giveAll, worker } = await openedShort({ reclaims: 'later', mayFallSilent: true });
    const [, b] = await giveAll('a', 'b');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    await clock.advance(1_000);
    worker(0).events.lost('was out of reach', Promise.resolve());
    await settle();
    expect(b?.outcome?.kind).toBe('lost');
  });

  test('a worker that starts an attempt that it had to return is ended, and its messages are ignored', async () => {
    const { clock, context, giveAll, worker } = await openedShort({ reclaims: 'later' });
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    await clock.advance(1_000);
    worker(0).start(9);
    worker(0).return(8);
    await settle();
    expect(context.lost).toEqual(['worker 0 was ended by SIGKILL: started an attempt that it had to return']);
    expect(a?.outcome).toMatchObject({ kind: 'crashed' });
  });

  test('one that starts while it is being reclaimed is stopped like one that has started', async () => {
    const { clock, giveAll, worker } = await openedShort({ reclaims: 'later' });
    const [, b] = await giveAll('a', 'b');
    worker(0).start(8);
    await clock.advance(2);
    b?.abort();
    await settle();
    worker(0).return(8);
    worker(0).start(9);
    expect(worker(0).asked).toEqual(['send 8 9', 'reclaim 9', 'abort 9']);
    expect(b?.outcome).toBeUndefined();
  });

  test('the body is asked, its processes get SIGTERM after 2 s, and the worker is killed after the grace period', async () => {
    const { clock, context, give, worker } = await opened(1, { canTerminate: true });
    const a = give('a', { graceMs: 3_000 });
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    await clock.advance(1_999);
    expect(worker(0).asked).toEqual(['send 0', 'abort 0']);
    await clock.advance(1);
    expect(worker(0).asked).toEqual(['send 0', 'abort 0', 'terminate']);
    await clock.advance(3_000);
    expect(worker(0).asked.at(-1)).toBe('kill');
    expect(a.outcome).toEqual({ kind: 'stopped', how: 'killed', step: 'ended by force' });
    expect(context.lost).toEqual([]);
  });

  test('a body that has not read its signal has 250 ms after a timeout, unless a grace period is set', async () => {
    for (const [isDefaultGrace, isDeaf, killedAfterMs] of [
      [true, true, 250],
      [true, false, 4_000],
      [false, true, 4_000],
    ] as const) {
      const { clock, give, worker } = await opened(1, { canTerminate: true, isDeaf });
      const a = give('a', { graceMs: 2_000, isDefaultGrace });
      await settle();
      worker(0).start(0);
      await clock.advance(2);
      a.abort(Object.assign(new Error('timed out'), { name: 'TimeoutError' }));
      await clock.advance(killedAfterMs - 1);
      expect(worker(0).asked).not.toContain('kill');
      await clock.advance(1);
      expect(worker(0).asked).toContain('kill');
    }
  });

  test('a worker that ended its body after SIGTERM is not used again, and the outcome waits until the worker is gone', async () => {
    const { clock, give, connector, worker } = await opened(1, { canTerminate: true, canLeave: true });
    const a = give('a');
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    give('b');
    await clock.advance(1_000);
    worker(0).return(0, 'late');
    expect(a.outcome).toBeUndefined();
    await settle();
    await settle();
    expect(a.outcome).toMatchObject({ kind: 'returned', value: 'late' });
    expect(worker(0).asked).toEqual(['send 0', 'abort 0', 'terminate', 'leave']);
    expect(connector.workers.length).toBe(2);
  });

  test('the end of a worker is reported once, as soon as it is decided, expectedly or not', async () => {
    const { clock, context, give, worker } = await opened(2, {
      canTerminate: true,
      mostAttempts: 2,
      canLeave: true,
    });
    const a = give('a', { graceMs: 3_000 });
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    await clock.advance(2_000);
    expect(worker(0).asked.at(-1)).toBe('terminate');
    expect(context.gone).toEqual(['worker 0 was ended, since a did not stop when it was asked to']);
    await clock.advance(3_000);
    give('b');
    give('c');
    await settle();
    worker(1).gone('exited with code 3');
    await settle();
    expect(context.gone.slice(1)).toEqual(['worker 1 exited with code 3']);
    expect(context.lost).toEqual(['worker 1 exited with code 3']);
  });

  test('a worker that cannot be ended is abandoned and replaced', async () => {
    const { clock, context, give, connector, worker } = await opened(1, { isStuck: true });
    const a = give('a');
    const b = give('b');
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    await clock.advance(1_000 + 2_000);
    expect(a.outcome).toMatchObject({ kind: 'stopped', how: 'abandoned' });
    expect(context.lost).toEqual(['worker 0 cannot be ended; it was replaced, and may still do something']);
    await settle();
    expect(connector.workers.length).toBe(2);
    worker(1).return(0);
    await settle();
    expect(b.outcome?.kind).toBe('returned');
  });

  test('a worker that has ended is not abandoned, however long it takes to end its processes', async () => {
    const { clock, context, give, worker } = await opened(1, { isStuck: true });
    const a = give('a');
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    await clock.advance(1_000);
    worker(0).events.ending();
    await clock.advance(60_000);
    expect(a.outcome).toBeUndefined();
    worker(0).gone('was ended by SIGKILL');
    await settle();
    expect(a.outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
    expect(context.lost).toEqual([]);
  });

  test('a pool is not opened again while a worker that could not be ended still runs', async () => {
    const { clock, pool, give, worker } = await opened(1, { isStuck: true });
    const a = give('a');
    await settle();
    worker(0).start(0);
    await clock.advance(2);
    a.abort();
    await clock.advance(1_000 + 2_000);
    await pool.close('drain');
    await expect(pool.open(new HeardContext())).rejects.toMatchObject({ code: 'PEXEN_POOL_ABANDONED' });
    worker(0).gone('ended after all');
    await settle();
    await pool.open(new HeardContext());
    const { settled } = a.outcome as { readonly settled?: PromiseLike<unknown> };
    await expect(settled).resolves.toBeUndefined();
  });
});

describe('a worker that is gone', () => {
  test('crashes attempts that had started; the rest runs elsewhere', async () => {
    const { context, giveAll, worker } = await openedShort();
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(8);
    worker(0).gone('exited with code 7');
    await settle();
    expect(context.lost).toEqual(['worker 0 exited with code 7']);
    expect(a?.outcome).toEqual({ kind: 'crashed', reason: 'worker 0 exited with code 7' });
    worker(1).return(0);
    await settle();
    expect(b?.outcome?.kind).toBe('returned');
    expect(b?.signs).toEqual(['started worker 1']);
  });

  test('has started the attempts of its start marker, even without a report', async () => {
    const { giveAll, worker } = await opened(1);
    const [a] = await giveAll('a');
    worker(0).started = 0;
    worker(0).gone('exited with code 7');
    await settle();
    expect(a?.outcome?.kind).toBe('crashed');
  });

  test('is not asked to run an attempt on which three have died', async () => {
    const { giveAll, connector, worker } = await opened(2);
    const [a] = await giveAll('a');
    for (let n = 0; n < 3; n++) {
      worker(n).gone('exited with code 3');
      await settle();
    }
    expect(connector.workers.length).toBe(3);
    expect(a?.signs).toEqual(['started none']);
    expect(a?.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_WORKER_DIES' } });
  });
});

describe('a worker that is not used again', () => {
  test('finishes its attempt and returns the rest', async () => {
    const { connector, giveAll, worker } = await openedShort();
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(8);
    worker(0).events.spoiled();
    await settle();
    expect(worker(0).asked).toEqual(['send 8 9', 'reclaim 9']);
    expect(connector.workers.length).toBe(1);
    worker(0).return(8);
    await settle();
    expect(worker(0).asked.at(-1)).toBe('leave');
    worker(1).return(0);
    await settle();
    expect([a?.outcome?.kind, b?.outcome?.kind]).toEqual(['returned', 'returned']);
  });

  test('has reported an error that surfaced after its body had ended', async () => {
    const { context, connector, giveAll, worker } = await opened(1);
    await giveAll('a');
    worker(0).return(0);
    worker(0).events.lateError({ tasks: ['a'], error: { value: 'late' } });
    await giveAll('b');
    expect(context.late).toEqual(['worker 0: late of a']);
    expect(connector.workers.length).toBe(2);
    expect(worker(1).asked).toEqual(['send 0']);
  });

  test('had no room for a program: the slot pauses, and the program runs later', async () => {
    const { clock, connector, context, give, worker } = await opened(1);
    const a = give('a', { isProgram: true });
    await settle();
    worker(0).events.slotFailed(0, Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' }));
    await settle();
    expect(worker(0).asked).toEqual(['send 0']);
    await clock.advance(100);
    expect(worker(0).asked).toEqual(['send 0', 'send 1']);
    worker(0).return(1);
    await settle();
    expect(a.outcome?.kind).toBe('returned');
    expect(connector.workers.length).toBe(1);
    expect(context.warnings).toEqual([]);
  });

  test('has to be ended, for a reason that is reported', async () => {
    const { context, giveAll, worker } = await opened(1);
    const [a] = await giveAll('a');
    worker(0).start(0);
    worker(0).events.mustEnd('used 900 MiB of memory, its limit is 800');
    await settle();
    const how = 'was ended by SIGKILL: used 900 MiB of memory, its limit is 800';
    expect(context.lost).toEqual([`worker 0 ${how}`]);
    expect(a?.outcome).toEqual({ kind: 'crashed', reason: `worker 0 ${how}` });
  });
});

describe('a slot that fails', () => {
  test('is tried again after a pause, and the attempt waits', async () => {
    const { clock, context, connector, give, worker } = await opened(1);
    connector.failures = ['EMFILE: too many open files', 'EMFILE: too many open files'];
    const a = give('a');
    await settle();
    expect(connector.workers).toEqual([]);
    await clock.advance(100);
    await clock.advance(400);
    worker(0).return(0);
    await settle();
    expect(a.outcome?.kind).toBe('returned');
    expect(context.slots).toEqual([1]);
  });

  test('is closed after three failures in a row, while others continue', async () => {
    const { clock, context, connector, give, worker } = await opened(2);
    const others = give('a');
    await settle();
    connector.failures = ['no', 'no', 'no'];
    const b = give('b');
    await clock.advance(1_000);
    expect(context.slots).toEqual([2, 1]);
    expect(context.warnings).toEqual(['slot 1 is closed: it could not be set up 3 times in a row: no']);
    worker(0).return(0);
    await settle();
    worker(0).return(1);
    await settle();
    expect([others.outcome?.kind, b.outcome?.kind]).toEqual(['returned', 'returned']);
  });

  test('is the last one: waiting and new attempts are refused', async () => {
    const { clock, context, connector, give } = await opened(1);
    connector.failures = ['no', 'no', 'no'];
    const a = give('a');
    await clock.advance(1_000);
    const b = give('b');
    await settle();
    for (const each of [a, b])
      expect(each.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_NO_SLOT' } });
    expect(context.failures).toMatchObject([{ code: 'PEXEN_NO_SLOT' }]);
  });

  test('a worker that ends before it is ready is a failure of its slot, not of the attempt', async () => {
    const { clock, connector, context, give, worker } = await opened(1, { isSlowToStart: true });
    const a = give('a');
    await settle();
    worker(0).gone('exited with code 1');
    await clock.advance(100);
    expect(context.lost).toEqual(['worker 0 exited with code 1']);
    expect(connector.workers.length).toBe(2);
    worker(1).ready();
    worker(1).return(0);
    await settle();
    expect(a.outcome?.kind).toBe('returned');
  });

  test('one that does not become ready in time is ended', async () => {
    const { clock, context, give } = await opened(1, { isSlowToStart: true });
    give('a');
    await clock.advance(30_000);
    expect(context.lost).toEqual(['worker 0 was ended by SIGKILL: did not become ready in time']);
  });
});

describe('a pool that connects at open', () => {
  test('is open with the first worker that is ready', async () => {
    const { connector, context, worker } = await opened(2, {}, true);
    expect(connector.workers.length).toBe(2);
    expect(context.slots).toEqual([2]);
    worker(0).gone('exited with code 1');
    await settle();
    expect(connector.workers.length).toBe(3);
  });

  test('is open without one where all slots have attempts of earlier sessions', async () => {
    const connector = new ScriptedConnector(1, { isSlowToStart: true }, true);
    connector.open = (context) => {
      context.left([{ session: 1, path: 'a', attempt: 1, part: 'body', state: 'running' }]);
    };
    const pool = new SlotEngine(connector, { clock: new ScriptedClock() });
    await pool.open(new HeardContext());
    await pool.close('kill');
  });

  test('cannot be opened where no worker can be started', async () => {
    const clock = new ScriptedClock();
    const connector = new ScriptedConnector(1, {}, true);
    connector.failures = ['no', 'no', 'no'];
    const pool = new SlotEngine(connector, { clock });
    const opening = pool.open(new HeardContext());
    const refused = expect(opening).rejects.toThrow('no slot is left to run anything in: no');
    await clock.advance(1_000);
    await refused;
    expect(clock.pending).toBe(0);
  });

  test('stops opening when it is closed', async () => {
    const clock = new ScriptedClock();
    const pool = new SlotEngine(new ScriptedConnector(1, { isSlowToStart: true }, true), { clock });
    const opening = pool.open(new HeardContext());
    const refused = expect(opening).rejects.toThrow('the pool was closed while it was opening');
    await settle();
    await pool.close('kill');
    await refused;
    expect(clock.pending).toBe(0);
  });
});

describe('a worker out of reach', () => {
  test('gets no attempt, its slot is not counted, and it continues when it is back', async () => {
    const { context, give, giveAll, worker } = await opened(2);
    const [a] = await giveAll('a');
    worker(0).start(0);
    worker(0).events.disconnected();
    expect(context.slots).toEqual([2, 1]);
    give('b');
    await settle();
    expect(worker(0).asked).toEqual(['send 0']);
    worker(0).events.reconnected('same');
    expect(context.slots).toEqual([2, 1, 2]);
    worker(0).return(0);
    await settle();
    expect(a?.outcome?.kind).toBe('returned');
  });

  test('comes back as another one: attempts that had started have crashed, and the others may have run', async () => {
    const { context, giveAll, worker } = await openedShort();
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(8);
    worker(0).events.disconnected();
    worker(0).events.reconnected('other');
    await settle();
    const how = 'was replaced by another worker while it was out of reach';
    expect(context.lost).toEqual([`worker 0 ${how}`]);
    expect(a?.outcome).toEqual({ kind: 'crashed', reason: `worker 0 ${how}` });
    expect(b?.outcome).toEqual({ kind: 'lost', reason: `worker 0 ${how}` });
    await giveAll('c');
    expect(worker(0).asked.at(-1)).toBe('send 10');
  });

  test('ends while it is out of reach: its attempts may have run, and do not run again', async () => {
    const { connector, giveAll, worker } = await openedShort();
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(8);
    worker(0).events.disconnected();
    worker(0).gone('ended');
    await settle();
    expect(a?.outcome).toEqual({ kind: 'crashed', reason: 'worker 0 ended' });
    expect(b?.outcome).toEqual({ kind: 'lost', reason: 'worker 0 ended' });
    expect(connector.workers.length).toBe(1);
  });

  test('has not returned an attempt that is stopped: it may have started, and is ended by force after its grace period', async () => {
    const { clock, giveAll, worker } = await openedShort({ reclaims: 'later' });
    const [, b] = await giveAll('a', 'b');
    worker(0).start(8);
    worker(0).events.disconnected();
    await clock.advance(2);
    b?.abort();
    await clock.advance(1_000);
    expect(b?.outcome).toBeUndefined();
    await clock.advance(5_000);
    expect(worker(0).asked.at(-1)).toBe('kill');
    expect(b?.outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
  });

  test('is lost: its slot stays taken until it is fenced', async () => {
    const { context, connector, giveAll, worker } = await opened(1);
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(0);
    const fence = Promise.withResolvers<void>();
    worker(0).events.lost('did not answer for 45 s', fence.promise);
    await settle();
    expect(a?.outcome).toMatchObject({ kind: 'lost', reason: 'worker 0 did not answer for 45 s' });
    expect(context).toMatchObject({ lost: ['worker 0 did not answer for 45 s'], slots: [1, 0] });
    expect(connector.workers.length).toBe(1);
    fence.resolve();
    await settle();
    expect(context.slots).toEqual([1, 0, 1]);
    expect(worker(1).sent.get(0)?.assignment).toBe(b?.assignment);
  });

  test('slots come and go while it is open', async () => {
    const { connector, context, giveAll } = await opened(1);
    await giveAll('a', 'b', 'c');
    connector.context?.slotsChanged(2);
    await settle();
    expect(connector.workers.map(({ slot }) => slot)).toEqual([0, 1]);
    connector.context?.slotsChanged(0);
    connector.workers[0]?.return(0);
    await settle();
    expect(connector.workers[0]?.asked).toEqual(['send 0']);
    expect(context.slots).toEqual([1, 2, 0]);
  });
});

describe('the end', () => {
  test('reclaiming returns attempts that have not started, and more may come', async () => {
    const { pool, giveAll, worker } = await openedShort();
    const [a, b, c] = await giveAll('a', 'b', 'c');
    worker(0).start(8);
    pool.reclaim();
    await settle();
    expect([a?.outcome, b?.outcome?.kind, c?.outcome?.kind]).toEqual([
      undefined,
      'not-started',
      'not-started',
    ]);
    worker(0).return(8);
    await giveAll('d');
    expect(worker(0).asked.at(-1)).toBe('send 11');
  });

  test('draining lets what has started end, then lets the workers leave; no alarm is left', async () => {
    const { clock, pool, context, giveAll, worker } = await opened(1, { canLeave: true });
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(0);
    const closed = pool.close('drain');
    await settle();
    expect(b?.outcome?.kind).toBe('not-started');
    worker(0).return(0);
    await closed;
    expect(a?.outcome?.kind).toBe('returned');
    expect(worker(0).asked).toEqual(['send 0', 'leave']);
    expect(context.lost).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('killing ends what has started: it has crashed, since it was not stopped before', async () => {
    const { clock, pool, context, giveAll, worker } = await opened(2);
    const [a, b] = await giveAll('a', 'b');
    worker(0).start(0);
    await pool.close('kill');
    expect(a?.outcome).toMatchObject({ kind: 'crashed' });
    expect(b?.outcome?.kind).toBe('not-started');
    expect(context.lost).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('killing interrupts draining', async () => {
    const { clock, pool, giveAll, worker } = await opened(1);
    const [a] = await giveAll('a');
    worker(0).start(0);
    const drained = pool.close('drain');
    await settle();
    await pool.close('kill');
    await drained;
    expect(a?.outcome).toMatchObject({ kind: 'crashed' });
    expect(clock.pending).toBe(0);
  });

  test('a worker that does not leave is ended, and one that cannot be ended does not delay close()', async () => {
    const { clock, pool, giveAll, worker } = await opened(1, { canLeave: false, isStuck: true });
    await giveAll('a');
    worker(0).return(0);
    const closed = pool.close('drain');
    await clock.advance(2_000);
    await closed;
    expect(clock.pending).toBe(0);
  });

  test('a closed pool may be opened again', async () => {
    const { pool, give, connector } = await opened(1);
    await pool.close('drain');
    expect(await pool.run(new Given('a').assignment, new Given('a'))).toMatchObject({ kind: 'not-started' });
    await pool.open(new HeardContext());
    give('b');
    await settle();
    expect(connector.workers.length).toBe(1);
    await expect(pool.open(new HeardContext())).rejects.toMatchObject({ code: 'PEXEN_POOL_IN_USE' });
  });
});

describe('services', () => {
  const service = 'asked';

  test('a service gets a worker of its own at once, which is asked to leave when it is over', async () => {
    const { connector, context, give, giveAll, worker } = await opened(1, { canLeave: true });
    const [other] = await giveAll('other');
    const db = give('db', { service });
    await settle();
    expect(connector.workers.map(({ slot }) => slot)).toEqual([0, 100]);
    worker(1).start(0);
    worker(1).return(0, 'closed');
    await settle();
    expect(db.outcome).toMatchObject({ kind: 'returned', value: 'closed' });
    expect(worker(1).asked).toEqual(['send 0', 'leave']);
    expect(other?.outcome).toBeUndefined();
    expect(context.slots).toEqual([1]);
  });

  test('it is ready once, between its start and its outcome; nothing else is ever ready', async () => {
    const { give, giveAll, worker } = await opened(1);
    const db = give('db', { service });
    await settle();
    worker(0).events.serviceReady(0, { shared: { a: 1 } });
    worker(0).events.serviceReady(0, { shared: { a: 2 } });
    worker(0).return(0);
    worker(0).events.serviceReady(0, { shared: { a: 3 } });
    const [other] = await giveAll('other');
    worker(1).events.serviceReady(0, {});
    worker(1).return(0);
    await settle();
    expect(db.signs).toEqual(['started worker 0', 'ready {"shared":{"a":1}}']);
    expect(other?.signs).toEqual(['started worker 1']);
  });

  test('where its worker cannot be started, it is tried again, and refused after three times', async () => {
    const { clock, connector, context, give, giveAll, worker } = await opened(1);
    connector.failures = ['no room', 'no room', 'no room'];
    const db = give('db', { service });
    await clock.advance(1_000);
    expect(db.outcome).toMatchObject({
      kind: 'threw',
      error: { code: 'PEXEN_NO_SLOT', message: expect.stringContaining('3 times in a row: no room') },
    });
    expect(context.failures).toEqual([]);
    const [other] = await giveAll('other');
    worker(0).return(0);
    await settle();
    expect(other?.outcome?.kind).toBe('returned');
  });

  test('a worker that dies before it starts the service is replaced; the third death is that of the service', async () => {
    const { give, worker, connector } = await opened(1);
    const db = give('db', { service });
    for (const at of [0, 1, 2]) {
      await settle();
      worker(at).gone('exited with code 1');
    }
    expect(db.outcome).toBeUndefined();
    await settle();
    expect(db.outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_WORKER_DIES' } });
    expect(connector.workers.length).toBe(3);
  });

  test('reclaiming concerns neither services that run nor those that wait for a worker', async () => {
    const { clock, connector, pool, give, worker } = await opened(1);
    connector.failures = ['no room'];
    const [waits, runs] = [give('waits', { service }), give('runs', { service })];
    await settle();
    pool.reclaim();
    await clock.advance(1_000);
    expect(worker(0).asked).toEqual(['send 0']);
    expect(worker(1).asked).toEqual(['send 0']);
    expect([waits.outcome, runs.outcome]).toEqual([undefined, undefined]);
  });

  test('one that waits for a worker is returned when it is stopped, or when the pool is closed', async () => {
    const { clock, connector, pool, give } = await opened(1);
    connector.failures = ['no room', 'no room'];
    const [stopped, closed] = [give('stopped', { service }), give('closed', { service })];
    stopped.abort();
    await pool.close('drain');
    expect([stopped.outcome?.kind, closed.outcome?.kind]).toEqual(['not-started', 'not-started']);
    expect(clock.pending).toBe(0);
  });

  test('draining waits for a service, which goes on until it is stopped', async () => {
    const { clock, pool, give, worker } = await opened(1, { canLeave: true });
    const db = give('db', { service });
    await settle();
    worker(0).start(0);
    let isClosed = false;
    const closed = pool.close('drain').then(() => {
      isClosed = true;
    });
    await settle();
    expect(isClosed).toBe(false);
    db.abort();
    expect(worker(0).asked).toEqual(['send 0', 'abort 0']);
    worker(0).return(0);
    await closed;
    expect(clock.pending).toBe(0);
  });

  test('one that is meant to be killed is not asked before', async () => {
    const { give, worker } = await opened(1, { canTerminate: true });
    const db = give('db', { service: 'killed', graceMs: 600_000 });
    await settle();
    worker(0).start(0);
    db.abort();
    await settle();
    expect(worker(0).asked).toEqual(['send 0', 'kill']);
    expect(db.outcome).toMatchObject({ kind: 'stopped', how: 'killed' });
  });

  test('a host that runs it as an ordinary task, and a pool without services, refuse it', async () => {
    const { give, connector } = await opened(1);
    const unknown = give('db', { service: 'unknown' });
    const none = new SlotEngine(Object.assign(new ScriptedConnector(1), { manifest: programsOnly }));
    await none.open(new HeardContext());
    const refused = new Given('db', { service });
    for (const outcome of [
      await none.run(refused.assignment, refused),
      await settle().then(() => unknown.outcome),
    ])
      expect(outcome).toMatchObject({ kind: 'threw', error: { code: 'PEXEN_SERVICE' } });
    expect(connector.workers).toEqual([]);
  });
});

describe('slots whose workers come later', () => {
  test('a slot is counted once its worker is within reach, and gets attempts then', async () => {
    const { context, connector, giveAll, worker } = await openedWithoutWorker();
    expect(context.slots).toEqual([1]);
    connector.context?.slotsChanged(2);
    const given = await giveAll('a', 'b');
    expect(connector.workers.length).toBe(2);
    expect(context.slots).toEqual([1]);
    expect(worker(1).asked).toEqual([]);
    worker(1).events.reconnected('same');
    worker(1).ready();
    await settle();
    expect(context.slots).toEqual([1, 2]);
    worker(1).return(0, 'there');
    await settle();
    expect(given.map(({ outcome }) => outcome?.kind)).toEqual([undefined, 'returned']);
  });

  /** One worker that is there; all others are to come. */
  async function openedWithoutWorker() {
    const rig = await opened(1, {}, true);
    rig.connector.skills = { startsAway: true, isSlowToStart: true };
    return rig;
  }
});

describe('nodes', () => {
  /** Two slots on a node "a", one on "b". */
  async function openedOnNodes() {
    const rig = await opened(3, { nodes: ['a', 'a', 'b'], prefetches: true, canLeave: true }, true);
    const node = (name: string, slots: number) =>
      rig.connector.context?.nodeChanged({ name, slots, properties: {}, bootMark: 'x' });
    node('a', 2);
    node('b', 1);
    const giveOn = async (name: string, ...paths: string[]): Promise<Given[]> => {
      const all = paths.map((path) => rig.give(path, { node: name }));
      await settle();
      return all;
    };
    return { ...rig, node, giveOn };
  }

  test('are reported to the run', async () => {
    const { connector, context } = await openedOnNodes();
    connector.context?.nodeLeft('b', 'has left');
    expect(context.nodes).toEqual(['a has 2', 'b has 1', 'b has left']);
  });

  test('an attempt goes to its node, and blocks none that is for another one', async () => {
    const { giveOn, giveAll, worker } = await openedOnNodes();
    await giveOn('b', 'b1', 'b2');
    await giveOn('a', 'a1');
    await giveAll('anywhere');
    expect([worker(0).asked, worker(1).asked, worker(2).asked]).toEqual([['send 0'], ['send 0'], ['send 0']]);
    expect(worker(0).sent.get(0)?.assignment.path).toBe('a1');
    expect(worker(2).sent.get(0)?.assignment.path).toBe('b1');
    worker(2).return(0);
    await settle();
    expect(worker(2).sent.get(1)?.assignment.path).toBe('b2');
  });

  test('what waits for a node that has no slots any more, or has left, is returned', async () => {
    const { giveOn, node, connector } = await openedOnNodes();
    const [runs, waits] = await giveOn('b', 'b1', 'b2');
    node('b', 0);
    await settle();
    expect(waits?.outcome?.kind).toBe('not-started');
    expect(runs?.outcome).toBeUndefined();
    const [away, strange] = [...(await giveOn('b', 'b3')), ...(await giveOn('c', 'c1'))];
    expect([away?.outcome?.kind, strange?.outcome?.kind]).toEqual(['not-started', 'not-started']);
    const [, , third] = await giveOn('a', 'a1', 'a2', 'a3');
    connector.context?.nodeLeft('a', 'has left');
    await settle();
    expect(third?.outcome?.kind).toBe('not-started');
  });

  test('an attempt whose worker has ended before it started is returned if its node is gone', async () => {
    const { giveOn, connector, worker } = await openedOnNodes();
    const [given] = await giveOn('b', 'b1');
    connector.context?.nodeLeft('b', 'has left');
    worker(2).events.returned(0);
    await settle();
    expect(given?.outcome).toMatchObject({ kind: 'not-started', reason: 'its node is not there any more' });
  });

  test('a service gets a worker on its node, or is returned', async () => {
    const { give, connector } = await openedOnNodes();
    give('serves', { service: 'asked', node: 'b' });
    const strange = give('strange', { service: 'asked', node: 'c' });
    await settle();
    expect(connector.workers.at(-1)).toMatchObject({ slot: 100, node: 'b' });
    expect(strange.outcome?.kind).toBe('not-started');
  });

  test('attempts behind a slow one are reclaimed only for a free slot on their node', async () => {
    const { clock, giveOn, worker } = await openedOnNodes();
    await giveOn('b', 'warm up');
    for (let n = 0; n < 8; n++) {
      worker(2).return(n, undefined, 0.01);
      await giveOn('b', 'warm up');
    }
    await giveOn('b', 'behind');
    worker(2).start(8);
    worker(2).asked.length = 0;
    await clock.advance(20);
    expect(worker(2).sent.get(9)?.assignment.path).toBe('behind');
    expect(worker(2).asked).toEqual([]);
    worker(0).node = 'b';
    await clock.advance(100);
    expect(worker(2).asked).toEqual(['reclaim 9']);
    expect(worker(0).sent.get(0)?.assignment.path).toBe('behind');
  });
});
