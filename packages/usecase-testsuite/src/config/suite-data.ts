/** A configuration as data: a suite file with settings. The published JSON Schema is made of these types. */
import type { Duration, Limit, MetaData, PartData, RetriesData, SuiteData } from '@pexen/factory';
import type { ProcessesOptions } from '@pexen/pool-process';
import type { ThreadsOptions } from '@pexen/pool-thread';
import type { FileReporterName, FileReporterOptions } from '@pexen/report';
import type {
  OtelReporterName,
  OtelReporterOptions,
  PageReporterName,
  PageReporterOptions,
  ReporterName,
  SuiteConfig,
  SuiteGroup,
  SuiteOverride,
  TerminalReporterOptions,
} from './define-suite.ts';

/** Options of child processes. */
type ProcessesChoice = Pick<
  ProcessesOptions,
  | 'workers'
  | 'memoryLimitMb'
  | 'recycleAfter'
  | 'execArgv'
  | 'launcher'
  | 'node'
  | 'helper'
  | 'env'
  | 'limits'
  | 'maxOutputBytes'
  | 'outputIntervalMs'
>;

/** Child processes with these options. */
interface ProcessesData {
  readonly processes: ProcessesChoice;
}

/** Worker threads with these options. */
interface ThreadsData {
  readonly threads: Pick<ThreadsOptions, 'workers' | 'execArgv' | 'output'>;
}

/** A pool, or a pool with options. */
type PoolData = 'processes' | 'threads' | 'inline' | ProcessesData | ThreadsData;

/** A group of exclusivity: its tasks run together, in a pool of their own, while nothing else does. */
interface GroupData extends Omit<SuiteGroup, 'pool'> {
  /** Where its tasks run. */
  readonly pool: PoolData;
}

/** A reporter that writes a report, and its options. */
interface FileReporterData extends Partial<FileReporterOptions> {}

/** A reporter for the terminal and its options. */
interface TerminalData {
  readonly terminal?: TerminalReporterOptions;
  readonly live?: TerminalReporterOptions;
  readonly lines?: TerminalReporterOptions;
}

/** The name of a reporter, or a name and its options. */
type ReporterData =
  | ReporterName
  | TerminalData
  | FileReporterName
  | FileReporterData
  | OtherReporterData
  | OtherReporterName
  | PageReporterName
  | { readonly html: PageReporterOptions }
  | OtelReporterName
  | { readonly otel: OtelReporterOptions }
  | readonly [ReporterName | FileReporterName | OtherReporterName, Readonly<Record<string, unknown>>];

/** The name of the package of a reporter of others, or the path of its module. @pattern ^(@[^/]+/)?pexen-reporter-|^\\.{0,2}/ */
type OtherReporterName = string;

/** A reporter of others, and its options. */
interface OtherReporterData {
  readonly [name: `pexen-reporter-${string}`]: Readonly<Record<string, unknown>>;
}

/** Settings that are written in another way than in code. */
interface WrittenOtherwise {
  /** Facts about the environment, for `when`, in addition to the standard ones. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** How long a fact may take. Default 10s. */
  readonly factsTimeout?: Limit;
  /** The pool of all tasks that do not name another one. Default: child processes. */
  readonly pool?: PoolData;
  /** Further pools, for the tasks that name them. */
  readonly pools?: Readonly<Record<string, PoolData>>;
  /** Groups of exclusivity, by name. */
  readonly groups?: Readonly<Record<string, GroupData>>;
  /** The longest duration of the whole run. */
  readonly deadline?: Limit;
  /** How often a failed attempt may be retried. Default 0. */
  readonly retries?: number | RetriesData;
  /** Longest time an attempt may take. Default 5m. */
  readonly timeout?: Limit;
  /** Longest time without output, progress or heartbeat. Default: no limit. */
  readonly idleTimeout?: Limit;
  /** Time between asking an attempt to stop and ending it by force. Default 10s. */
  readonly grace?: Duration;
  /** The duration from which on a task counts as slow. Default 1m. */
  readonly slowAfter?: Duration;
  /** What is never recorded: names of environment variables, in which `*` stands for any characters. */
  readonly secrets?: readonly string[];
  /** Default: `[terminal]`. */
  readonly reporters?: readonly ReporterData[];
  /** Metadata by pattern; for each entry the first override that matches counts. */
  readonly overrides?: readonly OverrideData[];
  /** Other settings, by the name of the profile. */
  readonly profiles?: Readonly<Record<string, ProfileData>>;
}

/** Metadata for the tasks that a pattern selects. */
interface OverrideData {
  /** Which tasks: a query, as `pexen run` takes them, or several, of which one has to match. */
  readonly match: string | readonly string[];
  /** What is set for them, unless they state it themselves. */
  readonly set: Pick<MetaData, keyof SuiteOverride['set'] | 'needs'>;
}

/** Settings that are in effect where the profile is chosen. */
interface ProfileData extends Omit<SettingsData, 'profiles'> {}

/** The settings of a suite, at the top of its suite file. */
interface SettingsData
  extends WrittenOtherwise,
    Omit<SuiteConfig, keyof WrittenOtherwise | 'from' | 'capacities' | 'catalogue'> {}

/** A suite file that is a configuration. */
export interface SuiteFileData extends SuiteData, SettingsData {
  /** Tasks that are pulled in where something requires what they provide and the suite does not. */
  readonly catalogue?: PartData;
}

/** The version of the format. Grows by one with every change that breaks files. */
export const suiteFileVersion = 1;
