import { getEventListeners } from 'node:events';
import { amount } from '@pexen/core';
import { describe, expect, it } from 'vitest';
import { describeNodes, type Held, Locks } from '../src/index.ts';
import { validate } from '../src/validate.ts';

/** Lets all pending microtasks run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Acquires in the order of the names, and records who got the lock. */
function queueUp(locks: Locks, requests: Readonly<Record<string, Parameters<Locks['acquire']>[0]>>) {
  const held = new Map<string, Held>();
  for (const [name, request] of Object.entries(requests))
    void locks.acquire(request).then((one) => held.set(name, one));
  return held;
}

describe('acquire', () => {
  it('lets readers in together and writers alone, by arrival', async () => {
    const locks = new Locks();
    const first = await locks.acquire({ claims: ['x'] });
    const held = queueUp(locks, { r1: { uses: ['x'] }, w: { claims: ['x'] }, r2: { uses: ['x'] } });
    await settle();
    expect([...held.keys()]).toEqual([]);
    first.release();
    await settle();
    expect([...held.keys()]).toEqual(['r1', 'r2']);
    held.get('r1')?.release();
    held.get('r2')?.release();
    await settle();
    expect([...held.keys()]).toEqual(['r1', 'r2', 'w']);
  });

  it('goes by priority before arrival', async () => {
    const locks = new Locks();
    const first = await locks.acquire({ claims: ['x'] });
    const order: string[] = [];
    const enter = async (name: string, priority: number): Promise<void> => {
      const held = await locks.acquire({ claims: ['x'] }, { priority });
      order.push(name);
      held.release();
    };
    const all = [enter('late', 1), enter('early', -1), enter('usual', 0)];
    first.release();
    await Promise.all(all);
    expect(order).toEqual(['early', 'usual', 'late']);
  });

  it('does not let a writer starve under a stream of readers', async () => {
    const locks = new Locks({ bypasses: 4 });
    let current = await locks.acquire({ uses: ['x'] });
    const held = queueUp(locks, { writer: { claims: ['x'] } });
    let readers = 0;
    while (!held.has('writer') && readers < 100) {
      const next = locks.acquire({ uses: ['x'] });
      readers++;
      await settle();
      if (readers <= 4) {
        current.release();
        current = await next;
      } else current.release();
      await settle();
    }
    expect(readers).toBe(5);
    expect(held.has('writer')).toBe(true);
  });

  it('does not let a writer starve under an endless stream of readers that go before it', async () => {
    const locks = new Locks({ latecomers: 16 });
    let current = await locks.acquire({ uses: ['x'] });
    const held = queueUp(locks, { writer: { claims: ['x'] } });
    let readers = 0;
    while (!held.has('writer') && readers < 100) {
      const next = locks.acquire({ uses: ['x'] }, { priority: -1 });
      readers++;
      await settle();
      current.release();
      if (readers <= 16) current = await next;
      await settle();
    }
    expect(readers).toBe(17);
  });

  it('releases at the end of a block, sync or async', async () => {
    const locks = new Locks();
    {
      await using held = await locks.acquire({ claims: ['x'] });
      expect(held).toBeDefined();
      expect(describeNodes(locks.table)).toHaveLength(1);
    }
    {
      using held = await locks.acquire({ claims: ['x'] });
      expect(held).toBeDefined();
    }
    expect(describeNodes(locks.table)).toHaveLength(0);
  });

  it('releases once, however often `release` is called', async () => {
    const locks = new Locks({ capacities: { slots: 2 } });
    const [one, two] = [await locks.acquire({ uses: ['slots'] }), await locks.acquire({ uses: ['slots'] })];
    one.release();
    one.release();
    const three = await locks.acquire({ uses: ['slots'] });
    const held = queueUp(locks, { four: { uses: ['slots'] } });
    one.release();
    await settle();
    expect(held.size).toBe(0);
    two.release();
    await settle();
    expect(held.size).toBe(1);
    three.release();
    held.get('four')?.release();
    validate(locks.table);
  });

  it('takes several without deadlock, whatever their order', async () => {
    const locks = new Locks();
    let entered = 0;
    const enter = async (claims: readonly string[]): Promise<void> => {
      await using held = await locks.acquire({ claims });
      await settle();
      entered += held === undefined ? 0 : 1;
    };
    await Promise.all([enter(['a', 'b']), enter(['b', 'a']), enter(['c', 'a']), enter(['b', 'c'])]);
    expect(entered).toBe(4);
  });

  it('counts amounts', async () => {
    const locks = new Locks({ capacities: [['memory', 10]] });
    const six = await locks.acquire({ uses: [amount('memory', 6)] });
    const held = queueUp(locks, {
      five: { uses: [amount('memory', 5)] },
      four: { uses: [amount('memory', 4)] },
    });
    await settle();
    expect([...held.keys()]).toEqual(['four']);
    six.release();
    await settle();
    expect([...held.keys()]).toEqual(['four', 'five']);
  });

  it('rejects requests that can never be met', async () => {
    const locks = new Locks();
    await expect(locks.acquire({ uses: [amount('memory', 1)] })).rejects.toThrow('PEXEN_AMOUNT_UNKNOWN');
  });
});

describe('abort', () => {
  it('rejects the waiting call with the reason', async () => {
    const locks = new Locks();
    const first = await locks.acquire({ claims: ['x'] });
    const giveUp = new AbortController();
    const waiting = locks.acquire({ claims: ['x'] }, { signal: giveUp.signal });
    const held = queueUp(locks, { next: { claims: ['x'] } });
    giveUp.abort('too late');
    await expect(waiting).rejects.toBe('too late');
    first.release();
    await settle();
    expect(held.size).toBe(1);
    validate(locks.table);
  });

  it('grants requests that the aborted one blocked', async () => {
    const locks = new Locks({ bypasses: 1 });
    await locks.acquire({ uses: ['x'] });
    const giveUp = new AbortController();
    const writer = locks.acquire({ claims: ['x'] }, { signal: giveUp.signal });
    await locks.acquire({ uses: ['x'] });
    const held = queueUp(locks, { reader: { uses: ['x'] } });
    await settle();
    expect(held.size).toBe(0);
    giveUp.abort();
    await expect(writer).rejects.toThrow('aborted');
    expect(held.size).toBe(1);
  });

  it('before `acquire` rejects at once, after it changes nothing', async () => {
    const locks = new Locks();
    await expect(locks.acquire({ claims: ['x'] }, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    const giveUp = new AbortController();
    const held = await locks.acquire({ claims: ['x'] }, { signal: giveUp.signal });
    giveUp.abort();
    expect(describeNodes(locks.table)).toHaveLength(1);
    held.release();
  });

  it('has one listener for all calls under one signal, and none when they have ended', async () => {
    const locks = new Locks();
    const { signal } = new AbortController();
    const countListeners = (): number => getEventListeners(signal, 'abort').length;
    const first = await locks.acquire({ claims: ['x'] });
    const all = Array.from({ length: 100 }, async () =>
      (await locks.acquire({ claims: ['x'] }, { signal })).release(),
    );
    await settle();
    expect(countListeners()).toBe(1);
    first.release();
    await Promise.all(all);
    expect(countListeners()).toBe(0);
    validate(locks.table);
  });

  it('grants nothing to other calls under the aborted signal', async () => {
    const locks = new Locks({ bypasses: 1 });
    const giveUp = new AbortController();
    await locks.acquire({ uses: ['x'] });
    const writer = locks.acquire({ claims: ['x'] }, { signal: giveUp.signal });
    await locks.acquire({ uses: ['x'] }, { priority: 1 });
    const reader = locks.acquire({ uses: ['x'] }, { signal: giveUp.signal, priority: 1 });
    giveUp.abort('no more');
    expect(await Promise.allSettled([writer, reader])).toEqual([
      { status: 'rejected', reason: 'no more' },
      { status: 'rejected', reason: 'no more' },
    ]);
    validate(locks.table);
  });

  it('leaves no listener behind', async () => {
    const locks = new Locks();
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const first = await locks.acquire({ claims: ['x'] }, { signal });
    const second = locks.acquire({ claims: ['x'] }, { signal });
    first.release();
    (await second).release();
    expect(listeners).toBe(0);
  });
});

it('a table that lives long does not grow', async () => {
  const locks = new Locks();
  for (let user = 0; user < 2000; user++) {
    await using held = await locks.acquire({ claims: [`/user/${user}`] });
    expect(held).toBeDefined();
  }
  const { tree, requests, holders } = locks.table.parts;
  expect(Math.max(tree.size, requests.trie.size, holders.size)).toBeLessThan(16);
});

it('refuses malformed requests, and keeps nothing of them', async () => {
  const locks = new Locks({ capacities: { m: 2 } });
  await expect(locks.acquire({ claims: 'db' as never })).rejects.toThrow(
    'PEXEN_BAD_META: claims must be a list',
  );
  const amounts = [amount('m', -1), amount('m', 0), amount('m', Number.NaN)];
  for (const each of amounts) await expect(locks.acquire({ uses: [each] })).rejects.toThrow('not above 0');
  await expect(locks.acquire({ claims: [amount('m', 1) as never] })).rejects.toThrow(
    'amounts belong into uses',
  );
  await using held = await locks.acquire({ uses: [amount('m', 2)] });
  expect(held).toBeDefined();
});
