/** The memory of runs: whether a task is the same as in another run, and the journal of a run. */
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
