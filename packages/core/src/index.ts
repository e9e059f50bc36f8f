/** The shared vocabulary of pexen: types, and the pure functions that make and read them. */
export { type Address, fingerprintOf, sourceTextOf } from './address.ts';
export { isSchema, type SchemaIssue, type SchemaResult, type StandardSchema, type } from './args.ts';
export {
  type ContextParts,
  type ContextTicket,
  OwnContext,
  type ReceivedKey,
  tornDown,
  unsetKeys,
} from './body-context.ts';
export {
  type CallSite,
  captureCallSite,
  type FindSourceMap,
  isLoadedByRunner,
  loadingModuleOf,
  locationOf,
  scriptPositionOf,
  useSourceMaps,
} from './call-site.ts';
export type { Clock, TimerOptions } from './clock.ts';
export { type ConditionResult, evaluateWhen } from './condition.ts';
export { type ControlledOptions, controlled } from './controlled.ts';
export {
  addressed,
  collectTasks,
  definitionOf,
  executableTask,
  hasMeta,
  identitiesOf,
  isPlaced,
  isTask,
  listOfTasks,
  metaOf,
  place,
  plainDefinition,
  service,
  serviceRules,
  type TaskOf,
  type TaskSource,
  task,
  withMeta,
} from './define-task.ts';
export { type Defined, defined } from './defined.ts';
export type {
  CodeFiles,
  CodeSource,
  DigestedTask,
  Digester,
} from './digests.ts';
export { type Digest, sameDigest, type TaskDigests, unknownDigest } from './digests.ts';
export { didYouMean, kindOf, nearest, numberHint } from './entry-check.ts';
export {
  formatProblem,
  isPexenError,
  misuse,
  PexenError,
  type Problem,
  type ProblemCode,
  problem,
  refuse,
} from './errors.ts';
export type { ExpectedDuration } from './expected-duration.ts';
export {
  type Blocker,
  type BlockerState,
  type EndedFacts,
  type ExplainedState,
  type ExplainedTask,
  type Explanation,
  explanationVersion,
  waitingText,
} from './explanation.ts';
export type {
  DiskFacts,
  Facts,
  GivenFacts,
  KernelFacts,
  MemoryFacts,
  OsFacts,
  StandardFacts,
  UserFacts,
} from './facts.ts';
export {
  isRebootSignal,
  isSkipSignal,
  isTaskFailError,
  isThenable,
  messageOf,
  type RebootOptions,
  RebootSignal,
  SkipSignal,
  TaskFailError,
  type TaskFailOptions,
} from './failure.ts';
export {
  type HeldResource,
  type InspectedService,
  type Inspection,
  inspectionVersion,
  type PoolState,
  type RunningAttempt,
  type ServicePhase,
  type WaitingFor,
  type WaitingTask,
} from './inspection.ts';
export {
  fileStamp,
  importsForOthers,
  isLoadedModules,
  type LoadedModules,
  loadedBefore,
  loadersForOthers,
  modulePlace,
} from './loaded-modules.ts';
export { markLoading, refuseRunWhileLoading } from './loading-guard.ts';
export {
  addressOf,
  closureProblem,
  duplicateIdProblem,
  findMaker,
  idOf,
  isCopy,
  isMaker,
  type Maker,
  maker,
  takesInput,
} from './locate.ts';
export { checkMeta, metaKeys, serviceMetaKeys } from './meta-check.ts';
export type {
  ExecutableBody,
  ExecutableFacts,
  Interpretation,
  ProgramService,
  ProgramStopSignal,
  ReadyCondition,
  ReadyFacts,
  StopSignal,
} from './outcome.ts';
export {
  type CapturedOutput,
  formatOutput,
  type Outcome,
  type OutcomeKind,
  outcomeOfError,
  type PoolOutcome,
  type PoolOutcomeFacts,
} from './outcome.ts';
export {
  type Assignment,
  type LeftAttempt,
  type Pool,
  type PoolContext,
  type PoolManifest,
  poolAbandoned,
  poolInUse,
  type Ticket,
} from './pool.ts';
export type { NodePredicate, NodeProperties, NodeView, PoolNode } from './pool-node.ts';
export {
  type AnyKey,
  type AnyOf,
  type AtLeast,
  anyOf,
  atLeast,
  type Capability,
  type CompoundRequirement,
  capabilitiesOf,
  describeCapabilities,
  describeCapability,
  describeRequirement,
  type Every,
  every,
  formOf,
  isCapability,
  isCompound,
  isKey,
  type Key,
  key,
  type Requirement,
  requirementText,
  sayTheSame,
  tornDownBy,
  type ValueOf,
} from './requirement.ts';
export { type Amount, amount, checkHeld, describeResource, isAmount, type Resource } from './resource.ts';
export {
  type AttemptRecord,
  type EarlierResult,
  formatProviderGone,
  formatReason,
  isBad,
  type JudgedFacts,
  type Judgement,
  judgementOf,
  type OtherResult,
  type ProviderGone,
  type ReasonLink,
  type RecalledFrom,
  type Result,
  type ResultStatus,
  type ReturnedResult,
  usualVerdict,
  type Verdict,
} from './result.ts';
export {
  type AttemptEnded,
  type AttemptInfo,
  comparableForm,
  type DescribeValue,
  type ErrorInfo,
  errorInfo,
  type LateErrorEvent,
  type RunEnded,
  type RunEvent,
  type RunStarted,
  runEventVersion,
  type ServiceReady,
  type ServiceStopCause,
  type ServiceStopping,
  type TaskFinished,
  type TaskOrigin,
  type TaskSkipped,
  type TaskStarted,
  type TasksAdded,
  type TaskUpdateEvent,
  type Versions,
  type WorkerLost,
  withoutLongMessage,
} from './run-event.ts';
export type {
  EndFacts,
  FinishFacts,
  Guarding,
  Recall,
  RecalledResult,
  RecalledSkip,
  RecalledStart,
  RecalledTask,
  RunJournal,
} from './run-journal.ts';
export type { LockRequestOfRun, LockWait, RunLocks, RunLocksListener } from './run-locks.ts';
export { checkShared, isRefusedKey, mergeShared, type SharedState } from './shared-state.ts';
export { formatLocation, relativeTo, type SourceLocation } from './source-location.ts';
export {
  type AnyBodyContext,
  type Body,
  type BodyContext,
  definitionKey,
  type GivenContext,
  type MetaOrigin,
  type NameKind,
  type PlacedTask,
  type PlainFunction,
  type Retries,
  type Runnable,
  type ServiceContext,
  type ServiceMeta,
  type ServiceRules,
  type Task,
  type TaskDefinition,
  type TaskMeta,
  type UnboundTask,
} from './task.ts';
export type { RequirementInfo, TaskInfo, UseInfo } from './task-info.ts';
export { type CallPath, formatCallPath } from './task-info.ts';
export type { Attachment, Finding, Progress, TaskUpdate } from './task-update.ts';
export { checkedAttachment } from './task-update.ts';
export type { TraceContext, TraceContexts } from './trace-context.ts';
