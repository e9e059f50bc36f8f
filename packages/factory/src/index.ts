/** Makes tasks of many kinds of input. */
export { type AutomakeOptions, automake } from './automake/automake.ts';
export { LazyFacts, type LazyFactsOptions } from './conditions/lazy-facts.ts';
export {
  loadNodePredicates,
  loadNodeQueries,
  type NodeQuery,
  type ReadNodeQuery,
} from './conditions/load-node-queries.ts';
export { machineProperties } from './conditions/machine-properties.ts';
export { type Condition, type Needs, needs } from './conditions/needs.ts';
export { type SystemFactsOptions, systemFacts } from './conditions/system-facts.ts';
export { isVersionAtLeast } from './conditions/version.ts';
export { type CTestOptions, ctest } from './ctest/ctest.ts';
export { type Collected, collect, type Factory, type FactoryContext, together, under } from './factory.ts';
export { type KyuaOptions, kyua } from './kyua/kyua.ts';
export type { ModuleRole } from './modules/load-module.ts';
export { type Loaded, loadModule, moduleProblems } from './modules/load-module.ts';
export { modules } from './modules/modules.ts';
export type {
  DefaultMeta,
  ExecutablesOptions,
  ExportOptions,
  ModuleOptions,
  ModuleTreeOptions,
  PresetOptions,
  ProgramCommand,
  ProgramFile,
  ProgramOptions,
  ProgramsOptions,
  ServiceProgramOptions,
  TreeOptions,
  WalkedFile,
  WalkOptions,
} from './options.ts';
export { executables } from './programs/executables.ts';
export { type InterpretOptions, interpreter, type ProgramValue } from './programs/interpret.ts';
export { bats, goTest, nodeTest, prove, pytest, vitest } from './programs/presets.ts';
export { programs } from './programs/programs.ts';
export type { SuiteSetting } from './suite-file/settings.ts';
export {
  type Duration,
  type FolderFileData,
  folderFileVersion,
  type Limit,
  type MetaData,
  type PartData,
  type RetriesData,
  type SuiteData,
} from './suite-file/suite-data.ts';
export { tree } from './tree.ts';
export {
  inOrderOf,
  openSuiteFile,
  type SuiteFile,
  type YamlOptions,
  yaml,
} from './yaml-factory.ts';
