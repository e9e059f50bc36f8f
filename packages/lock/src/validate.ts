/** Counts everything again, naively, and compares. For tests and the simulator. */
import { CLAIM, EXCLUSIVE } from './demands.ts';
import { EMPTY, type Heaps } from './heaps.ts';
import { type HoldCounts, WIDTH } from './hold-counts.ts';
import { HOLDING, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Inside } from './inside.ts';
import type { LockTable } from './lock-table.ts';
import { DORMANT, NOWHERE, type Parking } from './parking.ts';
import { ROOT } from './trie.ts';

/** @throws Error naming the first invariant of the table that does not hold. */
export function validate(table: LockTable): void {
  const { inside } = table;
  const { holders, waiting, obstacles, poison } = inside;
  const parked = holdersThat(inside, PARKED);
  const returning = parked.filter((holder) => holders.is(holder, HOLDING));
  claim(waiting.count === parked.length, 'as many are parked as are counted');
  claim(same([...waiting.returning], returning), 'those who return are those who hold and are parked');
  const head = waiting.head === NONE ? [] : [waiting.head];
  const starved = holdersThat(inside, STARVED);
  claim(same([...waiting.starved, ...head], starved), 'the starved are in the queue or its head');
  claim(head.length === 1 || starved.length === 0, 'somebody is the head, if anybody is starved');
  claim(same(holders.active, holdersThat(inside, HOLDING)), 'the active are those who hold');
  checkCounts(inside, 'held', obstacles.held, holders.active, (holder) =>
    holders.is(holder, WITHOUT_AMOUNTS) ? 0 : 1,
  );
  checkCounts(inside, 'reserved', obstacles.reserved, head, () => 1);
  checkConflicts(inside);
  checkUnits(inside);
  for (const node of poison.stains.keys())
    claim((inside.tree.nodes.refs[node] as number) > 0, 'poison keeps');
  const apart = parked.filter((holder) => !returning.includes(holder) && holder !== waiting.head);
  checkParking(
    inside,
    waiting.parked,
    apart.filter((holder) => !holders.is(holder, STARVED)),
  );
  checkParking(
    inside,
    waiting.parkedStarved,
    apart.filter((holder) => holders.is(holder, STARVED)),
  );
}

/** The counters are those of the holders, added up. */
function checkCounts(
  inside: Inside,
  name: string,
  counts: HoldCounts,
  of: readonly Holder[],
  units: (holder: Holder) => number,
): void {
  const { tree, demands, holders } = inside;
  const { parent, label, sort } = demands.trie;
  const expected = new Int32Array(tree.nodes.size * WIDTH);
  const spent = new Float64Array(tree.nodes.size);
  const add = (index: number, by = 1): void => {
    expected[index] = (expected[index] as number) + by;
  };
  let exclusives = 0;
  for (const holder of of)
    for (let at = holders.demand[holder] as number; at !== ROOT; at = parent[at] as number) {
      const node = label[at] as number;
      const want = sort[at] as number;
      if (want === EXCLUSIVE) exclusives++;
      else {
        add(node * WIDTH);
        if (want === CLAIM) add(node * WIDTH + 1);
        spent[node] = (spent[node] as number) + (demands.counts[want] as number) * units(holder);
        for (let above = node; above !== ROOT; ) {
          above = tree.nodes.parent[above] as number;
          add(above * WIDTH + 2);
          if (want === CLAIM) add(above * WIDTH + 3);
        }
      }
    }
  claim(counts.present === of.length, `${name}: as many are present as there are`);
  claim(counts.exclusives === exclusives, `${name}: the exclusive are counted`);
  for (let index = 0; index < expected.length; index++) {
    if ((counts.at[index] ?? 0) === expected[index]) continue;
    const node = Math.floor(index / WIDTH);
    throw broken(
      `${name}: counter ${index % WIDTH} of node ${node} is ${expected[index]}, not ${counts.at[index]}`,
    );
  }
  for (let node = 0; node < spent.length; node++)
    if (Math.abs((counts.units[node] ?? 0) - (spent[node] as number)) >= 1e-6)
      throw broken(`${name}: units of node ${node}`);
}

/** No two holders hold what conflicts. */
function checkConflicts({ holders, demands, tree }: Inside): void {
  const { parent, label, sort } = demands.trie;
  const needs = holders.active.flatMap((holder) => {
    const mine: { holder: Holder; node: number; want: number }[] = [];
    for (let at = holders.demand[holder] as number; at !== ROOT; at = parent[at] as number)
      mine.push({ holder, node: label[at] as number, want: sort[at] as number });
    return mine;
  });
  for (const one of needs) {
    if (one.want === EXCLUSIVE) claim(holders.active.length === 1, `${one.holder} is exclusive and alone`);
    if (one.want !== CLAIM) continue;
    for (const other of needs) {
      const meet = tree.isWithin(one.node, other.node) || tree.isWithin(other.node, one.node);
      const clash = other.holder !== one.holder && other.want !== EXCLUSIVE && meet;
      claim(!clash, `${one.holder} claims node ${one.node}, and ${other.holder} holds node ${other.node}`);
    }
  }
}

function checkUnits({ tree, obstacles }: Inside): void {
  for (let node = 0; node < tree.nodes.size; node++)
    claim(
      (obstacles.held.units[node] ?? 0) <= tree.capacityOf(node) + 1e-6,
      `no more is taken of node ${node} than there is`,
    );
}

/** Everybody is in one group; groups are heaps with right keys; places that are not loose are blocked. */
function checkParking(inside: Inside, parking: Parking, expected: readonly Holder[]): void {
  const { holders, demands } = inside;
  const { queue, dormant, where, groups, waiters, places } = parking;
  const found: Holder[] = [];
  const hung = new Map<number, number[]>();
  for (let group = 0; group < queue.length; group++) {
    const own = elementsOf(waiters, queue[group] as number, (a, b) => holders.isBefore(a, b));
    const sleeping = elementsOf(groups, dormant[group] as number, (a, b) =>
      holders.isBefore(groups.keyOf(a), groups.keyOf(b)),
    );
    found.push(...own);
    for (const holder of own)
      claim(holders.demand[holder] === group, `${holder} waits in the group of its demand`);
    for (const below of sleeping) {
      claim(where[below] === DORMANT, `group ${below} is dormant`);
      claim(demands.trie.parent[below] === group, `group ${below} waits with the group it continues`);
    }
    const keys = [...own, ...sleeping.map((below) => groups.keyOf(below))];
    const place = where[group] as number;
    claim((place === NOWHERE) === (keys.length === 0), `group ${group} is somewhere if anybody is in it`);
    if (place === NOWHERE) continue;
    const best = keys.reduce((a, b) => (holders.isBefore(a, b) ? a : b));
    claim(groups.keyOf(group) === best, `the key of group ${group} is its best holder`);
    if (place >= 0) hung.set(place, [...(hung.get(place) ?? []), group]);
  }
  claim(same(found, expected), 'everybody parked is in a group');
  for (const [place, there] of hung) {
    const inHeap = elementsOf(groups, places.head[place] as number, (a, b) =>
      holders.isBefore(groups.keyOf(a), groups.keyOf(b)),
    );
    claim(same(inHeap, there), `the groups of place ${place} hang there`);
    claim(places.isLoose[place] === 1 || places.isBlocked(place), `place ${place} is loose or blocked`);
  }
}

/** All of a heap, in no order, each checked to go after the one above it. */
function elementsOf(heaps: Heaps, root: number, isBefore: (a: number, b: number) => boolean): number[] {
  const found: number[] = [];
  const todo = root === EMPTY ? [] : [root];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    found.push(at);
    for (const below of [heaps.leftOf(at), heaps.rightOf(at)]) {
      if (below === EMPTY) continue;
      claim(!isBefore(below, at), `${below} goes after ${at}, which is above it`);
      todo.push(below);
    }
  }
  return found;
}

function holdersThat({ holders }: Inside, flag: number): Holder[] {
  const found: Holder[] = [];
  for (let holder = 0; holder < holders.size; holder++) if (holders.is(holder, flag)) found.push(holder);
  return found;
}

function same(some: readonly number[], others: readonly number[]): boolean {
  const sorted = (list: readonly number[]): string => [...list].sort((a, b) => a - b).join();
  return some.length === others.length && sorted(some) === sorted(others);
}

function claim(holds: boolean, what: string): void {
  if (!holds) throw broken(what);
}

function broken(what: string): Error {
  return new Error(`The lock table is broken. This should hold: ${what}.`);
}
