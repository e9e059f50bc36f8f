/** The entry for those who only read runs: the run model and what follows from it, without reporters. Needs nothing of Node, so that a browser can load it. */
export { isGreen, isRed, type Totals } from './model/results.ts';
export {
  type Inspected,
  type RunFacts,
  RunModel,
  type RunSnapshot,
  type StateCounts,
} from './model/run-model.ts';
export type {
  RunningAttempt,
  TaskAttempt,
  TaskError,
  TaskFacts,
  TaskResult,
  TaskSnapshot,
  TaskState,
} from './model/run-task.ts';
export type { ServiceState } from './model/services.ts';
export type { WaitingGroup, WaitingGroups } from './model/waiting.ts';
export { Contention, type Hold, holdsOf, type ResourceWait } from './schedule/contention.ts';
export { type ChainLink, type CriticalChain, criticalChain } from './schedule/critical-chain.ts';
export { type LockTimes, lockTimes } from './schedule/lock-times.ts';
export { Readiness } from './schedule/readiness.ts';
export { type Execution, executionsOf, slotOf, type TaskTimes, timesOf } from './schedule/task-times.ts';
export { formatClock, formatEstimate, formatSpan, progressText } from './text/format.ts';
