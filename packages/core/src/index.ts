/** The words of pexen: what everybody speaks, and nothing that acts. */
export { type Address, fingerprintOf, sourceTextOf } from './address.ts';
export { isSchema, type SchemaIssue, type SchemaResult, type StandardSchema, type } from './args.ts';
export { type ContextParts, OwnContext, type ReceivedKey, tornDown, unsetKeys } from './body-context.ts';
export { type CallPath, formatCallPath } from './call-path.ts';
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
export { type CapturedOutput, formatOutput } from './captured-output.ts';
export type { Clock, TimerOptions } from './clock.ts';
export { type ControlledOptions, controlled } from './controlled.ts';
export {
  addressed,
  collectTasks,
  definitionOf,
  executableTask,
  hasMeta,
  isPlaced,
  isTask,
  metaOf,
  place,
  plainDefinition,
  type TaskOf,
  type TaskSource,
  task,
  withMeta,
} from './define-task.ts';
export { type Defined, defined } from './defined.ts';
export type { DigestedTask, Digester } from './digester.ts';
export { type Digest, sameDigest, type TaskDigests, unknownDigest } from './digests.ts';
export { numberHint } from './entry-check.ts';
export {
  formatLocation,
  formatProblem,
  isPexenError,
  misuse,
  PexenError,
  type Problem,
  type ProblemCode,
  problem,
  refuse,
  type SourceLocation,
} from './errors.ts';
export type { ExecutableBody, ExecutableFacts, Interpretation } from './executable.ts';
export {
  isSkipSignal,
  isTaskFailError,
  isThenable,
  messageOf,
  SkipSignal,
  TaskFailError,
  type TaskFailOptions,
} from './failure.ts';
export type { Finding, Judgement, Verdict } from './finding.ts';
export {
  type HeldResource,
  type Inspection,
  inspectionVersion,
  type PoolState,
  type RunningAttempt,
  type WaitingFor,
  type WaitingTask,
} from './inspection.ts';
export { isBad, type JudgedFacts, judgementOf } from './judgement.ts';
export {
  fileStamp,
  importsForOthers,
  isLoadedModules,
  type LoadedModules,
  loadedBefore,
  loadersForOthers,
  modulePlace,
} from './loaded-modules.ts';
export { addressOf, closureProblem, idOf, isCopy } from './locate.ts';
export { duplicateIdProblem, findMaker, isMaker, type Maker, maker, takesInput } from './maker.ts';
export { checkMeta, describeResource, metaKeys } from './meta-check.ts';
export type { Attachment, News, Progress } from './news.ts';
export { kindOf, listOfTasks } from './not-a-task.ts';
export {
  type Outcome,
  type OutcomeKind,
  outcomeOfError,
  type PoolOutcome,
  type PoolOutcomeFacts,
} from './outcome.ts';
export {
  type Assignment,
  type Pool,
  type PoolContext,
  type PoolManifest,
  poolAbandoned,
  poolInUse,
  type Ticket,
} from './pool.ts';
export { relativeTo } from './relative-file.ts';
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
  sayTheSame,
  tornDownBy,
  type ValueOf,
} from './requirement.ts';
export { type Amount, amount, isAmount, type Resource } from './resource.ts';
export { checkHeld } from './resource-check.ts';
export {
  type AttemptRecord,
  formatProviderGone,
  formatReason,
  type OtherResult,
  type ProviderGone,
  type ReasonLink,
  type Result,
  type ResultStatus,
  type ReturnedResult,
} from './result.ts';
export {
  type AttemptEnded,
  type AttemptNews,
  type ErrorNews,
  errorNews,
  type LateErrorEvent,
  type NewsEvent,
  type RunEnded,
  type RunEvent,
  type RunStarted,
  runEventVersion,
  type TaskFinished,
  type TaskOrigin,
  type TaskSkipped,
  type TaskStarted,
  type TasksAdded,
  type Versions,
  type WorkerLost,
} from './run-event.ts';
export { checkShared, isRefusedKey, mergeShared, type SharedState } from './shared-state.ts';
export { didYouMean, nearest } from './suggest.ts';
export {
  type AnyBodyContext,
  type Body,
  type BodyContext,
  definitionKey,
  type Facts,
  type GivenContext,
  type PlacedTask,
  type PlainFunction,
  type Retries,
  type Runnable,
  type Task,
  type TaskDefinition,
  type TaskMeta,
  type UnboundTask,
} from './task.ts';
export type { NameKind, RequirementInfo, TaskInfo, UseInfo } from './task-info.ts';
export { markLoading, refuseRunWhileLoading } from './worker-mark.ts';
