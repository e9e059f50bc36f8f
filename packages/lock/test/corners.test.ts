/** Corner cases of the table that mutation tests found untested: state between calls, and which of several holders goes first. */
import { amount } from '@pexen/core';
import { expect, it } from 'vitest';
import {
  describeNodes,
  type LockRequest,
  LockTable,
  type LockTableOptions,
  NONE,
  TAKEN,
} from '../src/index.ts';
import { validate } from '../src/validate.ts';

/** A table with holders 0, 1, 2, …; smaller numbers in `priorities` go first. */
function tableOf(
  requests: readonly LockRequest[],
  priorities: readonly number[] = [],
  options?: LockTableOptions,
): LockTable {
  const table = new LockTable(options);
  for (const [holder, request] of requests.entries())
    table.enrol(holder, table.compile(request), priorities[holder] ?? holder);
  return table;
}

/** Each holder tries, and parks where that fails. */
function tryOrPark(table: LockTable, ...holders: readonly number[]): void {
  for (const holder of holders) if (table.tryTake(holder) !== TAKEN) table.park(holder);
  validate(table);
}

const [r, s, t] = [{ claims: ['r'] }, { claims: ['s'] }, { claims: ['t'] }];

it('a node that `nodeOf` returned is never reused for another name', () => {
  const table = new LockTable();
  const node = table.nodeOf('r');
  table.forget(table.compile(r));
  expect(table.nodeOf('other')).not.toBe(node);
  expect(table.nodeOf('r')).toBe(node);
});

it('a withdrawn holder is no longer runnable', () => {
  const table = tableOf([r, r, r]);
  tryOrPark(table, 0, 1, 2);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.withdraw(1);
  expect(table.nextRunnable()).toBe(2);
});

it('a better holder that is parked meanwhile is the next runnable', () => {
  const table = tableOf([r, r, s], [0, 2, 1]);
  tryOrPark(table, 0, 1);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.park(2);
  expect(table.nextRunnable()).toBe(2);
});

it('a better holder whose units are released meanwhile is the next runnable', () => {
  const two = { uses: [amount('memory', 2)] };
  const table = tableOf([r, two, r, two], [0, 1, 3, 2], { capacities: [['memory', 2]] });
  tryOrPark(table, 0, 1, 2, 3);
  table.release(0);
  expect(table.nextRunnable()).toBe(2);
  table.releaseAmounts(1);
  expect(table.nextRunnable()).toBe(3);
});

it('a holder whose request is reserved meanwhile is no longer runnable', () => {
  const table = tableOf([r, r, { claims: ['r', 's'] }, s]);
  tryOrPark(table, 0, 3, 1, 2);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.starve(2);
  expect(table.nextRunnable()).toBe(NONE);
});

it('a holder that waits for units only may release everything', () => {
  const table = tableOf(
    [{ claims: ['r'], uses: [amount('memory', 2)] }, { uses: [amount('memory', 2)] }, r],
    [],
    {
      capacities: [['memory', 2]],
    },
  );
  tryOrPark(table, 0);
  table.releaseAmounts(0);
  tryOrPark(table, 1, 0);
  expect(table.isParked(0)).toBe(true);
  table.release(0);
  validate(table);
  expect(table.isParked(0)).toBe(false);
  table.release(1);
  expect(table.nextRunnable()).toBe(NONE);
  expect(table.tryTake(2)).toBe(TAKEN);
});

it('repeated calls release and take units only once', () => {
  const one = { uses: [amount('memory', 1)] };
  const table = tableOf([one, one, one, one], [], { capacities: [['memory', 2]] });
  tryOrPark(table, 0, 1);
  expect(table.tryTake(0)).toBe(TAKEN);
  table.releaseAmounts(0);
  table.releaseAmounts(0);
  table.releaseAmounts(3);
  validate(table);
  expect(table.tryTake(2)).toBe(TAKEN);
  expect(table.tryTake(3)).not.toBe(TAKEN);
});

it('of the holders that wait for units only, the best goes first', () => {
  const two = { uses: [amount('memory', 2)] };
  for (const [first, second] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const table = tableOf([two, two, two], [], { capacities: [['memory', 2]] });
    tryOrPark(table, first);
    table.releaseAmounts(first);
    tryOrPark(table, second);
    table.releaseAmounts(second);
    tryOrPark(table, 2, first, second);
    table.release(2);
    expect(table.nextRunnable()).toBe(0);
  }
});

it('a holder that waits for units only makes others contended', () => {
  const two = { uses: [amount('memory', 2)] };
  const table = tableOf([two, two, two], [], { capacities: [['memory', 2]] });
  tryOrPark(table, 0);
  table.releaseAmounts(0);
  tryOrPark(table, 1);
  expect(table.isContended(2)).toBe(false);
  tryOrPark(table, 0);
  expect(table.isContended(2)).toBe(true);
  expect(table.isContended(0)).toBe(false);
});

it('a holder does not poison what it does not hold', () => {
  const table = tableOf([r, r]);
  table.releasePoisoned(0);
  expect(table.poisonedNode(table.compile(r))).toBe(NONE);
});

it('a node that several holders poisoned is cleared at once, and names the first of them', () => {
  const use = { uses: ['r'] };
  const table = tableOf([use, use, s]);
  tryOrPark(table, 0, 1, 2);
  for (const holder of [1, 0, 2]) table.releasePoisoned(holder);
  expect(table.poisonerOf(table.nodeOf('r'))).toBe(1);
  table.clearPoison(table.compile(r));
  expect(table.poisonedNode(table.compile(r))).toBe(NONE);
  expect(table.poisonedNode(table.compile(s))).toBe(table.nodeOf('s'));
});

it('poison stays while no request names the resource', () => {
  const table = new LockTable();
  const request = table.compile(r);
  table.enrol(0, request);
  tryOrPark(table, 0);
  table.releasePoisoned(0);
  table.forget(request);
  expect(table.poisonedNode(table.compile(s))).toBe(NONE);
  expect(table.poisonedNode(table.compile(r))).not.toBe(NONE);
});

it('names the poisoned node below that forbids a use, and the one that forbids a claim', () => {
  const table = tableOf([{ uses: ['/z'] }, { uses: ['/a/c'] }, { claims: ['/a/b'] }]);
  tryOrPark(table, 0, 1, 2);
  for (const holder of [0, 1, 2]) table.releasePoisoned(holder);
  expect(table.poisonedNode(table.compile({ uses: ['/a'] }))).toBe(table.nodeOf('/a/b'));
  expect(table.poisonedNode(table.compile({ claims: ['/a'] }))).toBe(table.nodeOf('/a/c'));
});

it('of the holders that one start starves, the best is first, wherever they wait', () => {
  for (const priorities of [
    [0, 1, 2, 9],
    [0, 2, 1, 9],
  ]) {
    const table = tableOf([{ uses: ['r', 's'] }, r, s, { uses: ['r', 's'] }], priorities, { bypasses: 1 });
    tryOrPark(table, 0, 1, 2);
    expect(table.tryTake(3)).toBe(TAKEN);
    expect(table.starvedHead).toBe((priorities[1] as number) < (priorities[2] as number) ? 1 : 2);
  }
});

it('one start bypasses all holders with the same request, and the others keep waiting when one of them starts', () => {
  const both = { claims: ['r', 's'] };
  const table = tableOf([{ uses: ['r'] }, both, both, both, { uses: ['r'] }], [], { bypasses: 1 });
  tryOrPark(table, 0, 1, 2, 3);
  expect(table.tryTake(4)).toBe(TAKEN);
  for (const holder of [1, 2]) {
    expect(table.starvedHead).toBe(holder);
    table.withdraw(holder);
  }
  expect(table.starvedHead).toBe(3);

  const other = tableOf([r, both, both, both]);
  tryOrPark(other, 0, 1, 2, 3);
  other.withdraw(1);
  other.release(0);
  expect(other.nextRunnable()).toBe(2);
});

it('a holder that waits for few units does not wait for those that need more, in either order', () => {
  const units = (count: number): LockRequest => ({ uses: [amount('memory', count)] });
  for (const [large, small] of [
    [2, 3],
    [3, 2],
  ] as const) {
    const requests = [units(2), units(2), units(large === 2 ? 4 : 2), units(large === 2 ? 2 : 4)];
    const table = tableOf(requests, [], { capacities: [['memory', 4]] });
    tryOrPark(table, 0, 1, 2, 3);
    table.release(0);
    expect(table.nextRunnable()).toBe(small);
    table.release(1);
    expect(table.nextRunnable()).toBe(2);
  }
});

it('a claim of very many resources blocks others at each of them', () => {
  const table = new LockTable();
  const requests = Array.from({ length: 100 }, (_, at) => table.compile({ claims: [`/many/${at}`] }));
  for (const [at, request] of requests.entries())
    for (const holder of [at, at + requests.length]) table.enrol(holder, request);
  tryOrPark(table, ...requests.keys());
  for (const at of requests.keys()) {
    expect(table.tryTake(at + requests.length)).toBe(table.nodeOf(`/many/${at}`));
    table.park(at + requests.length);
  }
  table.release(77);
  expect(table.nextRunnable()).toBe(177);
});

/** 2 wants r and s. 0 holds r; then s is taken, and r is released. Is 2 starved by that? */
function isStarvedBy(priority: number, isBefore: boolean): boolean {
  const table = new LockTable({ bypasses: 1 });
  for (let at = 0; at < 40; at++) table.nodeOf(`other-${at}`);
  for (const [holder, request] of [r, s, r, t, t].entries())
    table.enrol(holder, table.compile(request), holder === 1 ? priority : holder);
  tryOrPark(table, 3, 4);
  if (isBefore) tryOrPark(table, 0, 1);
  table.enrol(2, table.compile({ claims: ['r', 's'] }), 5);
  tryOrPark(table, ...(isBefore ? [2] : [0, 2, 1]));
  table.release(0);
  expect(table.nextRunnable()).toBe(NONE);
  validate(table);
  return table.starvedHead === 2;
}

it('worse holders that block it by another counter bypass it, but not better ones, nor those that held it before', () => {
  expect(isStarvedBy(9, false)).toBe(true);
  expect(isStarvedBy(1, false)).toBe(false);
  expect(isStarvedBy(9, true)).toBe(false);
});

it('of a starved holder and another, both free, the better is the next runnable', () => {
  for (const starved of [3, 4]) {
    const table = tableOf([r, s, r, s, s]);
    tryOrPark(table, 0, 1, 2, 3, 4);
    table.starve(2);
    expect(table.canTake(2)).toBe(false);
    table.starve(starved);
    expect(table.starvedHead).toBe(2);
    table.release(1);
    expect(table.nextRunnable()).toBe(3);
    expect(table.tryTake(3)).toBe(TAKEN);
    table.release(3);
    expect(table.nextRunnable()).toBe(4);
  }
});

it('refuses invalid options, all at once', () => {
  const capacities = { none: 0, less: -1, odd: Number.NaN };
  expect(() => new LockTable({ capacities, bypasses: 0 })).toThrow(
    /bypasses must be a number, 1 or more[\s\S]*"none"[\s\S]*"less"[\s\S]*"odd" must be a number above 0/,
  );
});

it('refuses a plain use of a resource with less than one unit', () => {
  const table = new LockTable({ capacities: { half: 0.5 } });
  expect(() => table.compile({ uses: ['half'] })).toThrow(
    /PEXEN_AMOUNT_TOO_LARGE: takes 1 of "half", which has 0.5/,
  );
  table.compile({ uses: [amount('half', 0.5)] });
});

it('a hint shows how to declare capacities of resources that are not strings', () => {
  const gpu = Symbol('gpu');
  expect(() => new LockTable().compile({ uses: [amount(gpu as never, 2)] })).toThrow(
    /capacities: \[\[it, 2\]\]/,
  );
});

it('names resources without a string form', () => {
  const odd = [
    Object.create(null),
    {
      toString: () => {
        throw new Error('no');
      },
    },
    { name: 'disk' },
  ] as object[];
  const table = tableOf(odd.map((resource) => ({ claims: [resource] })));
  tryOrPark(table, 0, 1, 2);
  expect(describeNodes(table).map(({ resource }) => resource)).toEqual([
    ...['an object without a name', 'an object without a name', 'disk'],
  ]);
});
