/** Pools of processes. */
export { requireSystem } from './capacity.ts';
export type { Clock } from './clock.ts';
export type { ProcessesOptions } from './options.ts';
export { processes } from './process-pool.ts';
