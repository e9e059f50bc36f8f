/** Inputs of many kinds, made into tasks. */
export { type Factory, type FactoryContext, type Gathered, gather, together, under } from './factory.ts';
export type {
  DefaultMeta,
  ExecutablesOptions,
  ExportOptions,
  ModuleOptions,
  ModuleTreeOptions,
  ProgramOptions,
  TreeOptions,
  WalkedFile,
  WalkOptions,
} from './options.ts';
