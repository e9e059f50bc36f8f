/** Fair hierarchical read-write locks with amounts. */
export { type AcquireOptions, type Held, Locks, type LocksOptions } from './acquire.ts';
export type { LockRequest } from './demands.ts';
export {
  describeNodes,
  describeWait,
  describeWaits,
  type HeldNode,
  type HoldMode,
  nameOf,
  nameOfResource,
  type WaitingHolder,
} from './description.ts';
export { type DemandId, type Holder, NONE, type NodeId, RESERVED, TAKEN } from './ids.ts';
export type { Capacities, LockTableOptions } from './inside.ts';
export { LockTable } from './lock-table.ts';
export {
  HierarchyLock,
  isResourcePath,
  isSamePlace,
  partsOf,
  path,
  type ResourcePath,
} from './resource-path.ts';
