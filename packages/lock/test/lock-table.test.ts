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
class Desk {
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

  /** Starts candidates as long as there are any. */
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
  it('lets users share and claimers be alone', () => {
    const desk = new Desk();
    desk.holds({ uses: ['db'] });
    expect(desk.canTake({ uses: ['db'] })).toBe(true);
    expect(desk.canTake({ claims: ['db'] })).toBe(false);
    expect(desk.canTake({ claims: ['other'] })).toBe(true);
  });

  it('lets a claim keep away what is above and below it, but not its siblings', () => {
    const desk = new Desk();
    desk.holds({ claims: ['/etc/net'] });
    for (const request of [
      { uses: ['/etc'] },
      { uses: ['/etc/net/hosts'] },
      { claims: ['/etc'] },
      { claims: ['/'] },
    ])
      expect(desk.canTake(request)).toBe(false);
    for (const request of [{ uses: ['/etc/users'] }, { claims: ['/etc/users'] }, { claims: ['/et'] }])
      expect(desk.canTake(request)).toBe(true);
  });

  it('says at which node the conflict was met', () => {
    const desk = new Desk();
    const { table } = desk;
    desk.holds({ claims: ['/a/b'] });
    expect(table.tryTake(desk.wants({ uses: ['/a/b/c'] }))).toBe(table.nodeOf('/a/b'));
    expect(table.tryTake(desk.wants({ claims: ['/a'] }))).toBe(table.nodeOf('/a'));
  });

  it('knows a node by any of its names', () => {
    const { table } = new Desk();
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
    const { table } = new Desk();
    const key = {};
    expect(table.nodeOf(path(key, 1))).toBe(table.nodeOf(path(key, 1)));
    expect(table.nodeOf(path({}, 1))).not.toBe(table.nodeOf(path(key, 1)));
    expect(table.nodeOf(path('1'))).not.toBe(table.nodeOf(path(1)));
    expect(table.nodeOf(Number.NaN)).toBe(table.nodeOf(Number.NaN));
    for (const name of ['__proto__', 'constructor', '/__proto__/x'])
      expect(table.nodeOf(name)).toBeGreaterThan(0);
  });

  it('does not let the holds of one holder conflict with each other', () => {
    const desk = new Desk();
    const holder = desk.holds({ claims: ['/a', '/a/b'], uses: ['/a/c', '/a'] });
    desk.table.release(holder);
    desk.holds({ claims: ['/a/b'], uses: ['/a'] });
    validate(desk.table);
  });

  it('takes all or nothing', () => {
    const desk = new Desk();
    const blocker = desk.holds({ claims: ['b'] });
    const waiter = desk.waits({ claims: ['a', 'b', 'c'] });
    expect(desk.canTake({ claims: ['a', 'c'] })).toBe(true);
    desk.table.release(blocker);
    expect(desk.startAll()).toEqual([waiter]);
  });
});

describe('exclusive holders', () => {
  it('are alone, even among those who hold nothing', () => {
    const desk = new Desk();
    const idle = desk.holds({});
    const alone = desk.waits({ exclusive: true });
    desk.table.release(idle);
    expect(desk.startAll()).toEqual([alone]);
    expect(desk.canTake({})).toBe(false);
    expect(desk.canTake({ uses: ['x'] })).toBe(false);
    desk.table.release(alone);
    expect(desk.canTake({ uses: ['x'] })).toBe(true);
  });

  it('differ from claims of the root, which leave those alone who hold nothing', () => {
    const desk = new Desk();
    desk.holds({});
    desk.holds({ claims: ['/'] });
    expect(desk.canTake({})).toBe(true);
    expect(desk.canTake({ uses: ['x'] })).toBe(false);
  });
});

describe('amounts', () => {
  const capacities = [['memory', 10]] as const;

  it('count at their node; a plain use counts 1', () => {
    const desk = new Desk({ capacities });
    desk.holds({ uses: [amount('memory', 8)] });
    const user = desk.holds({ uses: ['memory'] });
    expect(desk.canTake({ uses: [amount('memory', 2)] })).toBe(false);
    expect(desk.canTake({ uses: [amount('memory', 1)] })).toBe(true);
    desk.table.release(user);
    expect(desk.canTake({ uses: [amount('memory', 2)] })).toBe(true);
  });

  it('are shared holds for what is above and below', () => {
    const desk = new Desk({ capacities: [['/gpu/0', 2]] });
    desk.holds({ uses: [amount('/gpu/0', 1)] });
    for (const claim of ['/gpu', '/gpu/0', '/gpu/0/core'])
      expect(desk.canTake({ claims: [claim] })).toBe(false);
    expect(desk.canTake({ uses: ['/gpu'] })).toBe(true);
  });

  it('add up when one node is named twice', () => {
    const desk = new Desk({ capacities });
    desk.holds({ uses: [amount('memory', 4), amount('/memory', 4), 'memory'] });
    expect(desk.canTake({ uses: [amount('memory', 2)] })).toBe(true);
    expect(desk.canTake({ uses: [amount('memory', 3)] })).toBe(false);
  });

  it('may be fractions, without losing any to rounding', () => {
    const desk = new Desk({ capacities: [['cpu', 1]] });
    for (let count = 0; count < 10; count++) desk.holds({ uses: [amount('cpu', 0.1)] });
    expect(desk.canTake({ uses: [amount('cpu', 0.1)] })).toBe(false);
  });

  it('that can never be had are refused, all of them, with a way out', () => {
    const { table } = new Desk({ capacities });
    try {
      table.compile({ uses: [amount('memory', 11), amount('disk', 1)] });
      expect.unreachable();
    } catch (error) {
      const codes = isPexenError(error) && error.problems.map(({ code }) => code);
      expect(codes).toEqual(['PEXEN_AMOUNT_TOO_LARGE', 'PEXEN_AMOUNT_UNKNOWN']);
    }
  });

  it('lets small ones pass a large one that waits, and the large one in the end', () => {
    const desk = new Desk({ capacities, bypasses: 3 });
    const half = desk.holds({ uses: [amount('memory', 5)] });
    const large = desk.waits({ uses: [amount('memory', 10)] });
    const small = [1, 2, 3].map(() => desk.holds({ uses: [amount('memory', 1)] }));
    expect(desk.table.starvedHead).toBe(large);
    expect(desk.table.tryTake(desk.wants({ uses: [amount('memory', 1)] }))).toBe(RESERVED);
    for (const holder of [half, ...small]) desk.table.release(holder);
    expect(desk.startAll()).toEqual([large]);
  });
});

describe('waiting', () => {
  it('goes by priority, then rank, then arrival', () => {
    const desk = new Desk();
    const blocker = desk.holds({ claims: ['x'] });
    const waiters = [
      desk.waits({ uses: ['x'] }, 1, 9),
      desk.waits({ uses: ['x'] }, 0, 1),
      desk.waits({ uses: ['x'] }, 0, 5),
      desk.waits({ uses: ['x'] }, 0, 5),
    ];
    desk.table.release(blocker);
    expect(desk.startAll()).toEqual([2, 3, 1, 0].map((index) => waiters[index]));
  });

  it('calls nobody whose way is blocked elsewhere', () => {
    const desk = new Desk();
    const x = desk.holds({ claims: ['x'] });
    const y = desk.holds({ claims: ['y'] });
    const both = desk.waits({ claims: ['x', 'y'] });
    desk.table.release(x);
    expect(desk.table.nextRunnable()).toBe(NONE);
    desk.table.release(y);
    expect(desk.startAll()).toEqual([both]);
  });

  it('follows a change of rank', () => {
    const desk = new Desk();
    const blocker = desk.holds({ claims: ['x'] });
    const [first, second] = [desk.waits({ claims: ['x'] }), desk.waits({ claims: ['x'] })];
    desk.table.setRank(second, 0, 1);
    desk.table.release(blocker);
    expect(desk.table.nextRunnable()).toBe(second);
    desk.table.setRank(first, -1, 0);
    expect(desk.table.nextRunnable()).toBe(first);
  });

  it('ends with a withdrawal', () => {
    const desk = new Desk();
    const blocker = desk.holds({ claims: ['x'] });
    const waiter = desk.waits({ claims: ['x'] });
    desk.table.withdraw(waiter);
    desk.table.release(blocker);
    expect(desk.startAll()).toEqual([]);
  });

  it('knows what others wait for', () => {
    const desk = new Desk();
    desk.holds({ claims: ['x'] });
    const waiter = desk.waits({ claims: ['x', '/a/b'] });
    expect(desk.table.isContended(waiter)).toBe(false);
    expect(desk.table.isContended(desk.wants({ uses: ['/a'] }))).toBe(true);
    expect(desk.table.isContended(desk.wants({ claims: ['/a/c'] }))).toBe(false);
    desk.table.withdraw(waiter);
    expect(desk.table.isContended(desk.wants({ uses: ['/a'] }))).toBe(false);
  });
});

describe('fairness', () => {
  it('seed: a claimer does not starve under a stream of users', () => {
    const desk = new Desk();
    let held = desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] });
    let bypasses = 0;
    for (; bypasses < 1000; bypasses++) {
      const user = desk.wants({ uses: ['x'] });
      if (desk.table.tryTake(user) !== TAKEN) break;
      desk.table.release(held);
      held = user;
    }
    expect(bypasses).toBe(64);
    desk.table.release(held);
    expect(desk.startAll()).toEqual([claimer]);
  });

  it('does not count starts of better rank', () => {
    const desk = new Desk({ bypasses: 1 });
    desk.holds({ uses: ['x'] });
    desk.waits({ claims: ['x'] });
    expect(desk.table.tryTake(desk.wants({ uses: ['x'] }, -1))).toBe(TAKEN);
    expect(desk.table.starvedHead).toBe(NONE);
    expect(desk.table.tryTake(desk.wants({ uses: ['x'] }))).toBe(TAKEN);
    expect(desk.table.starvedHead).not.toBe(NONE);
  });

  describe('of latecomers: better ones that are added later', () => {
    /** Better readers, one after the other, until one is refused; answers how many there were. */
    const streamOf = (desk: Desk, request: LockRequest, most: number): number => {
      for (let count = 0; count < most; count++) {
        const reader = desk.wants(request, -1);
        if (desk.table.tryTake(reader) !== TAKEN) return count;
        desk.table.release(reader);
      }
      return most;
    };

    it('512 starve the one that waits longest, then the next is counted', () => {
      const desk = new Desk();
      const held = desk.holds({ uses: ['x'] });
      const [first, second] = [desk.waits({ claims: ['x'] }), desk.waits({ claims: ['x'] })];
      expect(streamOf(desk, { uses: ['x'] }, 1_000)).toBe(512);
      expect(desk.table.starvedHead).toBe(first);
      desk.table.release(held);
      expect(desk.startAll()).toEqual([first]);
      desk.table.release(first);
      desk.holds({ uses: ['x'] });
      expect(streamOf(desk, { uses: ['x'] }, 1_000)).toBe(512);
      expect(desk.table.starvedHead).toBe(second);
    });

    it('those that were added before count for nobody', () => {
      const desk = new Desk({ latecomers: 1 });
      const better = desk.wants({ uses: ['x'] }, -1);
      desk.holds({ uses: ['x'] });
      desk.waits({ claims: ['x'] });
      expect(desk.table.tryTake(better)).toBe(TAKEN);
      expect(desk.table.starvedHead).toBe(NONE);
    });

    it('are counted only if they take what it waits for, and not where there is no slot for it', () => {
      const desk = new Desk({ latecomers: 1, pools: 2 });
      desk.holds({ uses: ['x'] });
      const writer = desk.waits({ claims: ['x'] }, 0, 0, 1);
      expect(streamOf(desk, { uses: ['y'] }, 5)).toBe(5);
      desk.table.setPool(1, false);
      expect(streamOf(desk, { uses: ['x'] }, 5)).toBe(5);
      desk.table.setPool(1, true);
      expect(streamOf(desk, { uses: ['x'] }, 5)).toBe(1);
      expect(desk.table.starvedHead).toBe(writer);
    });

    it('are counted where two streams of them take turns in blocking', () => {
      const desk = new Desk({ latecomers: 8 });
      let [a, b] = [desk.holds({ claims: ['a'] }), desk.holds({ claims: ['b'] })];
      const both = [desk.waits({ claims: ['a', 'b'] }), desk.waits({ claims: ['a', 'b'] }, -0.5)];
      const take = (name: string): number => {
        const holder = desk.wants({ claims: [name] }, -1);
        return desk.table.tryTake(holder) === TAKEN ? holder : NONE;
      };
      for (let turn = 0; turn < 100 && a !== NONE && b !== NONE; turn++) {
        desk.table.release(a);
        desk.table.nextRunnable();
        a = take('a');
        desk.table.release(b);
        desk.table.nextRunnable();
        b = take('b');
      }
      validate(desk.table);
      expect(desk.table.starvedHead).toBe(both[0]);
    });
  });

  it('keeps the count over parking again', () => {
    const desk = new Desk({ bypasses: 2 });
    desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] });
    desk.holds({ uses: ['x'] });
    desk.table.withdraw(claimer);
    desk.table.park(claimer);
    desk.holds({ uses: ['x'] });
    expect(desk.table.starvedHead).toBe(claimer);
  });

  it('who comes back is starved as before', () => {
    const desk = new Desk({ bypasses: 1 });
    desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] });
    desk.holds({ uses: ['x'] });
    desk.table.withdraw(claimer);
    expect(desk.table.starvedHead).toBe(NONE);
    desk.table.park(claimer);
    expect(desk.table.starvedHead).toBe(claimer);
    validate(desk.table);
  });

  it('ends even where two streams take turns in blocking', () => {
    const desk = new Desk({ bypasses: 8 });
    let [a, b] = [desk.holds({ claims: ['a'] }), desk.holds({ claims: ['b'] })];
    const both = desk.waits({ claims: ['a', 'b'] });
    const take = (name: string): number => {
      const holder = desk.wants({ claims: [name] });
      return desk.table.tryTake(holder) === TAKEN ? holder : NONE;
    };
    for (let turn = 0; turn < 100 && a !== NONE && b !== NONE; turn++) {
      desk.table.release(a);
      expect(desk.table.nextRunnable()).toBe(NONE);
      a = take('a');
      desk.table.release(b);
      expect(desk.table.nextRunnable()).toBe(a === NONE ? both : NONE);
      b = take('b');
    }
    expect(desk.table.starvedHead).toBe(both);
    expect(desk.startAll()).toEqual([both]);
  });

  it('reserves for the head only; the next head follows in the order in which they starved', () => {
    const desk = new Desk({ bypasses: 1 });
    const [x, y] = [desk.holds({ uses: ['x'] }), desk.holds({ uses: ['y'] })];
    const [onX, onY] = [desk.waits({ claims: ['x'] }), desk.waits({ claims: ['y'] })];
    const bypasser = desk.holds({ uses: ['y'] });
    desk.holds({ uses: ['x'] });
    expect(desk.table.starvedHead).toBe(onY);
    expect(desk.canTake({ uses: ['x'] })).toBe(true);
    expect(desk.canTake({ uses: ['y'] })).toBe(false);
    desk.table.release(y);
    desk.table.release(bypasser);
    expect(desk.startAll()).toEqual([onY]);
    expect(desk.table.starvedHead).toBe(onX);
    desk.table.release(x);
    expect(desk.canTake({ uses: ['x'] })).toBe(false);
  });

  it('lets those slip in of whom the machine says that they may', () => {
    const asked: number[][] = [];
    const mayBypass = (holder: number, head: number): boolean => asked.push([holder, head]) > 1;
    const desk = new Desk({ bypasses: 1 });
    desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] });
    desk.holds({ uses: ['x'] });
    const [first, second] = [desk.wants({ uses: ['x'] }), desk.wants({ uses: ['x'] })];
    expect(desk.table.tryTake(first, mayBypass)).toBe(RESERVED);
    expect(desk.table.tryTake(second, mayBypass)).toBe(TAKEN);
    expect(asked).toEqual([
      [first, claimer],
      [second, claimer],
    ]);
  });

  it('gives a reservation up with its head', () => {
    const desk = new Desk({ bypasses: 1 });
    desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] });
    desk.holds({ uses: ['x'] });
    const user = desk.waits({ uses: ['x'] });
    expect(describeWait(desk.table, user)).toMatchObject({ blockers: [], reservedFor: claimer });
    desk.table.withdraw(claimer);
    expect(desk.startAll()).toEqual([user]);
  });

  it('reserves for somebody who waits for something else than a lock', () => {
    const desk = new Desk();
    const wide = desk.wants({ uses: ['x'] });
    desk.table.starve(wide);
    expect(desk.table.starvedHead).toBe(wide);
    expect(desk.table.nextRunnable()).toBe(NONE);
    expect(desk.canTake({ claims: ['x'] })).toBe(false);
    expect(desk.table.tryTake(wide)).toBe(TAKEN);
    expect(desk.table.starvedHead).toBe(NONE);
  });
});

describe('between two attempts', () => {
  it('amounts are given back, uses and claims stay', () => {
    const desk = new Desk({ capacities: [['slots', 1]], bypasses: 1 });
    const holder = desk.holds({ uses: [amount('slots', 1)], claims: ['x'] });
    desk.table.releaseAmounts(holder);
    expect(desk.canTake({ uses: ['x'] })).toBe(false);
    const other = desk.holds({ uses: [amount('slots', 1)] });
    expect(desk.table.tryTake(holder)).not.toBe(TAKEN);
    desk.table.park(holder);
    desk.table.starve(desk.wants({ uses: [amount('slots', 1)] }));
    expect(desk.table.nextRunnable()).toBe(NONE);
    desk.table.release(other);
    expect(desk.startAll()).toEqual([holder]);
    desk.table.release(holder);
    validate(desk.table);
  });
});

describe('poison', () => {
  it('of a use forbids claims, of a claim everything', () => {
    const desk = new Desk();
    const { table } = desk;
    table.releasePoisoned(desk.holds({ uses: ['/a'] }));
    const requests = [{ uses: ['/a/b'] }, { claims: ['/a/b'] }, { claims: ['/'] }, { exclusive: true }, {}];
    const verdicts = (): boolean[] =>
      requests.map((request) => table.poisonedNode(table.compile(request)) !== NONE);
    expect(verdicts()).toEqual([false, true, true, false, false]);
    table.releasePoisoned(desk.holds({ claims: ['/a'] }));
    expect(verdicts()).toEqual([true, true, true, false, false]);
  });

  it('is no hold: those who may take it can', () => {
    const desk = new Desk();
    const failed = desk.holds({ claims: ['/a'] });
    desk.table.releasePoisoned(failed);
    expect(desk.table.poisonerOf(desk.table.nodeOf('/a'))).toBe(failed);
    expect(desk.canTake({ claims: ['/a'] })).toBe(true);
  });

  it('names the node that is poisoned itself', () => {
    const desk = new Desk();
    const { table } = desk;
    table.releasePoisoned(desk.holds({ claims: ['/a/b'] }));
    for (const uses of [['/a'], ['/a/b/c'], ['/a/b']])
      expect(table.poisonedNode(table.compile({ uses }))).toBe(table.nodeOf('/a/b'));
  });

  it('is cleared by a claim at or above it', () => {
    const desk = new Desk();
    const { table } = desk;
    table.releasePoisoned(desk.holds({ claims: ['/a/b', '/c'] }));
    const request = table.compile({ uses: ['/a/b'] });
    for (const claims of [['/a/b/c'], ['/c']]) table.clearPoison(table.compile({ claims }));
    expect(table.poisonedNode(request)).toBe(table.nodeOf('/a/b'));
    table.clearPoison(table.compile({ claims: ['/a'] }));
    expect(table.poisonedNode(request)).toBe(NONE);
    expect(describeNodes(table)).toEqual([]);
  });

  it('never comes from amounts or from being exclusive', () => {
    const desk = new Desk({ capacities: [['m', 2]] });
    desk.table.releasePoisoned(desk.holds({ uses: [amount('m', 1)] }));
    desk.table.releasePoisoned(desk.holds({ exclusive: true }));
    expect(desk.table.poisonedNode(desk.table.compile({ claims: ['/'] }))).toBe(NONE);
  });
});

describe('descriptions', () => {
  it('say who holds what and who waits for whom', () => {
    const desk = new Desk({ capacities: [['m', 4]] });
    const a = desk.holds({ uses: ['/a', amount('m', 3)] });
    const b = desk.holds({ uses: ['/a'] });
    const waiter = desk.waits({ claims: ['/a/b'] });
    const other = desk.waits({ uses: [amount('m', 2)] });
    expect(describeWait(desk.table, waiter)).toEqual({
      ...{ holder: waiter, node: desk.table.nodeOf('/a'), resource: '/a', blockers: [a, b] },
      ...{ bypassed: 0, starved: false },
    });
    expect(describeWait(desk.table, other)?.blockers).toEqual([a]);
    expect(describeWait(desk.table, a)).toBeUndefined();
    expect(describeNodes(desk.table)).toMatchObject([
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
  it('leaves nothing of what nobody needs', () => {
    const { table } = new Desk();
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
    const desk = new Desk({ pools: 2 });
    const blocker = desk.holds({ claims: ['x'] });
    const other = desk.waits({ claims: ['x'] }, 0, 0, 1);
    const own = desk.waits({ claims: ['x'] });
    desk.table.setPool(1, false);
    desk.table.release(blocker);
    expect(desk.startAll()).toEqual([own]);
    desk.table.release(own);
    expect(desk.startAll()).toEqual([]);
    desk.table.setPool(1, true);
    expect(desk.startAll()).toEqual([other]);
  });

  it('the first of the starved waits for its pool, and keeps what is reserved for it', () => {
    const desk = new Desk({ pools: 2 });
    const blocker = desk.holds({ claims: ['x'] });
    const starved = desk.waits({ claims: ['x'] }, 0, 0, 1);
    const own = desk.waits({ claims: ['x'] });
    desk.table.starve(starved);
    desk.table.setPool(1, false);
    desk.table.release(blocker);
    expect(desk.startAll()).toEqual([]);
    desk.table.setPool(1, true);
    expect(desk.startAll()).toEqual([starved]);
    desk.table.release(starved);
    expect(desk.startAll()).toEqual([own]);
  });

  it('a holder of a closed pool is not bypassed', () => {
    const desk = new Desk({ pools: 2, bypasses: 1 });
    desk.holds({ uses: ['x'] });
    const claimer = desk.waits({ claims: ['x'] }, 0, 0, 1);
    desk.table.setPool(1, false);
    desk.holds({ uses: ['x'] });
    expect(desk.table.starvedHead).toBe(NONE);
    desk.table.setPool(1, true);
    desk.holds({ uses: ['x'] });
    expect(desk.table.starvedHead).toBe(claimer);
  });

  it('units that came back while its pool was closed are there when it opens', () => {
    const desk = new Desk({ pools: 2, capacities: { gpu: 1 } });
    const returning = desk.wants({ uses: ['gpu'] }, 0, 0, 1);
    expect(desk.table.tryTake(returning)).toBe(TAKEN);
    desk.table.releaseAmounts(returning);
    const other = desk.holds({ uses: ['gpu'] });
    expect(desk.table.tryTake(returning)).not.toBe(TAKEN);
    desk.table.park(returning);
    desk.table.setPool(1, false);
    desk.table.release(other);
    expect(desk.startAll()).toEqual([]);
    desk.table.setPool(1, true);
    expect(desk.startAll()).toEqual([returning]);
  });
});
