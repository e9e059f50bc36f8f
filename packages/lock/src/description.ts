/** Describes a lock table for people: who holds what, and who waits for whom. Visits every holder; not for the hot path. */

import type { Resource } from '@pexen/core';
import {
  BYPASSED,
  type Holder,
  NONE,
  type NodeId,
  PARKED,
  type RequestId,
  STARVED,
  WITHOUT_AMOUNTS,
} from './holders.ts';
import type { LockTable, LockTableParts } from './lock-table.ts';
import { BESIDE, CLAIM, EXCLUSIVE, FREE, ROOT, USE_ONE } from './resource-tree.ts';

/** How a node is held. */
export type HoldMode = 'uses' | 'claims' | 'amount';

/** A node that is held, poisoned or waited for. */
export interface HeldNode {
  readonly node: NodeId;
  /** As people write it: `/a/b`, `db`. */
  readonly resource: string;
  readonly holders: readonly { readonly holder: Holder; readonly how: HoldMode; readonly count?: number }[];
  /** Parked holders that wait at this node, best first. */
  readonly waiting: readonly Holder[];
  readonly capacity?: number;
  readonly poisonedBy?: Holder;
}

/** Why a parked holder waits. */
export interface WaitingHolder {
  readonly holder: Holder;
  /** The node of the conflict, and its name. */
  readonly node: NodeId;
  readonly resource: string;
  /** The holders that conflict with it, in order. Empty where it is runnable, or waits only for a reservation to end. */
  readonly blockers: readonly Holder[];
  /** The head of the starved, if only the reservation for that conflicts with this holder. */
  readonly reservedFor?: Holder;
  /** How often it was bypassed. */
  readonly bypassed: number;
  readonly starved: boolean;
}

/** The nodes that are held or poisoned, or have a queue. */
export function describeNodes(table: LockTable): HeldNode[] {
  const { tree, requests, holders, poison } = table.parts;
  const found = new Map<NodeId, { holders: HeldNode['holders'][number][]; waiting: Holder[] }>();
  const at = (node: NodeId) => {
    const known = found.get(node) ?? { holders: [], waiting: [] };
    found.set(node, known);
    return known;
  };
  for (const holder of [...holders.active].sort((a, b) => a - b))
    for (const entry of requests.entriesOf(holders.requestOf(holder)))
      if (entry.mode !== BESIDE)
        at(entry.node).holders.push({ holder, ...howOf(entry.mode, requests.counts) });
  for (const { holder, node, blockers, reservedFor } of describeWaits(table))
    if (blockers.length > 0 || reservedFor !== undefined) at(node).waiting.push(holder);
  for (const node of poison.marks.keys()) at(node);
  return [...found].map(([node, lists]) => ({
    node,
    resource: nameOf(table, node),
    ...lists,
    ...(tree.capacityOf(node) > 0 && { capacity: tree.capacityOf(node) }),
    ...(poison.marks.has(node) && { poisonedBy: poison.poisonerOf(node) }),
  }));
}

/** Why a parked holder waits, as of now; undefined if it is not parked. */
export function describeWait(table: LockTable, holder: Holder): WaitingHolder | undefined {
  const { holders, fairness } = table.parts;
  const { head } = fairness;
  if (!holders.is(holder, PARKED) && holder !== head) return undefined;
  const held = conflictsOf(table.parts, holder, holders.active);
  const mayReserve = held.length === 0 && head !== NONE && !holders.is(holder, WITHOUT_AMOUNTS);
  const reserved = mayReserve ? conflictsOf(table.parts, holder, [head]) : [];
  const node = [...held, ...reserved][0]?.node ?? ROOT;
  return {
    holder,
    node,
    resource: nameOf(table, node),
    blockers: held.map(({ other }) => other).sort((a, b) => a - b),
    ...(reserved.length > 0 && { reservedFor: head }),
    bypassed: holders.get(holder, BYPASSED),
    starved: holders.is(holder, STARVED),
  };
}

/** All parked holders, best first. */
export function describeWaits(table: LockTable): WaitingHolder[] {
  const { holders } = table.parts;
  const parked: Holder[] = [];
  for (let holder = 0; holder < holders.size; holder++) if (holders.is(holder, PARKED)) parked.push(holder);
  parked.sort((a, b) => (holders.isBefore(a, b) ? -1 : 1));
  return parked.map((holder) => describeWait(table, holder) as WaitingHolder);
}

/** The node's name as people write it. */
export function nameOf(table: LockTable, node: NodeId): string {
  return table.parts.tree.nameOf(node);
}

/** The resource's name as people write it. For resources of requests that the table has compiled. */
export function nameOfResource(table: LockTable, resource: Resource): string {
  const { tree } = table.parts;
  return tree.nameOf(tree.nodeOf(resource));
}

/** Those of `others` whose requests conflict with the holder's, each with the node of the conflict. */
function conflictsOf(
  parts: LockTableParts,
  holder: Holder,
  others: readonly Holder[],
): { other: Holder; node: NodeId }[] {
  return others.flatMap((other) => {
    const node = other === holder ? undefined : conflictOf(parts, holder, other);
    return node === undefined ? [] : [{ other, node }];
  });
}

/** A holder that returns for its amounts has its uses and claims already: only units can be missing. */
function conflictOf(parts: LockTableParts, holder: Holder, other: Holder): NodeId | undefined {
  const { holders, fairness } = parts;
  const isReturning = holders.is(holder, WITHOUT_AMOUNTS);
  return conflictWith(parts, other, holders.requestOf(holder), isReturning, other === fairness.head);
}

/** Counts what the other one holds or wants alone, and compares the request with that. */
function conflictWith(
  parts: LockTableParts,
  other: Holder,
  compared: RequestId,
  isReturning: boolean,
  isReserving: boolean,
): NodeId | undefined {
  const { holders, counterpart } = parts;
  const request = holders.requestOf(other);
  counterpart.count(request, 1);
  if (holders.is(other, WITHOUT_AMOUNTS)) counterpart.countUnits(request, -1);
  const node = conflictWithCounterpart(parts, compared, isReturning, isReserving);
  if (holders.is(other, WITHOUT_AMOUNTS)) counterpart.countUnits(request, 1);
  counterpart.count(request, -1);
  return node;
}

function conflictWithCounterpart(
  { tree, requests, conflicts, counterpart }: LockTableParts,
  request: RequestId,
  isReturning: boolean,
  isReserving: boolean,
): NodeId | undefined {
  if (!isReturning && counterpart.isExclusive) return ROOT;
  for (const { node, mode } of requests.entriesOf(request)) {
    const counter = isReturning ? FREE : counterpart.counterOf(node, mode);
    if (counter !== FREE) return tree.nodeAt(counter);
    if (counterpart.hasUnitsOf(node) && conflicts.isSpent(node, mode, isReserving)) return node;
  }
  return undefined;
}

/** Those that hold what keeps the request from being taken, in order. */
export function holdersAgainst({ parts }: LockTable, request: RequestId): readonly Holder[] {
  const isAgainst = (holder: Holder): boolean =>
    conflictWith(parts, holder, request, false, false) !== undefined;
  return parts.holders.active.filter(isAgainst).sort((a, b) => a - b);
}

function howOf(mode: number, counts: readonly number[]): { readonly how: HoldMode; readonly count?: number } {
  if (mode === CLAIM || mode === EXCLUSIVE) return { how: 'claims' };
  return mode > USE_ONE ? { how: 'amount', count: counts[mode] as number } : { how: 'uses' };
}
