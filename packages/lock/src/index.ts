/** Fair hierarchical read-write locks with amounts. */
export { type AcquireOptions, type Held, Locks } from './acquire.ts';
export {
  describeNodes,
  describeWait,
  describeWaits,
  type HeldNode,
  type HoldMode,
  nameOf,
  type WaitingHolder,
} from './description.ts';
export {
  type DemandId,
  type Holder,
  type LockRequest,
  LockTable,
  type LockTableOptions,
  NONE,
  type NodeId,
  RESERVED,
  TAKEN,
} from './lock-table.ts';
export { HierarchyLock, isResourcePath, partsOf, path, type ResourcePath } from './resource-path.ts';
export { validate } from './validate.ts';
