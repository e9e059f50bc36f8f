import { amount, isPexenError } from '@pexen/core';
import { describe, expect, it } from 'vitest';
import {
  describeNodes,
  describeWait,
  HierarchyLock,
  type LockRequest,
  LockTable,
  type LockTableOptions,
  NONE,
  path,
  RESERVED,
  TAKEN,
} from '../src/index.ts';
import { validate } from '../src/validate.ts';

/** A table that enrols holders by request. */
class TestTable {
  readonly table: LockTable;
  #next = 0;

  constructor(options: LockTableOptions = {}) {
    this.table = new LockTable(options);
  }

  /** A holder that has not tried yet. */
  wants(request: LockRequest, priority = 0, rank = 0, pool = 0): number {
    const holder = this.#next++;
    this.table.enrol(holder, this.table.compile(request), priority, rank, pool);
    return holder;
  }

  /** A holder that has taken what it wants. */
  holds(request: LockRequest): number {
    const holder = this.wants(request);
    expect(this.table.tryTake(holder)).toBe(TAKEN);
    return holder;
  }

  /** A holder that had to park. */
  waits(request: LockRequest, priority = 0, rank = 0, pool = 0): number {
    const holder = this.wants(request, priority, rank, pool);
    expect(this.table.tryTake(holder)).not.toBe(TAKEN);
    this.table.park(holder);
    return holder;
  }

  /** Starts holders as long as any is runnable. */
  startAll(): number[] {
    const started: number[] = [];
    for (let next = this.table.nextRunnable(); next !== NONE; next = this.table.nextRunnable()) {
      expect(this.table.tryTake(next)).toBe(TAKEN);
      started.push(next);
    }
    validate(this.table);
    return started;
  }

  canTake(request: LockRequest): boolean {
    return this.table.canTake(this.wants(request));
  }
}

describe('the tree', () => {
  it('users share, a claimer is alone', () => {
    const test = new TestTable();
    test.holds({ uses: ['db'] });
    expect(test.canTake({ uses: ['db'] })).toBe(true);
    expect(test.canTake({ claims: ['db'] })).toBe(false);
    expect(test.canTake({ claims: ['other'] })).toBe(true);
  });

  it('a claim blocks nodes above and below it, but not siblings', () => {
    const test = new TestTable();
    test.holds({ claims: ['/etc/net'] });
    for (const request of [
      { uses: ['/etc'] },
      { uses: ['/etc/net/hosts'] },
      { claims: ['/etc'] },
      { claims: ['/'] },
    ])
      expect(test.canTake(request)).toBe(false);
    for (const request of [{ uses: ['/etc/users'] }, { claims: ['/etc/users'] }, { claims: ['/et'] }])
      expect(test.canTake(request)).toBe(true);
  });

  it('returns the node of the conflict', () => {
    const test = new TestTable();
    const { table } = test;
    test.holds({ claims: ['/a/b'] });
    expect(table.tryTake(test.wants({ uses: ['/a/b/c'] }))).toBe(table.nodeOf('/a/b'));
    expect(table.tryTake(test.wants({ claims: ['/a'] }))).toBe(table.nodeOf('/a'));
  });

  it('finds a node by any of its spellings', () => {
    const { table } = new TestTable();
    const node = table.nodeOf('/a/b');
    for (const name of [
      '/a//b/',
      path('a', 'b'),
      new HierarchyLock('a.b', '.'),
      new HierarchyLock(['a', 'b']),
    ])
      expect(table.nodeOf(name)).toBe(node);
    expect(table.nodeOf('a/b')).not.toBe(node);
    expect(table.nodeOf('a')).toBe(table.nodeOf('/a'));
  });

  it('takes any value as a part, compared as Map keys are', () => {
    const { table } = new TestTable();
    const key = {};
    expect(table.nodeOf(path(key, 1))).toBe(table.nodeOf(path(key, 1)));
    expect(table.nodeOf(path({}, 1))).not.toBe(table.nodeOf(path(key, 1)));
    expect(table.nodeOf(path('1'))).not.toBe(table.nodeOf(path(1)));
    expect(table.nodeOf(Number.NaN)).toBe(table.nodeOf(Number.NaN));
    for (const name of ['__proto__', 'constructor', '/__proto__/x'])
      expect(table.nodeOf(name)).toBeGreaterThan(0);
  });

  it('the entries of one request do not conflict with each other', () => {
    const test = new TestTable();
    const holder = test.holds({ claims: ['/a', '/a/b'], uses: ['/a/c', '/a'] });
    test.table.release(holder);
    test.holds({ claims: ['/a/b'], uses: ['/a'] });
    validate(test.table);
  });

  it('takes all or nothing', () => {
    const test = new TestTable();
    const blocker = test.holds({ claims: ['b'] });
    const waiter = test.waits({ claims: ['a', 'b', 'c'] });
    expect(test.canTake({ claims: ['a', 'c'] })).toBe(true);
    test.table.release(blocker);
    expect(test.startAll()).toEqual([waiter]);
  });
});

describe('exclusive holders', () => {
  it('are alone, even among holders of an empty request', () => {
    const test = new TestTable();
    const idle = test.holds({});
    const alone = test.waits({ exclusive: true });
    test.table.release(idle);
    expect(test.startAll()).toEqual([alone]);
    expect(test.canTake({})).toBe(false);
    expect(test.canTake({ uses: ['x'] })).toBe(false);
    test.table.release(alone);
    expect(test.canTake({ uses: ['x'] })).toBe(true);
  });

  it('differ from claims of the root, which do not block empty requests', () => {
    const test = new TestTable();
    test.holds({});
    test.holds({ claims: ['/'] });
    expect(test.canTake({})).toBe(true);
    expect(test.canTake({ uses: ['x'] })).toBe(false);
  });
});

describe('amounts', () => {
  const capacities = [['memory', 10]] as const;

  it('count at their node; a plain use counts 1', () => {
    const test = new TestTable({ capacities });
    test.holds({ uses: [amount('memory', 8)] });
    const user = test.holds({ uses: ['memory'] });
    expect(test.canTake({ uses: [amount('memory', 2)] })).toBe(false);
    expect(test.canTake({ uses: [amount('memory', 1)] })).toBe(true);
    test.table.release(user);
    expect(test.canTake({ uses: [amount('memory', 2)] })).toBe(true);
  });

  it('are shared holds for nodes above and below', () => {
    const test = new TestTable({ capacities: [['/gpu/0', 2]] });
    test.holds({ uses: [amount('/gpu/0', 1)] });
    for (const claim of ['/gpu', '/gpu/0', '/gpu/0/core'])
      expect(test.canTake({ claims: [claim] })).toBe(false);
    expect(test.canTake({ uses: ['/gpu'] })).toBe(true);
  });

  it('add up when one node is named twice', () => {
    const test = new TestTable({ capacities });
    test.holds({ uses: [amount('memory', 4), amount('/memory', 4), 'memory'] });
    expect(test.canTake({ uses: [amount('memory', 2)] })).toBe(true);
    expect(test.canTake({ uses: [amount('memory', 3)] })).toBe(false);
  });

  it('may be fractions, without loss by rounding', () => {
    const test = new TestTable({ capacities: [['cpu', 1]] });
    for (let count = 0; count < 10; count++) test.holds({ uses: [amount('cpu', 0.1)] });
    expect(test.canTake({ uses: [amount('cpu', 0.1)] })).toBe(false);
  });

  it('above the capacity are refused, all at once, with hints', () => {
    const { table } = new TestTable({ capacities });
    try {
      table.compile({ uses: [amount('memory', 11), amount('disk', 1)] });
      expect.unreachable();
    } catch (error) {
      const codes = isPexenError(error) && error.problems.map(({ code }) => code);
      expect(codes).toEqual(['PEXEN_AMOUNT_TOO_LARGE', 'PEXEN_AMOUNT_UNKNOWN']);
    }
  });

  it('small ones bypass a large one that waits, until it is starved', () => {
    const test = new TestTable({ capacities, bypasses: 3 });
    const half = test.holds({ uses: [amount('memory', 5)] });
    const large = test.waits({ uses: [amount('memory', 10)] });
    const small = [1, 2, 3].map(() => test.holds({ uses: [amount('memory', 1)] }));
    expect(test.table.starvedHead).toBe(large);
    expect(test.table.tryTake(test.wants({ uses: [amount('memory', 1)] }))).toBe(RESERVED);
    for (const holder of [half, ...small]) test.table.release(holder);
    expect(test.startAll()).toEqual([large]);
  });
});

describe('waiting', () => {
  it('goes by priority, then rank, then arrival', () => {
    const test = new TestTable();
    const blocker = test.holds({ claims: ['x'] });
    const waiters = [
      test.waits({ uses: ['x'] }, 1, 9),
      test.waits({ uses: ['x'] }, 0, 1),
      test.waits({ uses: ['x'] }, 0, 5),
      test.waits({ uses: ['x'] }, 0, 5),
    ];
    test.table.release(blocker);
    expect(test.startAll()).toEqual([2, 3, 1, 0].map((index) => waiters[index]));
  });

  it('a holder that another counter blocks is not runnable', () => {
    const test = new TestTable();
    const x = test.holds({ claims: ['x'] });
    const y = test.holds({ claims: ['y'] });
    const both = test.waits({ claims: ['x', 'y'] });
    test.table.release(x);
    expect(test.table.nextRunnable()).toBe(NONE);
    test.table.release(y);
    expect(test.startAll()).toEqual([both]);
  });

  it('follows a change of rank', () => {
    const test = new TestTable();
    const blocker = test.holds({ claims: ['x'] });
    const [first, second] = [test.waits({ claims: ['x'] }), test.waits({ claims: ['x'] })];
    test.table.setRank(second, 0, 1);
    test.table.release(blocker);
    expect(test.table.nextRunnable()).toBe(second);
    test.table.setRank(first, -1, 0);
    expect(test.table.nextRunnable()).toBe(first);
  });

  it('ends with `withdraw`', () => {
    const test = new TestTable();
    const blocker = test.holds({ claims: ['x'] });
    const waiter = test.waits({ claims: ['x'] });
    test.table.withdraw(waiter);
    test.table.release(blocker);
    expect(test.startAll()).toEqual([]);
  });

  it('`isContended` distinguishes contended holders from others', () => {
    const test = new TestTable();
    test.holds({ claims: ['x'] });
    const waiter = test.waits({ claims: ['x', '/a/b'] });
    expect(test.table.isContended(waiter)).toBe(false);
    expect(test.table.isContended(test.wants({ uses: ['/a'] }))).toBe(true);
    expect(test.table.isContended(test.wants({ claims: ['/a/c'] }))).toBe(false);
    test.table.withdraw(waiter);
    expect(test.table.isContended(test.wants({ uses: ['/a'] }))).toBe(false);
  });
});

describe('fairness', () => {
  it('seed: a claimer does not starve under a stream of users', () => {
    const test = new TestTable();
    let held = test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] });
    let bypasses = 0;
    for (; bypasses < 1000; bypasses++) {
      const user = test.wants({ uses: ['x'] });
      if (test.table.tryTake(user) !== TAKEN) break;
      test.table.release(held);
      held = user;
    }
    expect(bypasses).toBe(64);
    test.table.release(held);
    expect(test.startAll()).toEqual([claimer]);
  });

  it('does not count starts of better rank', () => {
    const test = new TestTable({ bypasses: 1 });
    test.holds({ uses: ['x'] });
    test.waits({ claims: ['x'] });
    expect(test.table.tryTake(test.wants({ uses: ['x'] }, -1))).toBe(TAKEN);
    expect(test.table.starvedHead).toBe(NONE);
    expect(test.table.tryTake(test.wants({ uses: ['x'] }))).toBe(TAKEN);
    expect(test.table.starvedHead).not.toBe(NONE);
  });

  describe('of latecomers: better ones that are added later', () => {
    /** Starts better readers, one after the other, until one is refused; returns how many there were. */
    const streamOf = (test: TestTable, request: LockRequest, most: number): number => {
      for (let count = 0; count < most; count++) {
        const reader = test.wants(request, -1);
        if (test.table.tryTake(reader) !== TAKEN) return count;
        test.table.release(reader);
      }
      return most;
    };

    it('512 starve the one that waits longest, then the next is counted', () => {
      const test = new TestTable();
      const held = test.holds({ uses: ['x'] });
      const [first, second] = [test.waits({ claims: ['x'] }), test.waits({ claims: ['x'] })];
      expect(streamOf(test, { uses: ['x'] }, 1_000)).toBe(512);
      expect(test.table.starvedHead).toBe(first);
      test.table.release(held);
      expect(test.startAll()).toEqual([first]);
      test.table.release(first);
      test.holds({ uses: ['x'] });
      expect(streamOf(test, { uses: ['x'] }, 1_000)).toBe(512);
      expect(test.table.starvedHead).toBe(second);
    });

    it('those that were added before are not counted', () => {
      const test = new TestTable({ latecomers: 1 });
      const better = test.wants({ uses: ['x'] }, -1);
      test.holds({ uses: ['x'] });
      test.waits({ claims: ['x'] });
      expect(test.table.tryTake(better)).toBe(TAKEN);
      expect(test.table.starvedHead).toBe(NONE);
    });

    it('are counted only if they take what it waits for, and not while its pool is closed', () => {
      const test = new TestTable({ latecomers: 1, pools: 2 });
      test.holds({ uses: ['x'] });
      const writer = test.waits({ claims: ['x'] }, 0, 0, 1);
      expect(streamOf(test, { uses: ['y'] }, 5)).toBe(5);
      test.table.setPool(1, false);
      expect(streamOf(test, { uses: ['x'] }, 5)).toBe(5);
      test.table.setPool(1, true);
      expect(streamOf(test, { uses: ['x'] }, 5)).toBe(1);
      expect(test.table.starvedHead).toBe(writer);
    });

    it('are those that were added after it was first parked, also if its rank changes later', () => {
      const test = new TestTable({ latecomers: 1 });
      test.holds({ uses: ['x'] });
      const writer = test.waits({ claims: ['x'] });
      const latecomer = test.wants({ uses: ['x'] }, -1);
      test.table.setRank(writer, 0, 1);
      expect(test.table.tryTake(latecomer)).toBe(TAKEN);
      expect(test.table.starvedHead).toBe(writer);
    });

    it('are counted where its rank changes while what it wants is free', () => {
      const test = new TestTable({ latecomers: 2 });
      const held = test.holds({ uses: ['x'] });
      const writer = test.waits({ claims: ['x'] });
      test.table.release(held);
      test.table.setRank(writer, 0, 1);
      expect(streamOf(test, { uses: ['x'] }, 5)).toBe(2);
      expect(test.table.starvedHead).toBe(writer);
    });

    it('are counted where two streams of them take turns in blocking', () => {
      const test = new TestTable({ latecomers: 8 });
      let [a, b] = [test.holds({ claims: ['a'] }), test.holds({ claims: ['b'] })];
      const both = [test.waits({ claims: ['a', 'b'] }), test.waits({ claims: ['a', 'b'] }, -0.5)];
      const take = (name: string): number => {
        const holder = test.wants({ claims: [name] }, -1);
        return test.table.tryTake(holder) === TAKEN ? holder : NONE;
      };
      for (let turn = 0; turn < 100 && a !== NONE && b !== NONE; turn++) {
        test.table.release(a);
        test.table.nextRunnable();
        a = take('a');
        test.table.release(b);
        test.table.nextRunnable();
        b = take('b');
      }
      validate(test.table);
      expect(test.table.starvedHead).toBe(both[0]);
    });
  });

  it('keeps the count over parking again', () => {
    const test = new TestTable({ bypasses: 2 });
    test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] });
    test.holds({ uses: ['x'] });
    test.table.withdraw(claimer);
    test.table.park(claimer);
    test.holds({ uses: ['x'] });
    expect(test.table.starvedHead).toBe(claimer);
  });

  it('a starved holder that leaves and parks again is still starved', () => {
    const test = new TestTable({ bypasses: 1 });
    test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] });
    test.holds({ uses: ['x'] });
    test.table.withdraw(claimer);
    expect(test.table.starvedHead).toBe(NONE);
    test.table.park(claimer);
    expect(test.table.starvedHead).toBe(claimer);
    validate(test.table);
  });

  it('ends even where two streams take turns in blocking', () => {
    const test = new TestTable({ bypasses: 8 });
    let [a, b] = [test.holds({ claims: ['a'] }), test.holds({ claims: ['b'] })];
    const both = test.waits({ claims: ['a', 'b'] });
    const take = (name: string): number => {
      const holder = test.wants({ claims: [name] });
      return test.table.tryTake(holder) === TAKEN ? holder : NONE;
    };
    for (let turn = 0; turn < 100 && a !== NONE && b !== NONE; turn++) {
      test.table.release(a);
      expect(test.table.nextRunnable()).toBe(NONE);
      a = take('a');
      test.table.release(b);
      expect(test.table.nextRunnable()).toBe(a === NONE ? both : NONE);
      b = take('b');
    }
    expect(test.table.starvedHead).toBe(both);
    expect(test.startAll()).toEqual([both]);
  });

  it('reserves for the head only; the next head follows in the order in which they starved', () => {
    const test = new TestTable({ bypasses: 1 });
    const [x, y] = [test.holds({ uses: ['x'] }), test.holds({ uses: ['y'] })];
    const [onX, onY] = [test.waits({ claims: ['x'] }), test.waits({ claims: ['y'] })];
    const bypasser = test.holds({ uses: ['y'] });
    test.holds({ uses: ['x'] });
    expect(test.table.starvedHead).toBe(onY);
    expect(test.canTake({ uses: ['x'] })).toBe(true);
    expect(test.canTake({ uses: ['y'] })).toBe(false);
    test.table.release(y);
    test.table.release(bypasser);
    expect(test.startAll()).toEqual([onY]);
    expect(test.table.starvedHead).toBe(onX);
    test.table.release(x);
    expect(test.canTake({ uses: ['x'] })).toBe(false);
  });

  it('lets those start of which `mayBypass` says that they may', () => {
    const asked: number[][] = [];
    const mayBypass = (holder: number, head: number): boolean => asked.push([holder, head]) > 1;
    const test = new TestTable({ bypasses: 1 });
    test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] });
    test.holds({ uses: ['x'] });
    const [first, second] = [test.wants({ uses: ['x'] }), test.wants({ uses: ['x'] })];
    expect(test.table.tryTake(first, mayBypass)).toBe(RESERVED);
    expect(test.table.tryTake(second, mayBypass)).toBe(TAKEN);
    expect(asked).toEqual([
      [first, claimer],
      [second, claimer],
    ]);
  });

  it('a reservation ends with its head', () => {
    const test = new TestTable({ bypasses: 1 });
    test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] });
    test.holds({ uses: ['x'] });
    const user = test.waits({ uses: ['x'] });
    expect(describeWait(test.table, user)).toMatchObject({ blockers: [], reservedFor: claimer });
    test.table.withdraw(claimer);
    expect(test.startAll()).toEqual([user]);
  });

  it('reserves for a holder that waits for something other than a lock', () => {
    const test = new TestTable();
    const wide = test.wants({ uses: ['x'] });
    test.table.starve(wide);
    expect(test.table.starvedHead).toBe(wide);
    expect(test.table.nextRunnable()).toBe(NONE);
    expect(test.canTake({ claims: ['x'] })).toBe(false);
    expect(test.table.tryTake(wide)).toBe(TAKEN);
    expect(test.table.starvedHead).toBe(NONE);
  });
});

describe('between two attempts', () => {
  it('amounts are released, uses and claims stay', () => {
    const test = new TestTable({ capacities: [['slots', 1]], bypasses: 1 });
    const holder = test.holds({ uses: [amount('slots', 1)], claims: ['x'] });
    test.table.releaseAmounts(holder);
    expect(test.canTake({ uses: ['x'] })).toBe(false);
    const other = test.holds({ uses: [amount('slots', 1)] });
    expect(test.table.tryTake(holder)).not.toBe(TAKEN);
    test.table.park(holder);
    test.table.starve(test.wants({ uses: [amount('slots', 1)] }));
    expect(test.table.nextRunnable()).toBe(NONE);
    test.table.release(other);
    expect(test.startAll()).toEqual([holder]);
    test.table.release(holder);
    validate(test.table);
  });
});

describe('poison', () => {
  it('of a use forbids claims, of a claim everything', () => {
    const test = new TestTable();
    const { table } = test;
    table.releasePoisoned(test.holds({ uses: ['/a'] }));
    const requests = [{ uses: ['/a/b'] }, { claims: ['/a/b'] }, { claims: ['/'] }, { exclusive: true }, {}];
    const verdicts = (): boolean[] =>
      requests.map((request) => table.poisonedNode(table.compile(request)) !== NONE);
    expect(verdicts()).toEqual([false, true, true, false, false]);
    table.releasePoisoned(test.holds({ claims: ['/a'] }));
    expect(verdicts()).toEqual([true, true, true, false, false]);
  });

  it('is not a hold: `tryTake` ignores it', () => {
    const test = new TestTable();
    const failed = test.holds({ claims: ['/a'] });
    test.table.releasePoisoned(failed);
    expect(test.table.poisonerOf(test.table.nodeOf('/a'))).toBe(failed);
    expect(test.canTake({ claims: ['/a'] })).toBe(true);
  });

  it('names the node that has the mark', () => {
    const test = new TestTable();
    const { table } = test;
    table.releasePoisoned(test.holds({ claims: ['/a/b'] }));
    for (const uses of [['/a'], ['/a/b/c'], ['/a/b']])
      expect(table.poisonedNode(table.compile({ uses }))).toBe(table.nodeOf('/a/b'));
  });

  it('is cleared by a claim at or above it', () => {
    const test = new TestTable();
    const { table } = test;
    table.releasePoisoned(test.holds({ claims: ['/a/b', '/c'] }));
    const request = table.compile({ uses: ['/a/b'] });
    for (const claims of [['/a/b/c'], ['/c']]) table.clearPoison(table.compile({ claims }));
    expect(table.poisonedNode(request)).toBe(table.nodeOf('/a/b'));
    table.clearPoison(table.compile({ claims: ['/a'] }));
    expect(table.poisonedNode(request)).toBe(NONE);
    expect(describeNodes(table)).toEqual([]);
  });

  it('never comes from amounts or from being exclusive', () => {
    const test = new TestTable({ capacities: [['m', 2]] });
    test.table.releasePoisoned(test.holds({ uses: [amount('m', 1)] }));
    test.table.releasePoisoned(test.holds({ exclusive: true }));
    expect(test.table.poisonedNode(test.table.compile({ claims: ['/'] }))).toBe(NONE);
  });
});

describe('descriptions', () => {
  it('say which holder holds what, and for whom others wait', () => {
    const test = new TestTable({ capacities: [['m', 4]] });
    const a = test.holds({ uses: ['/a', amount('m', 3)] });
    const b = test.holds({ uses: ['/a'] });
    const waiter = test.waits({ claims: ['/a/b'] });
    const other = test.waits({ uses: [amount('m', 2)] });
    expect(describeWait(test.table, waiter)).toEqual({
      ...{ holder: waiter, node: test.table.nodeOf('/a'), resource: '/a', blockers: [a, b] },
      ...{ bypassed: 0, starved: false },
    });
    expect(describeWait(test.table, other)?.blockers).toEqual([a]);
    expect(describeWait(test.table, a)).toBeUndefined();
    expect(describeNodes(test.table)).toMatchObject([
      { resource: 'm', holders: [{ holder: a, how: 'amount', count: 3 }], waiting: [other], capacity: 4 },
      {
        resource: '/a',
        holders: [
          { holder: a, how: 'uses' },
          { holder: b, how: 'uses' },
        ],
        waiting: [waiter],
      },
    ]);
  });
});

describe('forgetting', () => {
  it('removes nodes and entries without references', () => {
    const { table } = new TestTable();
    for (let round = 0; round < 1000; round++) {
      const request = table.compile({ claims: [`/user/${round}/mail`], uses: [`/host/${round}`] });
      table.enrol(0, request);
      table.tryTake(0);
      table.release(0);
      table.forget(request);
    }
    const { tree, requests } = table.parts;
    expect(tree.size).toBeLessThan(16);
    expect(requests.trie.size).toBeLessThan(16);
  });
});

describe('pools', () => {
  it('a holder of a closed pool is not runnable, and hides no other', () => {
    const test = new TestTable({ pools: 2 });
    const blocker = test.holds({ claims: ['x'] });
    const other = test.waits({ claims: ['x'] }, 0, 0, 1);
    const own = test.waits({ claims: ['x'] });
    test.table.setPool(1, false);
    test.table.release(blocker);
    expect(test.startAll()).toEqual([own]);
    test.table.release(own);
    expect(test.startAll()).toEqual([]);
    test.table.setPool(1, true);
    expect(test.startAll()).toEqual([other]);
  });

  it('the first of the starved waits for its pool, and keeps what is reserved for it', () => {
    const test = new TestTable({ pools: 2 });
    const blocker = test.holds({ claims: ['x'] });
    const starved = test.waits({ claims: ['x'] }, 0, 0, 1);
    const own = test.waits({ claims: ['x'] });
    test.table.starve(starved);
    test.table.setPool(1, false);
    test.table.release(blocker);
    expect(test.startAll()).toEqual([]);
    test.table.setPool(1, true);
    expect(test.startAll()).toEqual([starved]);
    test.table.release(starved);
    expect(test.startAll()).toEqual([own]);
  });

  it('a holder of a closed pool is not bypassed', () => {
    const test = new TestTable({ pools: 2, bypasses: 1 });
    test.holds({ uses: ['x'] });
    const claimer = test.waits({ claims: ['x'] }, 0, 0, 1);
    test.table.setPool(1, false);
    test.holds({ uses: ['x'] });
    expect(test.table.starvedHead).toBe(NONE);
    test.table.setPool(1, true);
    test.holds({ uses: ['x'] });
    expect(test.table.starvedHead).toBe(claimer);
  });

  it('units that came back while its pool was closed are there when it opens', () => {
    const test = new TestTable({ pools: 2, capacities: { gpu: 1 } });
    const returning = test.wants({ uses: ['gpu'] }, 0, 0, 1);
    expect(test.table.tryTake(returning)).toBe(TAKEN);
    test.table.releaseAmounts(returning);
    const other = test.holds({ uses: ['gpu'] });
    expect(test.table.tryTake(returning)).not.toBe(TAKEN);
    test.table.park(returning);
    test.table.setPool(1, false);
    test.table.release(other);
    expect(test.startAll()).toEqual([]);
    test.table.setPool(1, true);
    expect(test.startAll()).toEqual([returning]);
  });
});
