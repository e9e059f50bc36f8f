/**
 * A suite as data, as it is written in YAML or JSON. The published JSON Schema is made of these types, and the readers in read-suite.ts are held to them,
 * so that an editor and a run know the same entries.
 */
import type { StopSignal } from '@pexen/core';
import type { AutomakeOptions } from '../automake/automake.ts';
import type { Needs } from '../conditions/needs.ts';
import type { CTestOptions } from '../ctest/ctest.ts';
import type { KyuaOptions } from '../kyua/kyua.ts';
import type {
  ExecutablesOptions,
  ModuleOptions,
  ModuleTreeOptions,
  PresetOptions,
  ProgramsOptions,
  TreeOptions,
} from '../options.ts';
import type { ExitMeaning } from '../programs/interpret.ts';
import type { LinePatternSet, LinePatterns } from '../programs/line-patterns.ts';

/**
 * A duration such as `100ms`, `20s`, `5m` or `2h`, or a number of milliseconds.
 * @pattern ^(\d{1,9}(\.\d{1,9})? ?(ms|s|m|h)$|.*\$\{\{)
 */
export type Duration = number | string;

/**
 * A duration above 0, or `off` to remove the limit of the suite.
 * @pattern ^(off$|\d{1,9}(\.\d{1,9})? ?(ms|s|m|h)$|.*\$\{\{)
 */
export type Limit = number | string;

/**
 * True or false, or a value that is one of these: `${{ name }}`.
 * @pattern ^\$\{\{
 */
type FlagData = boolean | string;

/**
 * A number, or a value that is one: `${{ name }}`.
 * @pattern ^\$\{\{
 */
type NumberData = number | string;

/** Text, or a number, true or false, which stay as they are written. */
type TextData = string | number | boolean;

/** One entry of `requires`. */
type RequirementData = string | AnyOfData | EveryData | AtLeastData;

/** One provider of any of them has to end well. */
interface AnyOfData {
  readonly anyOf: readonly string[];
}

/** Every provider of each has to end well. */
interface EveryData {
  readonly every: readonly string[];
}

/** So many providers have to end well: `[2, replica]`. */
interface AtLeastData {
  readonly atLeast: readonly (number | string)[];
}

/** An expression, and the reason why a task does not apply where it is false. */
interface ConditionData {
  /** In the Common Expression Language, over facts: `os.id == "debian"`. */
  readonly if: string;
  /** The reason where it is false. Default: the expression. */
  readonly because?: string;
}

/** The number of further attempts, and the delays between them. */
export interface RetriesData {
  readonly count: number;
  /** Delay before the first retry. Default 0. */
  readonly delay?: Duration;
  /** Each delay is this many times the previous one. Default 2. */
  readonly factor?: number;
  /** Longest delay. Default 30s. */
  readonly maxDelay?: Duration;
  /** The largest random reduction of each delay, as a fraction of it, 0 to 1. Default 0. */
  readonly jitter?: number;
}

/** The metadata of tasks. */
export interface MetaData {
  /** What must have ended well before it starts: names that other tasks provide. */
  readonly requires?: readonly RequirementData[];
  /** Runs after the tasks that provide these, however they end; does not select them. */
  readonly after?: readonly string[];
  /** Runs before the tasks that require these; does not select them. */
  readonly before?: readonly string[];
  /** Runs only if one of these ended badly. */
  readonly salvages?: readonly string[];
  /** Runs once no task needs this any more, also after failures. */
  readonly tearsDown?: string | readonly string[];
  /** Names that exist once the task has ended well, for `requires` of others. */
  readonly provides?: readonly string[];
  /** Resources held shared while it runs, and amounts of resources with a capacity: `{ memory-mb: 512 }`. */
  readonly uses?: readonly (string | Readonly<Record<string, NumberData>>)[];
  /** Resources held exclusively while it runs. */
  readonly claims?: readonly string[];
  /** Nothing else runs at the same time. */
  readonly exclusive?: FlagData;
  /** Tasks with lower numbers start first. Default 0. */
  readonly priority?: NumberData;
  /** As a candidate of a catalogue: those with higher numbers are preferred. Default 0. */
  readonly preference?: NumberData;
  /** Expected duration. Default: the one in earlier runs. */
  readonly weight?: Duration;
  /** The group of exclusivity that it belongs to. */
  readonly group?: string;
  /** The name of the pool that it runs in. */
  readonly pool?: string;
  /** Which nodes of its pool it may run on: a condition on their properties, as in `arch=arm64 && has=kvm`. Default: all. */
  readonly on?: string;
  /** It sets up nodes: it runs once in each boot of each node, before anything there that requires it. */
  readonly perNode?: FlagData;
  /** Longest time an attempt may take. */
  readonly timeout?: Limit;
  /** Longest time without output, progress or heartbeat. */
  readonly idleTimeout?: Limit;
  /** Time between asking an attempt to stop and ending it by force. */
  readonly grace?: Duration;
  /** The duration from which on the task counts as slow. */
  readonly slowAfter?: Duration;
  /** How often a failed attempt may be retried. Default 0. */
  readonly retries?: NumberData | RetriesData;
  /** May start again after its worker was lost or pexen itself died. */
  readonly rerunnable?: FlagData;
  /** May it ask for a reboot of the machine? Then it runs alone, and may start again. */
  readonly mayReboot?: FlagData;
  /** Until when what it provides lasts, for a run that is resumed. Default `run`. */
  readonly scope?: 'run' | 'boot' | 'process';
  /** Files that it reads, as glob patterns from the root of the suite: it counts as changed when one of them changes. */
  readonly inputs?: readonly string[];
  /** Variables of the environment that it reads: it counts as changed when one of their values changes. */
  readonly digestEnv?: readonly string[];
  /** Tags to select it by. */
  readonly tags?: readonly string[];
  /** The rules of `pexen lint` that do not apply to it. */
  readonly lintIgnore?: readonly string[];
  /** Whether it applies: true, false, a reason why not, or an expression. */
  readonly when?: boolean | string | ConditionData;
  /** What it needs of the machine. Relative paths start at the folder of the file. */
  readonly needs?: Needs;
}

/** When a service is ready: one of these. */
interface ReadyData {
  /** This port accepts connections; `{port}` is one that is free. */
  readonly port?: number | '{port}';
  /** It prints a line that matches this regular expression. */
  readonly line?: string;
  /** This file exists. */
  readonly file?: string;
  /** This URL answers. */
  readonly http?: string;
  /** The status of that answer. Default: any below 400. */
  readonly status?: number;
  /** It writes a line to this file descriptor. */
  readonly fd?: 3;
}

/** How programs are started, and how their output is interpreted. */
interface ProgramData {
  /** Arguments after the command. */
  readonly argv?: readonly TextData[];
  /** Variables of its environment, in addition to those of pexen. */
  readonly env?: Readonly<Record<string, TextData>>;
  /** Directory to run in, relative to the folder of the file; `private`: an empty one for each attempt; `copy`: a copy of the folder for each attempt. Default: the folder of the file. */
  readonly cwd?: string;
  /** Is the output TAP? `perl`: as Perl's harness `prove` reads it. Default: detected. */
  readonly tap?: boolean | 'perl';
  /** Lines that report results: `automake`, `pytest` or `go`, or patterns for each status: `{ fail: 'FAIL: {name}' }`. */
  readonly lines?: LinePatternSet | LinePatterns;
  /** What exit codes mean, where that differs from the default (0 pass, 77 skip, 99 error, others fail): `{ 5: skip }`. */
  readonly exitCodes?: Readonly<Record<string, ExitMeaning>>;
  /** The user as whom it runs, by name: only root may run it as another one. */
  readonly user?: string;
  /** It is a service: it goes on while tasks need what it provides. */
  readonly service?: boolean;
  /** When a service is ready. */
  readonly ready?: ReadyData;
  /** How a service is stopped: by this signal, or by force. Default SIGTERM. */
  readonly stop?: 'kill' | StopSignal;
  /** How often a service starts again after it ended without having been asked to. Default 0. */
  readonly restarts?: number | string;
}

/** What tasks have that do not say otherwise. */
export interface DefaultsData extends MetaData, ProgramData {}

/** A list of values, or names and values. */
type AxisData = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A task, or what several tasks have in common. */
export interface TemplateData extends DefaultsData {
  /** A program and its arguments, `[make, test]`, or text for the shell, which stops at the first command that fails. */
  readonly command?: string | readonly TextData[];
  /** The name of a template, whose entries it has unless it says otherwise. */
  readonly template?: string;
  /** Values for `${{ name }}` in its entries. */
  readonly with?: Readonly<Record<string, unknown>>;
  /** Makes a task of each combination of values: name → list of values, or names and values. */
  readonly matrix?: Readonly<Record<string, AxisData>>;
  /** Combinations that are left out: those with all of these values. */
  readonly exclude?: readonly Readonly<Record<string, TextData>>[];
  /** Further combinations: name of the task → values. */
  readonly cells?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A task; a command alone is enough. */
type TaskData = TemplateData | string | readonly TextData[];

/** Options of factories that are written in another way than in code. */
interface WrittenOtherwise {
  /** Metadata of the tasks, unless their own says otherwise. */
  readonly meta?: MetaData;
  readonly env?: ProgramData['env'];
  /** Further arguments. */
  readonly argv?: ProgramData['argv'];
}

/** Executable files of a directory. */
interface ExecutablesData
  extends Omit<ExecutablesOptions, keyof WrittenOtherwise | 'command'>,
    WrittenOtherwise {
  /** Runs each file that matches `include` as an argument of this command, executable or not: `[node]`. */
  readonly command?: readonly TextData[];
}
/** Files that a command runs. */
interface ProgramsData extends Omit<ProgramsOptions, keyof WrittenOtherwise | 'command'>, WrittenOtherwise {
  /** A program and its arguments, with the placeholders `{file}`, `{path}`, `{dir}` and `{name}`. */
  readonly command: readonly TextData[];
}
/** Modules of a directory, or one module. */
interface ModulesData
  extends Partial<Omit<ModuleTreeOptions, 'meta' | 'match' | 'file'>>,
    Partial<Pick<ModuleOptions, 'file'>>,
    Pick<WrittenOtherwise, 'meta'> {
  /** Globs over names: exported functions that match one are tasks as well. */
  readonly match?: string | readonly string[];
}
/** All tests of a directory. */
interface TreeData extends Omit<TreeOptions, keyof WrittenOtherwise | 'match'>, WrittenOtherwise {
  /** Globs over names: exported functions that match one are tasks as well. */
  readonly match?: string | readonly string[];
}
/** The tests of a CMake build. */
interface CTestData
  extends Omit<CTestOptions, keyof WrittenOtherwise>,
    Pick<WrittenOtherwise, 'meta' | 'env'> {}
/** A Kyua tree. */
interface KyuaData extends Omit<KyuaOptions, 'meta' | 'variables'>, Pick<WrittenOtherwise, 'meta'> {
  /** Configuration variables of test suites: suite → name → value. */
  readonly variables?: Readonly<Record<string, Readonly<Record<string, TextData>>>>;
}
/** The tests of a package of Automake. */
interface AutomakeData extends Omit<AutomakeOptions, 'meta' | 'variables'>, Pick<WrittenOtherwise, 'meta'> {
  /** Variables for make. */
  readonly variables?: Readonly<Record<string, TextData>>;
}
/** Tests of a well-known tool. */
interface PresetData extends Omit<PresetOptions, keyof WrittenOtherwise | 'args'>, WrittenOtherwise {
  /** Arguments of the tool, before the file. */
  readonly args?: readonly TextData[];
}
/** Tests of a tool that can run several files in one start. */
interface BatchPresetData extends PresetData {
  /** At most so many files in one start. Default 1. */
  readonly batch?: number;
}

/** Factories: a call with its options, or a list of such calls. */
export interface FactoriesData {
  /** Executable files of a directory. */
  readonly executables?: ExecutablesData | readonly ExecutablesData[];
  /** Files that a command runs. */
  readonly programs?: ProgramsData | readonly ProgramsData[];
  /** Modules of a directory, or one module. */
  readonly modules?: ModulesData | readonly ModulesData[];
  /** All that looks like a test below a directory. */
  readonly tree?: TreeData | readonly TreeData[];
  /** The tests of a CMake build, with all their properties. */
  readonly ctest?: CTestData | readonly CTestData[];
  /** The test cases of a Kyua tree. */
  readonly kyua?: KyuaData | readonly KyuaData[];
  /** The tests of a package of Automake. */
  readonly automake?: AutomakeData | readonly AutomakeData[];
  /** Perl tests, as `prove -l` runs them. */
  readonly prove?: PresetData | readonly PresetData[];
  /** Tests for node:test. */
  readonly nodeTest?: PresetData | readonly PresetData[];
  /** Tests for Vitest. */
  readonly vitest?: BatchPresetData | readonly BatchPresetData[];
  /** Tests for bats. */
  readonly bats?: PresetData | readonly PresetData[];
  /** Tests for pytest. */
  readonly pytest?: BatchPresetData | readonly BatchPresetData[];
  /** Packages of Go. */
  readonly goTest?: PresetData | readonly PresetData[];
}

/** A part of a suite: its tasks have a common beginning of their call paths, and common defaults. */
export interface PartData extends FactoriesData {
  /** What the tasks of this part have unless they say otherwise. */
  readonly defaults?: DefaultsData;
  /** Suite files whose tasks belong to this part, relative to the folder of this file. */
  readonly include?: string | readonly string[];
  /** Name → task. */
  readonly tasks?: Readonly<Record<string, TaskData>>;
  /** Where further tasks come from: beginning of their call paths → part. */
  readonly from?: Readonly<Record<string, PartData>>;
}

/** A suite file. */
export interface SuiteData extends PartData {
  /** Anything, for anchors. */
  readonly [name: `x-${string}`]: unknown;
  /** The schema, for editors. */
  readonly $schema?: string;
  /** Name → what several tasks have in common. Those of included files can be used as well. */
  readonly templates?: Readonly<Record<string, TemplateData>>;
  /** The capacities of resources that are used by amount. */
  readonly capacities?: Readonly<Record<string, number>>;
}

/** What a folder says of itself: `pexen.folder.yaml`. */
export interface FolderFileData extends SuiteData {
  /** Is nothing in the folder a test? Default false. */
  readonly ignore?: boolean;
}

/** The version of the format. Grows by one with every change that breaks files. */
export const folderFileVersion = 1;
