/** Pools of processes. */

export type { Clock } from '@pexen/pool-kit';
export {
  isMachineVisible,
  listenersSeen,
  orphansSeen,
  ownerSeen,
  processesNow,
  processStartedAtMs,
} from './machine-view.ts';
export type { LongOutput, ProcessesOptions } from './options.ts';
export { markOwnProcess } from './process-markers.ts';
export { processes, requireSystem } from './process-pool.ts';
export { shellWord } from './shell-word.ts';
export { type EndedStrays, endStrays, type StraysOptions, untilNoStrays } from './strays.ts';
