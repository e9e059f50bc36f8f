/** All that a configuration and a module of tests need. */
export {
  amount,
  anyOf,
  atLeast,
  type BodyContext,
  type Capability,
  controlled,
  every,
  type Facts,
  type Finding,
  type Key,
  key,
  type Maker,
  maker,
  type PlacedTask,
  type Pool,
  place,
  type Resource,
  type Result,
  type RunEvent,
  type Runnable,
  type Task,
  TaskFailError,
  type TaskMeta,
  task,
  type,
  withMeta,
} from '@pexen/core';
export {
  executables,
  type Factory,
  type FactoryContext,
  modules,
  together,
  tree,
  under,
} from '@pexen/factory';
export { processes } from '@pexen/pool-process';
export { threads } from '@pexen/pool-thread';
export type { Reporter } from '@pexen/report';
export { HierarchyLock, inline, path } from '@pexen/sched';
export {
  defineSuite,
  type ReporterChoice,
  type Suite,
  type SuiteConfig,
  type SuiteEnvironment,
  type SuiteGroup,
} from '@pexen/usecase-testsuite';
