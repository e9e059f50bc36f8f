/** The memory of runs: whether a task is the same as in another run, the journal of a run, and what a resume does with each task. */
export { explainRecorded, type RecordedExplanations } from './explain/explain-recorded.ts';
export { type HistoryLimits, historyVersion } from './history/database.ts';
export { Expectations } from './history/expectations.ts';
export { type Flakiness, flakinessOf, mostFlakyRuns } from './history/flakiness.ts';
export { digestOfTask, takeRecordedRuns } from './history/from-journal.ts';
export { History, type HistoryOptions, historyLimits } from './history/history.ts';
export { type MachineKind, thisMachine } from './history/machine.ts';
export type { HistoryRun, SampleOfRun, TaskSample } from './history/records.ts';
export { exportHistory, readExport } from './history/transfer.ts';
export type { FileEntry, FileSet } from './identity/file-sets.ts';
export { disk, type Files } from './identity/files.ts';
export { saltOf } from './identity/salt.ts';
export {
  type ModuleRecord,
  moduleOf,
  TaskDigester,
  type TaskDigesterOptions,
} from './identity/task-digester.ts';
export {
  type JournalEntry,
  type JournalEvent,
  type JournalEventType,
  type Json,
  journalVersion,
  type StoredEnd,
  type StoredResult,
  type StoredShared,
  type StoredSkip,
  type StoredValue,
} from './journal/events.ts';
export type { Journal, JournalState, JournalTrouble } from './journal/journal.ts';
export { type JournalOwner, readOwner } from './journal/lock.ts';
export { type MemoryJournal, type MemoryJournalOptions, memoryJournal } from './journal/memory-journal.ts';
export { type OpenJournalOptions, openJournal } from './journal/open-journal.ts';
export { type JournalContent, type JournalVerdict, readJournal } from './journal/read-journal.ts';
export type { Durability } from './journal/writer.ts';
export { type MergedReport, type MergedTask, merge, unionOf } from './merge/merge.ts';
export { reportEvents } from './merge/report-events.ts';
export { readReports, saveReports } from './merge/report-files.ts';
export {
  type ReportedResult,
  type ReportedTask,
  type RunReport,
  runReportOf,
} from './merge/run-report.ts';
export { decide } from './resume/decide.ts';
export {
  type Decision,
  leavesTasks,
  type PresentSuite,
  type RerunClass,
  type ResumeAction,
  type ResumeMode,
  rerunClasses,
  type Scope,
  type SuiteTask,
  starts,
} from './resume/decision.ts';
export { type Guard, guardsAgainst, guardsOf, poisonOf, withoutOwner } from './resume/guards.ts';
export {
  type AddedTask,
  type Basis,
  type Execution,
  type ExecutionRecord,
  type JournalHealth,
  type Met,
  type RecordedEntry,
  type RecordedEvent,
  type RecordState,
  type RunRecords,
  recordsOf,
  type Sibling,
  type TaskRecord,
} from './resume/task-record.ts';
export {
  type CountedExecutions,
  countedExecutions,
  verdictOfExecutions,
  worseVerdict,
} from './resume/verdicts.ts';
export { defaultRerunClasses, previewRun, rerun, resumeRun, startRun } from './run/open-run.ts';
export type { PendingReboot, RebootRequest } from './run/reboot.ts';
export type {
  FileSetDigester,
  PreviewOptions,
  RecordedRun,
  RerunOptions,
  ResumeRunOptions,
  RunChoice,
  RunDescription,
  RunPreview,
  RunSummary,
  SessionEnding,
  SessionOptions,
  StartRunOptions,
} from './run/recorded-run.ts';
export {
  type Removal,
  type Retained,
  type RetentionLimits,
  type RetentionOptions,
  removeOldRuns,
} from './run/retention.ts';
export {
  directoryOf as directoryOfRun,
  findRun,
  listRuns,
  openUnrecordedRun,
  outputDirectoryOf,
  runIds,
  stateIn as stateOfRun,
} from './run/run-directories.ts';
export { Secrets } from './run/secrets.ts';
export {
  type OwnedTask,
  type Partition,
  type PartitionedShard,
  type PartitionOptions,
  partition,
} from './shards/partition.ts';
export { prepareStateDirectory } from './state-directory.ts';
