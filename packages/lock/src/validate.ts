/** Recounts everything in a naive way, and compares. For tests and the simulator. */

import type { BlockedQueues } from './blocked-queues.ts';
import type { ConflictCounters } from './conflicts.ts';
import { HOLDING, type Holder, NONE, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import type { LockTable, LockTableParts } from './lock-table.ts';
import { NOTHING } from './nested-heaps.ts';
import type { CompiledRequests } from './requests.ts';
import {
  BESIDE,
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
  assert(fairness.count === parked.length, 'the count is that of the parked holders');
  assert(
    same([...fairness.returning], returning),
    'the returning holders are those that hold and are parked',
  );
  const head = fairness.head === NONE ? [] : [fairness.head];
  const starved = holdersThat(parts, STARVED);
  assert(same([...fairness.starved, ...head], starved), 'the starved are in the queue or its head');
  assert(head.length === 1 || starved.length === 0, 'there is a head if any holder is starved');
  assert(same(holders.active, holdersThat(parts, HOLDING)), 'the active holders are those that hold');
  checkCounts(parts, 'held', conflicts.held, holders.active, (holder) =>
    holders.is(holder, WITHOUT_AMOUNTS) ? 0 : 1,
  );
  checkCounts(parts, 'reserved', conflicts.reserved, head, () => 1);
  checkConflicts(parts);
  checkUnits(parts);
  for (const node of poison.marks.keys())
    assert((parts.tree.refs[node] as number) > 0, 'poisoned nodes are kept');
  const apart = parked.filter((holder) => !returning.includes(holder) && holder !== fairness.head);
  checkQueues(parts, fairness.parked, apart);
}

/** The counters are the sums over the holders. */
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
    const entries = requests.entriesOf(holders.requestOf(holder));
    add(EVERYONE, entries.some(isBeside) ? HELD_WITHIN : HELD);
    for (const { node, mode } of entries) {
      if (mode === EXCLUSIVE) add(EVERYONE, CLAIMED);
      else if (mode !== BESIDE) {
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
    assert(
      (counts.at[counter] ?? 0) === count,
      `${name}: counter ${kindOfCounter(counter)} of node ${nodeOfCounter(counter)} is ${count}`,
    );
  for (const [node, count] of spent.entries())
    assert(
      Math.abs((counts.units[node] ?? 0) - count) < 1e-6,
      `${name}: ${count} units of node ${node} are taken`,
    );
}

function aboveOf({ tree }: LockTableParts, node: number): number[] {
  const above: number[] = [];
  for (let at = tree.parent[node] as number; at >= ROOT; at = tree.parent[at] as number) above.push(at);
  return above;
}

function isBeside({ mode }: { readonly mode: number }): boolean {
  return mode === BESIDE;
}

/** No two holders hold what conflicts. */
function checkConflicts(parts: LockTableParts): void {
  const { requests, holders, tree } = parts;
  const entries = holders.active.flatMap((holder) =>
    requests.entriesOf(holders.requestOf(holder)).map((entry) => ({ holder, ...entry })),
  );
  const beside = new Set(entries.filter(isBeside).map(({ holder }) => holder));
  for (const one of entries) {
    if (one.mode === EXCLUSIVE)
      assert(
        holders.active.every((holder) => holder === one.holder || beside.has(holder)),
        `${one.holder} is exclusive and alone`,
      );
    if (one.mode !== CLAIM) continue;
    for (const other of entries) {
      const meet = tree.isWithin(one.node, other.node) || tree.isWithin(other.node, one.node);
      const clash = other.holder !== one.holder && other.mode !== EXCLUSIVE && other.mode !== BESIDE && meet;
      assert(!clash, `${one.holder} claims node ${one.node}, and ${other.holder} holds node ${other.node}`);
    }
  }
}

function checkUnits({ tree, conflicts }: LockTableParts): void {
  for (let node = 0; node < tree.size; node++)
    assert(
      (conflicts.held.units[node] ?? 0) <= tree.capacityOf(node) + 1e-6,
      `the units taken of node ${node} are within its capacity`,
    );
}

/** Every holder waits with a prefix of its request; heaps are ordered by their best holder; other queues than the unblocked are blocked. */
function checkQueues(parts: LockTableParts, blocked: BlockedQueues, expected: readonly Holder[]): void {
  const { holders, requests, conflicts } = parts;
  const { heaps, ages, queues, unblocked, open } = blocked;
  const rows = unblocked.length * 2;
  const found: Holder[] = [];
  const check = (heap: number, prefix: number, row: number): void => {
    const contents = heaps.contentsOf(heap);
    for (const one of contents) {
      const name = heaps.nameOf(one);
      const isHolder = heaps.topOf(one) === NOTHING;
      assert(heaps.heapOf(one) === heap, `${name} knows its heap`);
      assert(ages === undefined || ages.heapOf(one) === heap, `${name} is in the same heap by age`);
      assert(
        startsWith(requests, isHolder ? holders.requestOf(name) : name, prefix),
        `${name} shares the prefix of its heap`,
      );
      const own = holders.poolOf(name) * 2 + Number(holders.is(name, STARVED));
      assert(!isHolder || own === row, `${name} waits in the row of its pool`);
      if (isHolder) found.push(name);
      else check(one, name, row);
    }
    const best = contents
      .map((one) => heaps.bestOf(one))
      .sort((a, b) => (holders.isBefore(a, b) ? -1 : 1))[0];
    assert(heaps.bestOf(heap) === (best ?? NONE), `heap ${heaps.nameOf(heap)} is ordered by its best holder`);
    const [oldest] = contents
      .map((one) => ages?.bestOf(one) ?? NONE)
      .sort((a, b) => (holders.waitsLonger(a, b) ? -1 : 1));
    assert(
      ages === undefined || ages.bestOf(heap) === (oldest ?? NONE),
      `heap ${heaps.nameOf(heap)} knows its oldest holder`,
    );
  };
  const pools = heaps.contentsOf(open);
  for (const [pool, heap] of unblocked.entries())
    assert(
      pools.includes(heap) === (blocked.isOpen(pool) && heaps.topOf(heap) !== NOTHING),
      `pool ${pool} is where it belongs`,
    );
  for (const [index, queue] of queues.entries()) {
    if (queue === NOTHING) continue;
    const counter = Math.floor(index / rows);
    const row = index % rows;
    check(queue, ROOT, row);
    const isOpen = heaps.topOf(queue) !== NOTHING && !conflicts.isBlocked(counter, false);
    const isUnblocked = heaps.heapOf(queue) === unblocked[row >> 1];
    assert(!isOpen || isUnblocked, `the queue of counter ${counter} is unblocked or its counter blocks`);
  }
  assert(same(found, expected), 'every parked holder is in a group');
}

function startsWith({ trie }: CompiledRequests, request: number, prefix: number): boolean {
  let at = request;
  while (at !== prefix && at !== ROOT) at = trie.parent[at] as number;
  return at === prefix;
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

function assert(holds: boolean, what: string): void {
  if (!holds) throw broken(what);
}

function broken(what: string): Error {
  return new Error(`The lock table is broken. This should hold: ${what}.`);
}
