/** The scheduler: tasks with dependencies, resources and priorities, run in any pool. */
export {
  type AnyKey,
  amount,
  anyOf,
  atLeast,
  type BodyContext,
  type Capability,
  type Clock,
  controlled,
  every,
  formatReason,
  isPexenError,
  isTaskFailError,
  type Key,
  key,
  type Maker,
  maker,
  metaOf,
  PexenError,
  type PlacedTask,
  type Pool,
  type Problem,
  place,
  type Requirement,
  type Resource,
  type Result,
  type ResultStatus,
  type RunEvent,
  type Runnable,
  type ServiceContext,
  type ServiceMeta,
  type SharedState,
  service,
  type Task,
  TaskFailError,
  type TaskMeta,
  task,
  type,
  type UnboundTask,
  withMeta,
} from '@pexen/core';
export { systemClock } from '@pexen/core/timers';
export { HierarchyLock, path } from '@pexen/lock';
export type { RunEvents } from './driver/events.ts';
export { type InlineOptions, inline } from './driver/inline-pool.ts';
export type {
  GroupOptions,
  PlannedRunOptions,
  PlanOptions,
  PoolOptions,
  PoolSource,
  RunOptions,
} from './driver/options.ts';
export { Plan, type PlannedTask, plan, type WallTimeOptions } from './driver/plan.ts';
export {
  type Processed,
  type ProcessOptions,
  processResults,
  type ResultData,
} from './driver/process-results.ts';
export { type LateErrorRecord, Run, run, type Summary } from './driver/run.ts';
export { type Random, runId, softwareVersions } from './driver/run-identity.ts';
export { callPathsOf } from './plan/compiled-tasks.ts';
export type { TaskDefaults } from './plan/metadata.ts';
export type { Entry, NodeResource, NodeResources } from './plan/planned.ts';
export type { PulledIn } from './plan/select.ts';
