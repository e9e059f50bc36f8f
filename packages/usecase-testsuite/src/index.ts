/** A full test suite as a library: what the command `pexen` is made of. */

export { processes, requireSystem, shellWord } from '@pexen/pool-process';
export { threads } from '@pexen/pool-thread';
export {
  defaultRerunClasses,
  type Removal,
  type RerunClass,
  type RunSummary,
  rerunClasses,
  starts,
} from '@pexen/store';
export {
  type BisectEnd,
  type BisectEvent,
  type BisectOptions,
  bisectSuite,
  type FoundPartner,
  type RunTrial,
} from './bisect/bisect-suite.ts';
export type { Proposal, ProposedLine } from './bisect/proposal.ts';
export type { Finding, Relation, Trial } from './bisect/search.ts';
export type { CandidateVerdict, CatalogueNeed } from './catalogue/explain-choice.ts';
export type { CheckReport, ChecksChoice } from './checks/built-in.ts';
export type { Check, CheckedAttempt, Sight } from './checks/checks.ts';
export {
  configNames,
  environment,
  type LoadedConfig,
  layersOf,
  loadConfig,
  resolveSuite,
  suiteRoot,
} from './config/config.ts';
export {
  type ClusterChoice,
  defineSuite,
  durabilities,
  type LintChoice,
  mostWorkers,
  type OtelReporterName,
  type OtelReporterOptions,
  type OtherReporterName,
  type PageReporterName,
  type PageReporterOptions,
  type PoolRequest,
  poolNames,
  type ReporterChoice,
  type ReporterName,
  type ResourceRules,
  type RetentionChoice,
  resourceScopes,
  type Suite,
  type SuiteConfig,
  type SuiteEnvironment,
  type SuiteGroup,
  type SuiteOverride,
  type SuiteProfile,
  type TerminalReporterOptions,
} from './config/define-suite.ts';
export { type SuiteFileData, suiteFileVersion } from './config/suite-data.ts';
export { type KnownFact, knownFacts } from './facts.ts';
export {
  type GraphEdge,
  type GraphLayer,
  type GraphNode,
  type GraphOptions,
  graphLayers,
  graphOf,
  graphVersion,
  type SuiteGraph,
} from './graph/suite-graph.ts';
export { type LintOptions, type LintReport, lintSuite, lintVersion } from './lint/lint-suite.ts';
export type { NotJudged } from './lint/report.ts';
export { type LintFinding, type LintLevel, type LintRule, lintRuleNames, lintRules } from './lint/rules.ts';
export {
  type ListContents,
  type ListedShard,
  type ListedTask,
  listSuite,
  listVersion,
  type SuiteList,
  type TaskShard,
} from './list-suite.ts';
export {
  type AskedRun,
  answersVersion,
  type ExplainedTasks,
  explainTasks,
  type FoundRun,
  findAskedRun,
  liveRuns,
  type RunPlace,
} from './live/find-runs.ts';
export { LiveRun, type LiveStatus } from './live/live-run.ts';
export {
  exportSuiteHistory,
  type HistoryReport,
  historyOf,
  historyReportVersion,
  importSuiteHistory,
  type TaskHistory,
} from './memory/history-report.ts';
export { type PendingResume, pendingResume } from './memory/reboots.ts';
export { type ReportOptions, reportRuns } from './memory/report-runs.ts';
export { secretPatterns } from './memory/secret-patterns.ts';
export type { Repetition } from './memory/suite-memory.ts';
export { previewSuite, type SuitePreview, suiteRuns } from './memory/suite-runs.ts';
export {
  type CommandOption,
  declaredOptions,
  type OptionDeclaration,
  type OptionName,
  overridableMeta,
  suiteOptions,
  variableOf,
  Words,
} from './options/declarations.ts';
export {
  type ConfigReport,
  configReportVersion,
  type DescribedOrigin,
  type DescribedValue,
  describeConfig,
  describeTasks,
  type TaskConfigReport,
  type TaskOrigin,
} from './options/describe.ts';
export {
  type OptionsGiven,
  type Origin,
  profileVariable,
  type ResolvedOption,
  readAssignment,
  type StatedByCommand,
} from './options/layers.ts';
export { junitInto, readReporter, type TextForm } from './options/text-forms.ts';
export type { Selection } from './query/selection.ts';
export {
  type RecordedSchedule,
  type ReplayChoice,
  type ScheduleFile,
  scheduleFileVersion,
} from './replay/recorded-schedule.ts';
export type { ReplayEnd } from './replay/replayed-run.ts';
export { reportNames, terminalNames } from './reporters/reporter-names.ts';
export type { StatedOptions } from './run-options.ts';
export {
  type RecordedEnd,
  runSuite,
  type SuiteControls,
  type SuiteEnd,
  type SuiteRunOptions,
} from './run-suite.ts';
export type { ShardChoice } from './shards.ts';
export { type PruneOptions, pruneRuns } from './state/retention.ts';
export { knownPaths, stateDirectoryOf } from './state/state-directory.ts';
export { historyIn } from './state/suite-history.ts';
export { type ExitCode, exitCodeOfProblems, exitCodes } from './verdict/exit-code.ts';
export { judge } from './verdict/verdict.ts';
export { type KeyInput, readKeys } from './watch/keys.ts';
export { type RoundOrder, type RoundReport, runRound } from './watch/round.ts';
export { type RoundEnd, type RunningRound, WatchSession } from './watch/session.ts';
export { type WatchedFiles, watchFiles } from './watch/watch-files.ts';
