/** The options of factories: what users say of a directory and of the files in it, and how that is checked. */
import {
  type Capability,
  type Facts,
  isCapability,
  type ReadyCondition,
  refuse,
  type ServiceMeta,
  type StopSignal,
  type TaskMeta,
} from '@pexen/core';
import {
  anyText,
  byName,
  type Flaw,
  flag,
  flaw,
  isA,
  isRecord,
  type Kind,
  type KindsOf,
  listOf,
  oneOf,
  optionProblems,
  table,
  text,
  whole,
} from '@pexen/core/options';

import type { ExitMeaning } from './programs/interpret.ts';
import { type LinePatternSet, type LinePatterns, linesKind } from './programs/line-patterns.ts';

/** A file found by a walk. */
export interface WalkedFile {
  /** Absolute. */
  readonly path: string;
  /** The names on the path from the walked directory to the file; the file's own name is last. */
  readonly parts: readonly string[];
}

/** Default metadata for all tasks, or a function that returns it for each file. The entries of a task's own metadata take precedence. */
export type DefaultMeta = TaskMeta | ((file: WalkedFile, facts: Facts) => TaskMeta | undefined);

/** Which files of a directory are considered. */
export interface WalkOptions {
  /** Absolute, or relative to the context's root. */
  readonly dir: string;
  /** Globs over paths from `dir`, with `/` between their parts; a file must match one. Default: all. */
  readonly include?: readonly string[];
  /** Globs; a file or directory that matches one is left out. Hidden files and node_modules are always left out. */
  readonly exclude?: readonly string[];
  /** Follow links to directories? Links to files are always followed. Default false. */
  readonly followLinks?: boolean;
  /** Default metadata of the tasks. */
  readonly meta?: DefaultMeta;
}

/** How programs are started, and how their output is interpreted. */
export interface ProgramOptions {
  /**
   * Directory to run in: that of the file, the walked one, or a path. `private`: an empty one for each attempt; `copy`: a copy of the file's
   * for each attempt. Default `file`.
   */
  readonly cwd?: 'file' | 'dir' | 'private' | 'copy' | (string & {});
  /** Arguments after the file. */
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Is the output TAP? `perl`: TAP with directives and numbers as Perl's harness `prove` reads them. Default: detected in the output,
   * and read by the grammar of TAP 14.
   */
  readonly tap?: boolean | 'perl' | 'vitest';
  /**
   * Lines that report results: the name of a set of patterns, or a pattern or several for each status, as `{ fail: 'FAIL: {name}' }`. The
   * placeholders are {name}, {message}, {file}, {line}, {ms}, {seconds} and {count}.
   */
  readonly lines?: LinePatternSet | LinePatterns;
  /** What exit codes mean, where that differs from the default (0 pass, 77 skip, 99 error, others fail): `{ 5: 'skip' }`. */
  readonly exitCodes?: Readonly<Record<number, ExitMeaning>>;
}

/** For `executables`. */
export interface ExecutablesOptions extends WalkOptions, ProgramOptions {
  /**
   * Runs each file that matches `include` as an argument of this command, executable or not: `['node']`. A command without a
   * directory is looked up in PATH; one that begins with `.` is relative to the root.
   */
  readonly command?: readonly [program: string, ...argv: string[]];
}

/** A file, for a command that depends on it. */
export interface ProgramFile extends WalkedFile {
  /** Its first 4096 bytes as Latin-1. */
  readonly head: string;
}

/**
 * A program and its arguments, with the placeholders `{file}` (the path from the directory that it runs in), `{path}` (the absolute path), `{dir}`
 * (the directory of the file) and `{name}` (its name without the extension); or a function that returns it.
 */
export type ProgramCommand =
  | readonly [program: string, ...argv: string[]]
  | ((file: ProgramFile) => readonly [program: string, ...argv: string[]]);

/** For `programs`. */
export interface ProgramsOptions extends Omit<WalkOptions, 'dir' | 'include'>, Omit<ProgramOptions, 'cwd'> {
  /** A glob over paths from `dir`, or several. */
  readonly files: string | readonly string[];
  /** Where call paths start: absolute, or relative to the context's root. Default: the root. */
  readonly dir?: string;
  /** Runs the files. A program without a directory in its name is looked up in `node_modules/.bin` and in PATH. */
  readonly command: ProgramCommand;
  /** Directory to run in, as of `executables`. With `private`, `{file}` and `{dir}` are absolute. Default `dir`. */
  readonly cwd?: ProgramOptions['cwd'];
  /** A task for each file, or for each directory with such files. Default `file`. */
  readonly per?: 'file' | 'dir';
  /**
   * At most so many files in one start, for tools that start slowly. Their results are distinguished by the output, which has to name the file of each:
   * a file without a result is a failure. Default 1.
   */
  readonly batch?: number;
}

/**
 * For `programs`: a program that goes on while tasks need what it provides. All metadata of a service may stand beside these options (`requires`, `claims`,
 * `timeout`, `retries`, `tags`, `when` …); times are milliseconds.
 */
export interface ServiceProgramOptions extends Omit<ServiceMeta, 'provides' | 'stop' | 'args'> {
  /**
   * The command line, as words or as one text, in which quotes keep words together; no shell reads it. `{port}` is replaced by a port that is free. A
   * program without a directory in its name is looked up in `node_modules/.bin` and in PATH.
   */
  readonly service: string | readonly [program: string, ...argv: string[]];
  /** When it is ready. `{port}` may stand in it, too. */
  readonly ready: ReadyCondition;
  /** What tasks require, a name or a key, or several. Its value is `{ host, port }`, with what the condition adds. */
  readonly provides: Capability | readonly Capability[];
  /** Directory to run in, relative to the root. `private`: an empty one for each start. Default: the root. */
  readonly cwd?: string;
  /** Added to the environment. `{port}` may stand in the values. */
  readonly env?: Readonly<Record<string, string>>;
  /** The user as whom it runs, by name or number: only root may run it as another one. */
  readonly user?: string;
  /** How it is stopped: by this signal and, after its `grace`, by force; `kill`: by force at once, which is then no warning. Default SIGTERM. */
  readonly stop?: 'kill' | StopSignal;
}

/** For `prove`, `nodeTest` and the other presets. */
export interface PresetOptions
  extends Omit<ProgramsOptions, 'files' | 'command' | 'per' | 'batch' | 'tap' | 'lines' | 'exitCodes'> {
  /** A glob over paths from `dir`, or several. Default: the usual names of the tool. */
  readonly files?: string | readonly string[];
  /** Arguments of the tool, before the file. */
  readonly args?: readonly string[];
}

/** Which exports of a module are tasks, besides tasks and functions with metadata. */
export interface ExportOptions {
  /** Globs over names: exported functions that match one are tasks as well. */
  readonly match?: string | readonly string[] | RegExp;
}

/** For `modules`: the modules of a directory. */
export interface ModuleTreeOptions extends WalkOptions, ExportOptions {
  readonly file?: undefined;
}

/** For `modules`: one module. */
export interface ModuleOptions extends ExportOptions {
  /** Absolute, or relative to the context's root. */
  readonly file: string;
  readonly dir?: undefined;
  readonly meta?: DefaultMeta;
}

/** For `tree`. */
export interface TreeOptions extends WalkOptions, ProgramOptions, ExportOptions {}

const patterns = listOf('patterns', text);
const match = isA(
  'a pattern, a list of patterns or a regular expression',
  (value) => value instanceof RegExp || text(value, []).length === 0 || patterns(value, []).length === 0,
);

/** The kind of `exitCodes`. */
export const exitCodesKind: Kind = byName(
  oneOf('pass', 'fail', 'skip', 'error'),
  "Write exitCodes: { 5: 'skip' }.",
);

const kinds = {
  dir: text,
  file: text,
  include: patterns,
  exclude: patterns,
  followLinks: flag,
  meta: isA(
    'metadata or a function that returns it',
    (value) => isRecord(value) || typeof value === 'function',
  ),
  cwd: text,
  argv: listOf('strings', anyText),
  env: byName(anyText),
  tap: oneOf(true, false, 'perl', 'vitest'),
  lines: linesKind,
  exitCodes: exitCodesKind,
  command: isA(
    'a list of a program and its arguments',
    (value) => Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string'),
  ),
  files: isA(
    'a glob or a list of globs',
    (value) => text(value, []).length === 0 || (patterns(value, []).length === 0 && (value as []).length > 0),
  ),
  programCommand: isA(
    'a list of a program and its arguments, or a function that returns it',
    (value) =>
      typeof value === 'function' ||
      (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string')),
  ),
  args: listOf('strings', anyText),
  per: oneOf('file', 'dir'),
  batch: whole(1),
  match,
} satisfies KindsOf<
  WalkOptions &
    ProgramOptions &
    ExportOptions &
    Pick<ExecutablesOptions, 'command'> &
    Pick<ModuleOptions, 'file'> &
    Pick<ProgramsOptions, 'files' | 'per' | 'batch'> &
    Pick<PresetOptions, 'args'> & { readonly programCommand: ProgramCommand }
>;

const stopSignals: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'];

export const readyForms: string =
  "Write ready: { port: '{port}' }, { line: 'listening' }, { file: 'ready' }, { http: 'http://127.0.0.1:{port}/' } or { fd: 3 }.";

const port = isA(
  'a port or "{port}"',
  (value) =>
    value === '{port}' || (Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < 65_536),
);
const expression = isA(
  'a regular expression as text',
  (value) => typeof value === 'string' && isExpression(value),
);
const url = isA(
  'a URL of http or https',
  (value) =>
    typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value.replaceAll('{port}', '1')),
);

/** The kinds of conditions, each by the entry that names it. */
const readyKinds: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  port: { port },
  line: { line: expression },
  file: { file: text },
  http: { http: url, status: whole(100, 599) },
  fd: { fd: isA('3', (value) => value === 3) },
};

/** One condition. */
export const readyKind: Kind = (value, path) => {
  const named = isRecord(value) ? Object.keys(readyKinds).filter((name) => name in value) : [];
  const [name, other] = named;
  if (name === undefined) return [flaw(path, 'must be a condition', readyForms)];
  if (other !== undefined) return [flaw(path, `has both "${name}" and "${other}"`, 'Keep one of them.')];
  return table(readyKinds[name] ?? {})(value, path);
};

const capabilities: Kind = (value, path): readonly Flaw[] => {
  const all = Array.isArray(value) ? value : [value];
  return all.length > 0 && all.every(isCapability)
    ? []
    : [flaw(path, 'must be what tasks can require', "Write provides: 'db'.")];
};

/** The options of a service besides its metadata. */
export const serviceKinds: KindsOf<
  Pick<ServiceProgramOptions, 'service' | 'ready' | 'provides' | 'cwd' | 'env' | 'user' | 'stop'>
> = {
  service: () => [], // Its faults are found when it is split into words.
  ready: readyKind,
  provides: capabilities,
  cwd: text,
  env: byName(anyText),
  user: text,
  stop: oneOf('kill', ...stopSignals),
};

function isExpression(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

/** The name of an option. */
export type OptionName = keyof typeof kinds;

/**
 * Refuses options that are wrong, unknown or missing.
 * @throws PexenError PEXEN_BAD_OPTION, one problem an option.
 */
export function checkOptions(
  factory: string,
  options: object,
  known: readonly OptionName[],
  needed: readonly OptionName[],
): void {
  const own: Record<string, Kind> = Object.fromEntries(known.map((name) => [name, kinds[name]]));
  const problems = optionProblems(factory, options, own, needed);
  // `command` is of another kind here.
  refuse(problems.map((each) => ({ ...each, message: each.message.replace('programCommand', 'command') })));
}
