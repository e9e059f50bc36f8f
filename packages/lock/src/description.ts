/** What a lock table would tell people: who holds what, who waits for whom. Walks everything; not for the hot path. */
import type { Holder, NodeId } from './ids.ts';
import type { LockTable } from './lock-table.ts';

export type HoldMode = 'uses' | 'claims' | 'amount';

export interface HeldNode {
  readonly node: NodeId;
  /** As people write it: `/a/b`, `db`. */
  readonly resource: string;
  readonly holders: readonly { readonly holder: Holder; readonly how: HoldMode; readonly count?: number }[];
  /** Parked holders that wait at this node. */
  readonly waiting: readonly Holder[];
  readonly capacity?: number;
  readonly poisonedBy?: Holder;
}

export interface WaitingHolder {
  readonly holder: Holder;
  /** The node where it met the conflict, and its name. */
  readonly node: NodeId;
  readonly resource: string;
  /** Those who hold what is in its way. */
  readonly blockers: readonly Holder[];
  /** Set when nothing but a reservation is in its way. */
  readonly reservedFor?: Holder;
  /** How often it was overtaken. */
  readonly overtaken: number;
  readonly starved: boolean;
}

/** Held and poisoned nodes, and those somebody waits at. */
export function describeNodes(_table: LockTable): HeldNode[] {
  throw new Error('not yet');
}

/** Why a parked holder waits, as of now; undefined if it is not parked. */
export function describeWait(_table: LockTable, _holder: Holder): WaitingHolder | undefined {
  throw new Error('not yet');
}

/** All parked holders. */
export function describeWaits(_table: LockTable): WaitingHolder[] {
  throw new Error('not yet');
}

/** The node's name as people write it. */
export function nameOf(_table: LockTable, _node: NodeId): string {
  throw new Error('not yet');
}
