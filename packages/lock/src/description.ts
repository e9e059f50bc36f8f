/** What a lock table would tell people: who holds what, who waits for whom. Walks much; not for the hot path. */
import type { Resource } from '@pexen/core';
import { OVERTAKEN, PARKED, STARVED, WITHOUT_AMOUNTS } from './holders.ts';
import { type Holder, NONE, type NodeId } from './ids.ts';
import type { Inside } from './inside.ts';
import type { LockTable } from './lock-table.ts';
import { ROOT } from './trie.ts';
import { CLAIM, EXCLUSIVE, USE_ONE } from './wants.ts';

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
  /** The node where it meets the conflict, and its name. */
  readonly node: NodeId;
  readonly resource: string;
  /** Those who hold what is in its way, in order. Empty where nothing is: it is a candidate, or waits for a reservation. */
  readonly blockers: readonly Holder[];
  /** The head of the starved, when nothing but what is reserved for it is in the way. */
  readonly reservedFor?: Holder;
  /** How often it was overtaken. */
  readonly overtaken: number;
  readonly starved: boolean;
}

/** Held and poisoned nodes, and those somebody waits at. */
export function describeNodes(table: LockTable): HeldNode[] {
  const { tree, demands, holders, poison } = table.inside;
  const found = new Map<NodeId, { holders: HeldNode['holders'][number][]; waiting: Holder[] }>();
  const at = (node: NodeId) => {
    const known = found.get(node) ?? { holders: [], waiting: [] };
    found.set(node, known);
    return known;
  };
  for (const holder of [...holders.active].sort((a, b) => a - b))
    for (const need of demands.needsOf(holders.demandOf(holder)))
      at(need.node).holders.push({ holder, ...howOf(need.want, demands.counts) });
  for (const { holder, node, blockers, reservedFor } of describeWaits(table))
    if (blockers.length > 0 || reservedFor !== undefined) at(node).waiting.push(holder);
  for (const node of poison.stains.keys()) at(node);
  return [...found].map(([node, lists]) => ({
    node,
    resource: nameOf(table, node),
    ...lists,
    ...(tree.capacityOf(node) > 0 && { capacity: tree.capacityOf(node) }),
    ...(poison.stains.has(node) && { poisonedBy: poison.poisonerOf(node) }),
  }));
}

/** Why a parked holder waits, as of now; undefined if it is not parked. */
export function describeWait(table: LockTable, holder: Holder): WaitingHolder | undefined {
  const { holders, waiting } = table.inside;
  const { head } = waiting;
  if (!holders.is(holder, PARKED) && holder !== head) return undefined;
  const held = meetingsOf(table.inside, holder, holders.active);
  const mayReserve = held.length === 0 && head !== NONE && !holders.is(holder, WITHOUT_AMOUNTS);
  const reserved = mayReserve ? meetingsOf(table.inside, holder, [head]) : [];
  const node = [...held, ...reserved][0]?.node ?? ROOT;
  return {
    holder,
    node,
    resource: nameOf(table, node),
    blockers: held.map(({ other }) => other).sort((a, b) => a - b),
    ...(reserved.length > 0 && { reservedFor: head }),
    overtaken: holders.get(holder, OVERTAKEN),
    starved: holders.is(holder, STARVED),
  };
}

/** All parked holders, best first. */
export function describeWaits(table: LockTable): WaitingHolder[] {
  const { holders } = table.inside;
  const parked: Holder[] = [];
  for (let holder = 0; holder < holders.size; holder++) if (holders.is(holder, PARKED)) parked.push(holder);
  parked.sort((a, b) => (holders.isBefore(a, b) ? -1 : 1));
  return parked.map((holder) => describeWait(table, holder) as WaitingHolder);
}

/** The node's name as people write it. */
export function nameOf(table: LockTable, node: NodeId): string {
  return table.inside.tree.nameOf(node);
}

/** The resource's name as people write it: that of its node. For resources of demands that the table knows. */
export function nameOfResource(table: LockTable, resource: Resource): string {
  const { tree } = table.inside;
  return tree.nameOf(tree.nodeOf(resource));
}

/** Those of `others` whose demands conflict with the holder's, each with the node where they meet. */
function meetingsOf(
  inside: Inside,
  holder: Holder,
  others: readonly Holder[],
): { other: Holder; node: NodeId }[] {
  return others.flatMap((other) => {
    const node = other === holder ? undefined : meetingOf(inside, holder, other);
    return node === undefined ? [] : [{ other, node }];
  });
}

function meetingOf(inside: Inside, holder: Holder, other: Holder): NodeId | undefined {
  const { tree, demands, holders, obstacles, waiting } = inside;
  const mine = demands.needsOf(holders.demandOf(holder));
  const theirs = demands.needsOf(holders.demandOf(other));
  if ([...mine, ...theirs].some(({ want }) => want === EXCLUSIVE)) return ROOT;
  const isReturning = holders.is(holder, WITHOUT_AMOUNTS);
  const hasUnits = !holders.is(other, WITHOUT_AMOUNTS);
  for (const need of mine)
    for (const { node, want } of theirs) {
      if (!isReturning && (need.want === CLAIM || want === CLAIM)) {
        if (tree.isWithin(need.node, node)) return node;
        if (tree.isWithin(node, need.node)) return need.node;
      }
      const wantsUnits = need.node === node && want >= USE_ONE && hasUnits;
      if (wantsUnits && obstacles.isSpent(node, need.want, other === waiting.head)) return node;
    }
  return undefined;
}

function howOf(want: number, counts: readonly number[]): { readonly how: HoldMode; readonly count?: number } {
  if (want === CLAIM || want === EXCLUSIVE) return { how: 'claims' };
  return want > USE_ONE ? { how: 'amount', count: counts[want] as number } : { how: 'uses' };
}
