/** Counts everything again, naively, and compares. For tests and the simulator. */

import type { BlockedQueues } from './blocked-queues.ts';
import type { ConflictCounters } from './conflicts.ts';
import { HOLDING, type Holder, NONE, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import type { LockTable, LockTableParts } from './lock-table.ts';
import { NOTHING } from './nested-heaps.ts';
import type { CompiledRequests } from './requests.ts';
import {
  CLAIM,
  CLAIMED,
  CLAIMED_WITHIN,
  counterAt,
  EVERYONE,
  EXCLUSIVE,
  HELD,
  HELD_WITHIN,
  kindOfCounter,
  nodeOfCounter,
  ROOT,
  WIDTH,
} from './resource-tree.ts';

/** @throws Error naming the first invariant of the table that does not hold. */
export function validate(table: LockTable): void {
  const { parts } = table;
  const { holders, fairness, conflicts, poison } = parts;
  const parked = holdersThat(parts, PARKED);
  const returning = parked.filter((holder) => holders.is(holder, HOLDING));
  claim(fairness.count === parked.length, 'as many are parked as are counted');
  claim(same([...fairness.returning], returning), 'those who return are those who hold and are parked');
  const head = fairness.head === NONE ? [] : [fairness.head];
  const starved = holdersThat(parts, STARVED);
  claim(same([...fairness.starved, ...head], starved), 'the starved are in the queue or its head');
  claim(head.length === 1 || starved.length === 0, 'somebody is the head, if anybody is starved');
  claim(same(holders.active, holdersThat(parts, HOLDING)), 'the active are those who hold');
  checkCounts(parts, 'held', conflicts.held, holders.active, (holder) =>
    holders.is(holder, WITHOUT_AMOUNTS) ? 0 : 1,
  );
  checkCounts(parts, 'reserved', conflicts.reserved, head, () => 1);
  checkConflicts(parts);
  checkUnits(parts);
  for (const node of poison.marks.keys()) claim((parts.tree.refs[node] as number) > 0, 'poison keeps');
  const apart = parked.filter((holder) => !returning.includes(holder) && holder !== fairness.head);
  checkParking(parts, fairness.parked, apart);
}

/** The counters are those of the holders, added up. */
function checkCounts(
  parts: LockTableParts,
  name: string,
  counts: ConflictCounters,
  of: readonly Holder[],
  units: (holder: Holder) => number,
): void {
  const { tree, requests, holders } = parts;
  const expected = new Int32Array(tree.size * WIDTH);
  const spent = new Float64Array(tree.size);
  const add = (node: number, kind: number): void => {
    expected[counterAt(node, kind)] = (expected[counterAt(node, kind)] as number) + 1;
  };
  for (const holder of of) {
    add(EVERYONE, HELD);
    for (const { node, mode } of requests.entriesOf(holders.requestOf(holder))) {
      if (mode === EXCLUSIVE) add(EVERYONE, CLAIMED);
      else {
        add(node, HELD);
        if (mode === CLAIM) add(node, CLAIMED);
        spent[node] = (spent[node] as number) + (requests.counts[mode] as number) * units(holder);
        for (const within of [node, ...aboveOf(parts, node)]) {
          add(within, HELD_WITHIN);
          if (mode === CLAIM) add(within, CLAIMED_WITHIN);
        }
      }
    }
  }
  for (const [counter, count] of expected.entries())
    claim(
      (counts.at[counter] ?? 0) === count,
      `${name}: counter ${kindOfCounter(counter)} of node ${nodeOfCounter(counter)} is ${count}`,
    );
  for (const [node, count] of spent.entries())
    claim(
      Math.abs((counts.units[node] ?? 0) - count) < 1e-6,
      `${name}: ${count} units of node ${node} are taken`,
    );
}

function aboveOf({ tree }: LockTableParts, node: number): number[] {
  const above: number[] = [];
  for (let at = tree.parent[node] as number; at >= ROOT; at = tree.parent[at] as number) above.push(at);
  return above;
}

/** No two holders hold what conflicts. */
function checkConflicts(parts: LockTableParts): void {
  const { requests, holders, tree } = parts;
  const needs = holders.active.flatMap((holder) =>
    requests.entriesOf(holders.requestOf(holder)).map((need) => ({ holder, ...need })),
  );
  for (const one of needs) {
    if (one.mode === EXCLUSIVE) claim(holders.active.length === 1, `${one.holder} is exclusive and alone`);
    if (one.mode !== CLAIM) continue;
    for (const other of needs) {
      const meet = tree.isWithin(one.node, other.node) || tree.isWithin(other.node, one.node);
      const clash = other.holder !== one.holder && other.mode !== EXCLUSIVE && meet;
      claim(!clash, `${one.holder} claims node ${one.node}, and ${other.holder} holds node ${other.node}`);
    }
  }
}

function checkUnits({ tree, conflicts }: LockTableParts): void {
  for (let node = 0; node < tree.size; node++)
    claim(
      (conflicts.held.units[node] ?? 0) <= tree.capacityOf(node) + 1e-6,
      `no more is taken of node ${node} than there is`,
    );
}

/** Everybody waits with a beginning of what it requests; heaps go by their best holder; places that are not loose are blocked. */
function checkParking(parts: LockTableParts, blocked: BlockedQueues, expected: readonly Holder[]): void {
  const { holders, requests, conflicts } = parts;
  const { heaps, ages, queues, unblocked, open } = blocked;
  const rows = unblocked.length * 2;
  const found: Holder[] = [];
  const check = (heap: number, beginning: number, row: number): void => {
    const contents = heaps.contentsOf(heap);
    for (const one of contents) {
      const name = heaps.nameOf(one);
      const isHolder = heaps.topOf(one) === NOTHING;
      claim(heaps.heapOf(one) === heap, `${name} knows its box`);
      claim(ages === undefined || ages.heapOf(one) === heap, `${name} is in its box by age, too`);
      claim(startsWith(requests, isHolder ? holders.requestOf(name) : name, beginning), `${name} fits in`);
      const own = holders.poolOf(name) * 2 + Number(holders.is(name, STARVED));
      claim(!isHolder || own === row, `${name} waits with its like`);
      if (isHolder) found.push(name);
      else check(one, name, row);
    }
    const best = contents
      .map((one) => heaps.bestOf(one))
      .sort((a, b) => (holders.isBefore(a, b) ? -1 : 1))[0];
    claim(heaps.bestOf(heap) === (best ?? NONE), `box ${heaps.nameOf(heap)} goes by its best holder`);
    const [oldest] = contents
      .map((one) => ages?.bestOf(one) ?? NONE)
      .sort((a, b) => (holders.waitsLonger(a, b) ? -1 : 1));
    claim(
      ages === undefined || ages.bestOf(heap) === (oldest ?? NONE),
      `box ${heaps.nameOf(heap)} knows its oldest`,
    );
  };
  const pools = heaps.contentsOf(open);
  for (const [pool, heap] of unblocked.entries())
    claim(
      pools.includes(heap) === (blocked.isOpen(pool) && heaps.topOf(heap) !== NOTHING),
      `pool ${pool} is where it belongs`,
    );
  for (const [index, queue] of queues.entries()) {
    if (queue === NOTHING) continue;
    const counter = Math.floor(index / rows);
    const row = index % rows;
    check(queue, ROOT, row);
    const isOpen = heaps.topOf(queue) !== NOTHING && !conflicts.isBlocked(counter, false);
    const inLoose = heaps.heapOf(queue) === unblocked[row >> 1];
    claim(!isOpen || inLoose, `spot ${counter} is loose or blocked`);
  }
  claim(same(found, expected), 'everybody parked is in a group');
}

function startsWith({ trie }: CompiledRequests, request: number, beginning: number): boolean {
  let at = request;
  while (at !== beginning && at !== ROOT) at = trie.parent[at] as number;
  return at === beginning;
}

function holdersThat({ holders }: LockTableParts, flag: number): Holder[] {
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
