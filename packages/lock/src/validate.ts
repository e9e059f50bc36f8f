/** Counts everything again, naively, and compares. For tests and the simulator. */
import { NOTHING } from './boxes.ts';
import type { Demands } from './demands.ts';
import type { HoldCounts } from './hold-counts.ts';
import { HOLDING, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import { type Holder, NONE } from './ids.ts';
import type { Inside } from './inside.ts';
import type { LockTable } from './lock-table.ts';
import type { Parking } from './parking.ts';
import { HOUSE } from './resource-tree.ts';
import { CLAIMED, CLAIMED_WITHIN, HELD, HELD_WITHIN, kindOf, nodeOf, spotAt, WIDTH } from './spot.ts';
import { ROOT } from './trie.ts';
import { CLAIM, EXCLUSIVE } from './wants.ts';

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
  for (const node of poison.stains.keys()) claim((inside.tree.refs[node] as number) > 0, 'poison keeps');
  const apart = parked.filter((holder) => !returning.includes(holder) && holder !== waiting.head);
  checkParking(inside, waiting.parked, apart);
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
  const expected = new Int32Array(tree.size * WIDTH);
  const spent = new Float64Array(tree.size);
  const add = (node: number, kind: number): void => {
    expected[spotAt(node, kind)] = (expected[spotAt(node, kind)] as number) + 1;
  };
  for (const holder of of) {
    add(HOUSE, HELD);
    for (const { node, want } of demands.needsOf(holders.demandOf(holder))) {
      if (want === EXCLUSIVE) add(HOUSE, CLAIMED);
      else {
        add(node, HELD);
        if (want === CLAIM) add(node, CLAIMED);
        spent[node] = (spent[node] as number) + (demands.counts[want] as number) * units(holder);
        for (const within of [node, ...aboveOf(inside, node)]) {
          add(within, HELD_WITHIN);
          if (want === CLAIM) add(within, CLAIMED_WITHIN);
        }
      }
    }
  }
  for (const [spot, count] of expected.entries())
    claim(
      (counts.at[spot] ?? 0) === count,
      `${name}: counter ${kindOf(spot)} of node ${nodeOf(spot)} is ${count}`,
    );
  for (const [node, count] of spent.entries())
    claim(
      Math.abs((counts.units[node] ?? 0) - count) < 1e-6,
      `${name}: ${count} units of node ${node} are taken`,
    );
}

function aboveOf({ tree }: Inside, node: number): number[] {
  const above: number[] = [];
  for (let at = tree.parent[node] as number; at >= ROOT; at = tree.parent[at] as number) above.push(at);
  return above;
}

/** No two holders hold what conflicts. */
function checkConflicts(inside: Inside): void {
  const { demands, holders, tree } = inside;
  const needs = holders.active.flatMap((holder) =>
    demands.needsOf(holders.demandOf(holder)).map((need) => ({ holder, ...need })),
  );
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
  for (let node = 0; node < tree.size; node++)
    claim(
      (obstacles.held.units[node] ?? 0) <= tree.capacityOf(node) + 1e-6,
      `no more is taken of node ${node} than there is`,
    );
}

/** Everybody waits with a beginning of what it demands; boxes go by their best holder; places that are not loose are blocked. */
function checkParking(inside: Inside, parking: Parking, expected: readonly Holder[]): void {
  const { holders, demands, obstacles } = inside;
  const { boxes, ages, places, loose, open } = parking;
  const rows = loose.length * 2;
  const found: Holder[] = [];
  const check = (box: number, beginning: number, row: number): void => {
    const contents = boxes.contentsOf(box);
    for (const one of contents) {
      const name = boxes.nameOf(one);
      const isHolder = boxes.topOf(one) === NOTHING;
      claim(boxes.boxOf(one) === box, `${name} knows its box`);
      claim(ages === undefined || ages.boxOf(one) === box, `${name} is in its box by age, too`);
      claim(startsWith(demands, isHolder ? holders.demandOf(name) : name, beginning), `${name} fits in`);
      const own = holders.laneOf(name) * 2 + Number(holders.is(name, STARVED));
      claim(!isHolder || own === row, `${name} waits with its like`);
      if (isHolder) found.push(name);
      else check(one, name, row);
    }
    const best = contents
      .map((one) => boxes.bestOf(one))
      .sort((a, b) => (holders.isBefore(a, b) ? -1 : 1))[0];
    claim(boxes.bestOf(box) === (best ?? NONE), `box ${boxes.nameOf(box)} goes by its best holder`);
    const [oldest] = contents
      .map((one) => ages?.bestOf(one) ?? NONE)
      .sort((a, b) => (holders.waitsLonger(a, b) ? -1 : 1));
    claim(
      ages === undefined || ages.bestOf(box) === (oldest ?? NONE),
      `box ${boxes.nameOf(box)} knows its oldest`,
    );
  };
  const lanes = boxes.contentsOf(open);
  for (const [lane, box] of loose.entries())
    claim(
      lanes.includes(box) === (parking.isOpen(lane) && boxes.topOf(box) !== NOTHING),
      `lane ${lane} is where it belongs`,
    );
  for (const [index, place] of places.entries()) {
    if (place === NOTHING) continue;
    const spot = Math.floor(index / rows);
    const row = index % rows;
    check(place, ROOT, row);
    const isOpen = boxes.topOf(place) !== NOTHING && !obstacles.isBlocked(spot, false);
    const inLoose = boxes.boxOf(place) === loose[row >> 1];
    claim(!isOpen || inLoose, `spot ${spot} is loose or blocked`);
  }
  claim(same(found, expected), 'everybody parked is in a group');
}

function startsWith({ trie }: Demands, demand: number, beginning: number): boolean {
  let at = demand;
  while (at !== beginning && at !== ROOT) at = trie.parent[at] as number;
  return at === beginning;
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
