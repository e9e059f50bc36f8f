/** Makes tasks of many kinds of input. */
export { durationForms, readDurationText } from './duration.ts';
export { executables } from './executables.ts';
export { type Collected, collect, type Factory, type FactoryContext, together, under } from './factory.ts';
export { type InterpretOptions, interpreter, type ProgramValue } from './interpret.ts';
export type { ModuleRole } from './load-module.ts';
export { type Loaded, loadModule, moduleProblems } from './load-module.ts';
export { modules } from './modules.ts';
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
  TreeOptions,
  WalkedFile,
  WalkOptions,
} from './options.ts';
export { bats, goTest, nodeTest, prove, pytest, vitest } from './presets.ts';
export { programs } from './programs.ts';
export { tree } from './tree.ts';
