/** Locks of several machines, over a network that is passed in. */
export { type ClusterLocksParts, clusterLocksOver } from './cluster/cluster-locks.ts';
export {
  type ClusterNetwork,
  type ConnectNetwork,
  keyOf,
  type LeaseGuard,
  type LeaseTiming,
  type NetworkListener,
  type Stored,
} from './cluster/network.ts';
