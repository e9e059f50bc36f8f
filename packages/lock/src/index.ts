/** Fair hierarchical read-write locks with amounts. */

export {
  describeNodes,
  describeWait,
  describeWaits,
  type HeldNode,
  type HoldMode,
  holdersAgainst,
  nameOf,
  nameOfResource,
  type WaitingHolder,
} from './description.ts';
export { type Holder, NONE, type NodeId, RESERVED, type RequestId, TAKEN } from './holders.ts';
export type { Capacities, LockTableOptions } from './lock-table.ts';
export { LockTable } from './lock-table.ts';
export { type AcquireOptions, type Held, Locks, type LocksOptions } from './locks.ts';
export type { LockRequest } from './requests.ts';
export {
  HierarchyLock,
  isResourcePath,
  isSamePlace,
  OnNode,
  partsOf,
  path,
  type ResourcePath,
} from './resource-path.ts';
export { namesIn, ResourcePattern } from './resource-pattern.ts';
