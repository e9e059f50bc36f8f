/** Read-write locks on a tree of resources that several runs share. */
export { inOrder } from './in-order.ts';
export { usualDirectory } from './machine/lock-directory.ts';
export { type MachineLocksOptions, machineLocks } from './machine/machine-locks.ts';
