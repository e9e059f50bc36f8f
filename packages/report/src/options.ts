/** The options of the reporters, and their types at run time. */
import type { Clock } from '@pexen/core';
import {
  anyText,
  byName,
  callable,
  clock,
  flag,
  having,
  type KindsOf,
  number,
  oneOf,
  record,
  text,
  whole,
} from '@pexen/core/options';

/** A stream that may be a terminal, such as `process.stdout` and `process.stderr`. */
export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  /** Width and height, if it is a terminal. */
  readonly columns?: number;
  readonly rows?: number;
}

/** Options of all terminal reporters. */
export interface TerminalOptions {
  /** Default: `process.stdout`. */
  readonly stream?: TerminalStream;
  /** Colour. Default: by the stream, NO_COLOR and FORCE_COLOR. */
  readonly color?: boolean;
  /** The width. Default: that of the stream; if it has none, lines are not broken. */
  readonly columns?: number;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** Reports a task that runs longer than this, ms, unless the task has its own `slowAfter`. Default: 60,000. */
  readonly slowAfter?: number;
  /** Shows at most this many of the last lines of each output of a task that did not pass. Default: 20. */
  readonly outputLines?: number;
  /**
   * Whose output is shown below the line of a task: that of tasks that did not pass, or that of all. `live` shows each line as it comes, after the
   * path of its task, and that of tasks that did not pass also below. Default: `failed`, with `verbosity: 'verbose'` `all`.
   */
  readonly showOutput?: 'failed' | 'all' | 'live';
  /**
   * `quiet`: only tasks that did not pass, late errors, notes and the summary. `verbose`: also a line for each task that passed, and every finding,
   * not only those that failed or warn. Default: `normal`.
   */
  readonly verbosity?: 'quiet' | 'normal' | 'verbose';
  /** Whether the summary repeats the details of each failure, or only its line. Default: `full`. */
  readonly failures?: 'full' | 'short';
  /** The command that runs only the task with this call path, shown with each failure. Default: none is shown. */
  readonly rerun?: (path: string) => string;
  /** Where recalled results come from, for the summary: `run 12`. Default: `earlier sessions`. */
  readonly recalledFrom?: string;
}

/** Options of `lines`. */
export interface LinesOptions extends TerminalOptions {
  /** Also writes a line for each task that passed; unless `verbosity` says something else. Default: true. */
  readonly passes?: boolean;
}

/** Options of `live`. */
export interface LiveOptions extends TerminalOptions {
  /** Also leaves a line above the view for each task that passed; unless `verbosity` says something else. Default: false. */
  readonly passes?: boolean;
  /** The height of the terminal. Default: that of the stream, else 24. */
  readonly rows?: number;
}

/** Options of `terminal`. */
export interface TerminalChoice extends LiveOptions {
  /** The environment, of which CI and TERM are read. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Options of `junit`. */
export interface JUnitOptions {
  /** The file to write; missing directories are made. */
  readonly file: string;
  /** Writes the strict Ant dialect, which has no flaky or rerun elements and no output of single tests. Default: false. */
  readonly strict?: boolean;
  /** The name of the report. Default: `pexen`. */
  readonly name?: string;
  /** Properties of every suite, such as a build number. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Includes the captured output of tasks whose verdict is not `pass`, of all, or of none. Default: `failed`. */
  readonly output?: 'failed' | 'all' | 'none';
  /** Includes at most this many characters of each output of each task. Default: 65,536. */
  readonly outputLimit?: number;
  /** Makes a test case of each finding, instead of one for the task. Default: true. */
  readonly findings?: boolean;
}

/** The types of the options of `terminal`, `live` and `lines`: one set for all three, since the first chooses between the others. */
export const terminalKinds: KindsOf<TerminalChoice> = {
  stream: having('a stream to write to', ['write']),
  color: flag,
  columns: whole(1),
  rows: whole(1),
  clock,
  env: record,
  slowAfter: number(0),
  outputLines: whole(0),
  showOutput: oneOf('failed', 'all', 'live'),
  verbosity: oneOf('quiet', 'normal', 'verbose'),
  failures: oneOf('full', 'short'),
  rerun: callable(),
  recalledFrom: text,
  passes: flag,
};

/** The types of the options of `junit`. */
export const junitKinds: KindsOf<JUnitOptions> = {
  file: text,
  strict: flag,
  name: anyText,
  properties: byName(anyText),
  output: oneOf('failed', 'all', 'none'),
  outputLimit: whole(0),
  findings: flag,
};
