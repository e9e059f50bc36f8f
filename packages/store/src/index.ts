/** What is remembered about runs. Currently: whether a task is the same as in another run. */
export type { FileEntry, FileSet } from './identity/file-sets.ts';
export { disk, type Files } from './identity/files.ts';
export { saltOf } from './identity/salt.ts';
export {
  type ModuleRecord,
  moduleOf,
  TaskDigester,
  type TaskDigesterOptions,
} from './identity/task-digester.ts';
