/** Inputs of many kinds, made into tasks. */
export { executables } from './executables.ts';
export { type Factory, type FactoryContext, type Gathered, gather, together, under } from './factory.ts';
export type { ModuleRole } from './import-error.ts';
export { type InterpretOptions, interpreter, type ProgramValue } from './interpret.ts';
export { type Loaded, loadModule, moduleProblems } from './load-module.ts';
export { modules } from './modules.ts';
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
export { tree } from './tree.ts';
