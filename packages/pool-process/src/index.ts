/** Pools of processes. */

export type { Clock } from '@pexen/pool-kit';
export { requireSystem } from './capacity.ts';
export type { ProcessesOptions } from './options.ts';
export { processes } from './process-pool.ts';
