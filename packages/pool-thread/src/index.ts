/** Pools of worker threads. */
export { type Movable, move } from './move.ts';
export type { ThreadsOptions } from './options.ts';
export { threads } from './thread-pool.ts';
