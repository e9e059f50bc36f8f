/** Corners of the table that mutants found without a test: what is remembered between calls, and who of several comes first. */
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

/** The holder tries, and parks where it must. */
function mode(table: LockTable, ...holders: readonly number[]): void {
  for (const holder of holders) if (table.tryTake(holder) !== TAKEN) table.park(holder);
  validate(table);
}

const [r, s, t] = [{ claims: ['r'] }, { claims: ['s'] }, { claims: ['t'] }];

it('a node that was asked for is never given to another name', () => {
  const table = new LockTable();
  const node = table.nodeOf('r');
  table.forget(table.compile(r));
  expect(table.nodeOf('other')).not.toBe(node);
  expect(table.nodeOf('r')).toBe(node);
});

it('who is withdrawn is not the candidate any more', () => {
  const table = tableOf([r, r, r]);
  mode(table, 0, 1, 2);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.withdraw(1);
  expect(table.nextRunnable()).toBe(2);
});

it('a better one that is parked meanwhile is the candidate', () => {
  const table = tableOf([r, r, s], [0, 2, 1]);
  mode(table, 0, 1);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.park(2);
  expect(table.nextRunnable()).toBe(2);
});

it('a better one whose units come back meanwhile is the candidate', () => {
  const two = { uses: [amount('memory', 2)] };
  const table = tableOf([r, two, r, two], [0, 1, 3, 2], { capacities: [['memory', 2]] });
  mode(table, 0, 1, 2, 3);
  table.release(0);
  expect(table.nextRunnable()).toBe(2);
  table.releaseAmounts(1);
  expect(table.nextRunnable()).toBe(3);
});

it('what is reserved meanwhile is not offered any more', () => {
  const table = tableOf([r, r, { claims: ['r', 's'] }, s]);
  mode(table, 0, 3, 1, 2);
  table.release(0);
  expect(table.nextRunnable()).toBe(1);
  table.starve(2);
  expect(table.nextRunnable()).toBe(NONE);
});

it('who waits for units only may give everything back', () => {
  const table = tableOf(
    [{ claims: ['r'], uses: [amount('memory', 2)] }, { uses: [amount('memory', 2)] }, r],
    [],
    {
      capacities: [['memory', 2]],
    },
  );
  mode(table, 0);
  table.releaseAmounts(0);
  mode(table, 1, 0);
  expect(table.isParked(0)).toBe(true);
  table.release(0);
  validate(table);
  expect(table.isParked(0)).toBe(false);
  table.release(1);
  expect(table.nextRunnable()).toBe(NONE);
  expect(table.tryTake(2)).toBe(TAKEN);
});

it('units are given back once and taken once, however often that is asked for', () => {
  const one = { uses: [amount('memory', 1)] };
  const table = tableOf([one, one, one, one], [], { capacities: [['memory', 2]] });
  mode(table, 0, 1);
  expect(table.tryTake(0)).toBe(TAKEN);
  table.releaseAmounts(0);
  table.releaseAmounts(0);
  table.releaseAmounts(3);
  validate(table);
  expect(table.tryTake(2)).toBe(TAKEN);
  expect(table.tryTake(3)).not.toBe(TAKEN);
});

it('of those who wait for units only, the best goes first', () => {
  const two = { uses: [amount('memory', 2)] };
  for (const [first, second] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const table = tableOf([two, two, two], [], { capacities: [['memory', 2]] });
    mode(table, first);
    table.releaseAmounts(first);
    mode(table, second);
    table.releaseAmounts(second);
    mode(table, 2, first, second);
    table.release(2);
    expect(table.nextRunnable()).toBe(0);
  }
});

it('who waits for units only is waited for as well', () => {
  const two = { uses: [amount('memory', 2)] };
  const table = tableOf([two, two, two], [], { capacities: [['memory', 2]] });
  mode(table, 0);
  table.releaseAmounts(0);
  mode(table, 1);
  expect(table.isContended(2)).toBe(false);
  mode(table, 0);
  expect(table.isContended(2)).toBe(true);
  expect(table.isContended(0)).toBe(false);
});

it('nobody poisons what it does not hold', () => {
  const table = tableOf([r, r]);
  table.releasePoisoned(0);
  expect(table.poisonedNode(table.compile(r))).toBe(NONE);
});

it('what several have poisoned is cleared at once, and the first of them is blamed', () => {
  const use = { uses: ['r'] };
  const table = tableOf([use, use, s]);
  mode(table, 0, 1, 2);
  for (const holder of [1, 0, 2]) table.releasePoisoned(holder);
  expect(table.poisonerOf(table.nodeOf('r'))).toBe(1);
  table.clearPoison(table.compile(r));
  expect(table.poisonedNode(table.compile(r))).toBe(NONE);
  expect(table.poisonedNode(table.compile(s))).toBe(table.nodeOf('s'));
});

it('poison stays though nobody names the resource for a while', () => {
  const table = new LockTable();
  const request = table.compile(r);
  table.enrol(0, request);
  mode(table, 0);
  table.releasePoisoned(0);
  table.forget(request);
  expect(table.poisonedNode(table.compile(s))).toBe(NONE);
  expect(table.poisonedNode(table.compile(r))).not.toBe(NONE);
});

it('says what below forbids a use, and what below forbids a claim', () => {
  const table = tableOf([{ uses: ['/z'] }, { uses: ['/a/c'] }, { claims: ['/a/b'] }]);
  mode(table, 0, 1, 2);
  for (const holder of [0, 1, 2]) table.releasePoisoned(holder);
  expect(table.poisonedNode(table.compile({ uses: ['/a'] }))).toBe(table.nodeOf('/a/b'));
  expect(table.poisonedNode(table.compile({ claims: ['/a'] }))).toBe(table.nodeOf('/a/c'));
});

it('of those who starve by one start, the best is first, wherever they wait', () => {
  for (const priorities of [
    [0, 1, 2, 9],
    [0, 2, 1, 9],
  ]) {
    const table = tableOf([{ uses: ['r', 's'] }, r, s, { uses: ['r', 's'] }], priorities, { bypasses: 1 });
    mode(table, 0, 1, 2);
    expect(table.tryTake(3)).toBe(TAKEN);
    expect(table.starvedHead).toBe((priorities[1] as number) < (priorities[2] as number) ? 1 : 2);
  }
});

it('those that want the same are all bypassed by one start, and all wait on when one of them goes', () => {
  const both = { claims: ['r', 's'] };
  const table = tableOf([{ uses: ['r'] }, both, both, both, { uses: ['r'] }], [], { bypasses: 1 });
  mode(table, 0, 1, 2, 3);
  expect(table.tryTake(4)).toBe(TAKEN);
  for (const holder of [1, 2]) {
    expect(table.starvedHead).toBe(holder);
    table.withdraw(holder);
  }
  expect(table.starvedHead).toBe(3);

  const other = tableOf([r, both, both, both]);
  mode(other, 0, 1, 2, 3);
  other.withdraw(1);
  other.release(0);
  expect(other.nextRunnable()).toBe(2);
});

it('who waits for few units does not wait for those who need more, whoever came first', () => {
  const units = (count: number): LockRequest => ({ uses: [amount('memory', count)] });
  for (const [large, small] of [
    [2, 3],
    [3, 2],
  ] as const) {
    const requests = [units(2), units(2), units(large === 2 ? 4 : 2), units(large === 2 ? 2 : 4)];
    const table = tableOf(requests, [], { capacities: [['memory', 4]] });
    mode(table, 0, 1, 2, 3);
    table.release(0);
    expect(table.nextRunnable()).toBe(small);
    table.release(1);
    expect(table.nextRunnable()).toBe(2);
  }
});

it('keeps others away from each of very many resources', () => {
  const table = new LockTable();
  const requests = Array.from({ length: 100 }, (_, at) => table.compile({ claims: [`/many/${at}`] }));
  for (const [at, request] of requests.entries())
    for (const holder of [at, at + requests.length]) table.enrol(holder, request);
  mode(table, ...requests.keys());
  for (const at of requests.keys()) {
    expect(table.tryTake(at + requests.length)).toBe(table.nodeOf(`/many/${at}`));
    table.park(at + requests.length);
  }
  table.release(77);
  expect(table.nextRunnable()).toBe(177);
});

/** 2 wants r and s. 0 holds r; then s is taken, and r comes back. Is 2 starved by that? */
function isStarvedBy(priority: number, isBefore: boolean): boolean {
  const table = new LockTable({ bypasses: 1 });
  for (let at = 0; at < 40; at++) table.nodeOf(`other-${at}`);
  for (const [holder, request] of [r, s, r, t, t].entries())
    table.enrol(holder, table.compile(request), holder === 1 ? priority : holder);
  mode(table, 3, 4);
  if (isBefore) mode(table, 0, 1);
  table.enrol(2, table.compile({ claims: ['r', 's'] }), 5);
  mode(table, ...(isBefore ? [2] : [0, 2, 1]));
  table.release(0);
  expect(table.nextRunnable()).toBe(NONE);
  validate(table);
  return table.starvedHead === 2;
}

it('worse ones that block its way elsewhere bypass it, but not better ones, nor those that were there before', () => {
  expect(isStarvedBy(9, false)).toBe(true);
  expect(isStarvedBy(1, false)).toBe(false);
  expect(isStarvedBy(9, true)).toBe(false);
});

it('of a starved one and another, both free, the better is the candidate', () => {
  for (const starved of [3, 4]) {
    const table = tableOf([r, s, r, s, s]);
    mode(table, 0, 1, 2, 3, 4);
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

it('refuses options that mean nothing, all at once', () => {
  const capacities = { none: 0, less: -1, odd: Number.NaN };
  expect(() => new LockTable({ capacities, bypasses: 0 })).toThrow(
    /bypasses must be a number, 1 or more[\s\S]*"none"[\s\S]*"less"[\s\S]*"odd" must be a number above 0/,
  );
});

it('refuses a plain use of what has less than one unit', () => {
  const table = new LockTable({ capacities: { half: 0.5 } });
  expect(() => table.compile({ uses: ['half'] })).toThrow(
    /PEXEN_AMOUNT_TOO_LARGE: takes 1 of "half", which has 0.5/,
  );
  table.compile({ uses: [amount('half', 0.5)] });
});

it('says how capacities of resources are declared that are no texts', () => {
  const gpu = Symbol('gpu');
  expect(() => new LockTable().compile({ uses: [amount(gpu as never, 2)] })).toThrow(
    /capacities: \[\[it, 2\]\]/,
  );
});

it('names what has no text', () => {
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
  mode(table, 0, 1, 2);
  expect(describeNodes(table).map(({ resource }) => resource)).toEqual([
    ...['an object without a name', 'an object without a name', 'disk'],
  ]);
});
