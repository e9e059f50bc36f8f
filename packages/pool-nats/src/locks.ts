/** Locks that runs on several machines share, over NATS. */
export { type ClusterLocksOptions, clusterLocks } from './locks/cluster-locks.ts';
