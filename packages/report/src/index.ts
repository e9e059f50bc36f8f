/** Turns run events into a model of the run, and shows or writes that. Does not know where the events come from. */
export type { Clock } from '@pexen/core';
export { systemClock } from '@pexen/core/timers';
export { ctrf } from './ctrf/ctrf.ts';
export { type DecoupleOptions, decouple } from './decouple.ts';
export { divertOutput } from './divert-output.ts';
export { type FileReporterName, type FileReporterOptions, fileReporters } from './file-reporters.ts';
export { github } from './github/github.ts';
export { gitlab } from './gitlab/gitlab.ts';
export { type JsonLine, jsonLineVersion, type UpdateLine } from './json-lines/json-line.ts';
export { jsonLines } from './json-lines/json-lines.ts';
export { junit } from './junit/junit.ts';
export { lines } from './lines.ts';
export { live } from './live/live.ts';
export { onSuspension, type Suspended } from './live/suspension.ts';
export { markdown } from './markdown/markdown.ts';
export type { Change, LateError, LostWorker } from './model/change.ts';
export { type NotPassed, type Totals, verdictOf } from './model/results.ts';
export {
  type Inspected,
  type RunFacts,
  RunModel,
  type RunModelOptions,
  type RunSnapshot,
  type StateCounts,
} from './model/run-model.ts';
export type {
  EndedTask,
  RunningAttempt,
  RunTask,
  TaskAttempt,
  TaskError,
  TaskFacts,
  TaskResult,
  TaskSnapshot,
  TaskState,
} from './model/run-task.ts';
export type { ServiceState } from './model/services.ts';
export type { WaitingGroup, WaitingGroups, WaitingKind } from './model/waiting.ts';
export { type MultiOptions, multi, type RunListener } from './multi.ts';
export {
  type CtrfEnvironment,
  type CtrfOptions,
  type FileOptions,
  type GitHubOptions,
  type GitLabOptions,
  type JsonLinesOptions,
  type JUnitOptions,
  type LinesOptions,
  type LiveOptions,
  type MarkdownOptions,
  type OutputOptions,
  type TapOptions,
  type TerminalChoice,
  type TerminalOptions,
  type TerminalStream,
  type TraceOptions,
  terminalKinds,
} from './options.ts';
export { WholeReport } from './report-sink.ts';
export type {
  DroppedUpdates,
  ReadonlyRunModel,
  Reporter,
  ReporterProblem,
  RunView,
  TracedRun,
} from './reporter.ts';
export type { InspectableRun } from './run-view.ts';
export { type ChainReportOptions, chainLines, chainReport, type Estimated } from './schedule/chain-report.ts';
export {
  type ChainBounds,
  type ChainCause,
  type ChainLink,
  type CriticalChain,
  criticalChain,
} from './schedule/critical-chain.ts';
export { type LockTimes, lockTimes } from './schedule/lock-times.ts';
export { type AttemptTimes, slotOf, type TaskTimes } from './schedule/task-times.ts';
export { tap } from './tap/tap.ts';
export { terminal } from './terminal.ts';
export { explanationLines } from './text/explanation.ts';
export { formatEstimate, formatSpan } from './text/format.ts';
export { printable, printableLines } from './text/printable.ts';
export { framesOf, sourceAround, sourceLines } from './text/source.ts';
export { heldLine, statusLines } from './text/status.ts';
export { trace } from './trace/trace.ts';
