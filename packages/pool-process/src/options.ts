/** The options of a pool of processes. */
import { availableParallelism } from 'node:os';
import { type Problem, refuse } from '@pexen/core';
import {
  anyText,
  callable,
  clock,
  type KindsOf,
  listOf,
  oneOf,
  optionProblems,
  record,
  table,
  text,
  whole,
  wholeOrInfinity,
} from '@pexen/core/options';
import type { Clock } from '@pexen/pool-kit';
import type { ByteSink, CaptureLimits } from './capture.ts';

/** A file for an output that is too long to be returned whole. */
export interface LongOutput {
  /** An absolute path. */
  readonly file: string;
  /** To be called if the output could not be written to the file. */
  failed(): void;
}

/** Takes an output that is too long to be returned whole, and has time limits of its own. */
export interface OutputSink extends ByteSink {
  /** Everything was written. Rejects if not all of it was taken. */
  end(): Promise<void>;
  /** Something could not be written, or was not taken: nothing more comes. */
  failed(): void;
}

/** Options of `processes`. */
export interface ProcessesOptions {
  /** How many attempts run at the same time. Default: the number of available cores. */
  readonly workers?: number;
  /** The most memory a worker process may use, MiB. Default: what Node allows. Does not concern programs. */
  readonly memoryLimitMb?: number;
  /** A worker process is replaced after so many attempts. Default: never. */
  readonly recycleAfter?: number;
  /** A module that worker processes import first, to load what Node cannot: `tsx`. */
  readonly loader?: string;
  /** Arguments for Node in worker processes. Default: those of this process that make sense for workers. */
  readonly execArgv?: readonly string[];
  /**
   * Goes before the command line of every worker: `['ssh', 'host']`, `['sudo', '-u', 'x']`, `['unshare', '--pid', '--fork']`. The
   * other end needs only Node and the same files at the same place.
   */
  readonly launcher?: readonly string[];
  /**
   * Machines that take turns in the place of `{host}` in the launcher: `launcher: ['ssh', '{host}'], hosts: ['lab1', 'lab2']`. Slot 0 is on the first
   * one, slot 1 on the next. Name a machine twice, and it gets twice as many slots.
   */
  readonly hosts?: readonly string[];
  /** The Node behind the launcher. Default: `node` for ssh, else the one that runs this process. */
  readonly node?: string;
  /**
   * What starts programs. `auto`: Python on Linux where it is installed, since it starts them in half the time; else Node. Both have the
   * same guarantees. Default `auto`.
   */
  readonly helper?: 'auto' | 'node';
  /**
   * What the pool is for. With `programs`, what starts programs starts with the pool, beside other work, instead of with the first program. Default: anything.
   */
  readonly expects?: 'programs';
  /** Added to the environment of every process; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Limits of programs. `openFiles`: the soft limit of open files. Default: that of the parent process, where it can be
   * read, since Node raises its own; else that of this process.
   */
  readonly limits?: { readonly openFiles?: number };
  /** A directory into which the private directories of programs are moved after their attempts, instead of being removed. */
  readonly keep?: string;
  /** How much is kept of each output stream of an attempt, bytes; half from its beginning, half from its end. Default 4 MiB. */
  readonly maxOutputBytes?: number;
  /** How often the output of running attempts is read to be reported, ms. Default 100. */
  readonly outputIntervalMs?: number;
  /**
   * Called for an output of a program that is longer than `maxOutputBytes`: names a file to which the pool copies all that is on the disk, in two
   * seconds at the most; behind a launcher, in five. Default: only what is kept in memory is returned.
   */
  readonly outputFile?: (
    path: string,
    attempt: number,
    stream: 'stdout' | 'stderr',
  ) => LongOutput | undefined;
  /** A clock that can be paused, or a scripted one for tests. While it is paused, so are the processes. Default: the real time. */
  readonly clock?: Clock;
}

/** The options with every default filled in. */
export interface Settings {
  readonly workers: number;
  readonly launcher: readonly string[];
  readonly hosts: readonly string[];
  readonly node: string | undefined;
  readonly helper: 'auto' | 'node';
  readonly expects: 'programs' | undefined;
  readonly memoryLimitMb: number | undefined;
  readonly recycleAfter: number;
  /** Node's arguments for worker processes. */
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly limits: CaptureLimits;
  readonly openFiles: number | undefined;
  readonly keep: string | undefined;
  readonly outputIntervalMs: number;
  readonly outputFile:
    | ((
        ...of: Parameters<NonNullable<ProcessesOptions['outputFile']>>
      ) => LongOutput | OutputSink | undefined)
    | undefined;
}

const mebibyte = 1024 * 1024;

/** A program needs its streams, its report and the files that its loader opens. */
const leastOpenFiles = 8;

/** Node alone needs about half of that. */
const leastMemoryMb = 96;

const texts = listOf('strings', anyText);
const kinds: KindsOf<ProcessesOptions> = {
  workers: whole(1),
  memoryLimitMb: whole(leastMemoryMb),
  recycleAfter: wholeOrInfinity(1),
  loader: text,
  execArgv: texts,
  launcher: texts,
  hosts: texts,
  node: text,
  helper: oneOf('auto', 'node'),
  expects: oneOf('programs'),
  env: record,
  limits: table({ openFiles: whole(leastOpenFiles) }),
  keep: text,
  maxOutputBytes: whole(2),
  outputIntervalMs: whole(1),
  outputFile: callable(),
  clock,
};

/** @throws PexenError PEXEN_BAD_OPTION with all problems. */
export function settingsOf(options: ProcessesOptions): Settings {
  refuse([...optionProblems('processes', options, kinds), ...hostProblems(options)]);
  const {
    workers = availableParallelism(),
    env = {},
    maxOutputBytes = 4 * mebibyte,
    outputIntervalMs = 100,
  } = options;
  const {
    launcher = [],
    hosts = [],
    node,
    helper = 'auto',
    expects,
    memoryLimitMb,
    recycleAfter = Number.POSITIVE_INFINITY,
    limits: limitsOfPrograms = {},
    keep,
  } = options;
  const { openFiles } = limitsOfPrograms;
  const limits = {
    kept: maxOutputBytes,
    onDisk: Math.max(64 * mebibyte, 2 * maxOutputBytes),
    reportedAtOnce: 64 * 1024,
  };
  return {
    workers,
    launcher,
    hosts,
    node,
    helper,
    expects,
    env,
    limits,
    openFiles,
    keep,
    outputIntervalMs,
    outputFile: options.outputFile,
    memoryLimitMb,
    recycleAfter,
    execArgv: execArgvOf(options),
  };
}

function execArgvOf({
  execArgv = process.execArgv.filter(concernsWorkers),
  loader,
  memoryLimitMb,
}: ProcessesOptions): string[] {
  return [
    ...execArgv,
    ...(loader === undefined ? [] : ['--import', loader]),
    ...(memoryLimitMb === undefined ? [] : [`--max-old-space-size=${memoryLimitMb}`]),
  ];
}

/** Two processes cannot listen to a debugger at the same port, and a worker has a program of its own. */
function concernsWorkers(argument: string): boolean {
  return !/^(-e|--eval|-p|--print|-pe|-i|--interactive|-c|--check|--inspect|--watch|--test|--run|--input-type|--cpu-prof|--heap-prof)/.test(
    argument,
  );
}

/** Where the machines go in a launcher. */
const hostMark = '{host}';

function hostProblems({ launcher = [], hosts }: ProcessesOptions): Problem[] {
  if (!Array.isArray(launcher) || (hosts !== undefined && !Array.isArray(hosts))) return []; // Another problem.
  const hasMark = launcher.some((word) => String(word).includes(hostMark));
  const hasHosts = hosts !== undefined && hosts.length > 0;
  if (hasMark === hasHosts) return [];
  const message = hasMark
    ? `processes: launcher has ${hostMark}, and there are no hosts`
    : `processes: there are hosts, and launcher has no ${hostMark}`;
  const hint = `Write launcher: ['ssh', '${hostMark}'], hosts: ['lab1', 'lab2'].`;
  return [{ code: 'PEXEN_BAD_OPTION', message, hint }];
}

/** The launcher of a slot: machines take turns. */
export function launcherOf({ launcher, hosts }: Settings, slot: number): readonly string[] {
  const host = hosts[slot % hosts.length];
  return host === undefined ? launcher : launcher.map((word) => word.replaceAll(hostMark, () => host));
}
