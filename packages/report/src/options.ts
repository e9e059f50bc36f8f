/** The options of the reporters, and their types at run time. */
import type { Clock } from '@pexen/core';
import {
  anyText,
  byName,
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

/** What the terminal reporters can be told: where to write, with colour or not, how wide, and by which clock. */
/** A stream that may be a terminal. `process.stdout` and `process.stderr` are such. */
export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  /** Width and height, where it is a terminal. */
  readonly columns?: number;
  readonly rows?: number;
}

/** For all reporters that write to a terminal, or to where one could be. */
export interface TerminalOptions {
  /** Default: `process.stdout`. */
  readonly stream?: TerminalStream;
  /** Colour. Default: as the stream, NO_COLOR and FORCE_COLOR say. */
  readonly color?: boolean;
  /** The width to write for. Default: that of the stream; without any, lines are not broken. */
  readonly columns?: number;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** Say so when a task takes longer than this, ms, where the task itself says nothing. Default: 60,000. */
  readonly slowAfter?: number;
  /** At most this many of the last lines of each output of a task that did not pass. Default: 20. */
  readonly outputLines?: number;
}

/** For the lines. */
export interface LinesOptions extends TerminalOptions {
  /** A line for tasks that passed, too. Default: true. */
  readonly passes?: boolean;
}

/** For the live view. */
export interface LiveOptions extends TerminalOptions {
  /** Tasks that passed leave a line above the view, as others always do. Default: false. */
  readonly passes?: boolean;
  /** The height to stay below. Default: that of the stream, else 24. */
  readonly rows?: number;
}

/** For the choice between the two. */
export interface TerminalChoice extends LiveOptions {
  /** Default: `process.env`. Looked at: CI and TERM. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** For JUnit XML. */
export interface JUnitOptions {
  /** Where it is written; directories on the way are made. */
  readonly file: string;
  /** Also valid under the strict Ant dialect, which has no flaky or rerun elements and no output of a single test. Default: false. */
  readonly strict?: boolean;
  /** Name of the whole. Default: `pexen`. */
  readonly name?: string;
  /** Properties of every suite, such as a build number. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Whose captured output goes in: of tasks that did not pass well, of all, of none. Default: `failed`. */
  readonly output?: 'failed' | 'all' | 'none';
  /** At most this many characters of each output of each task. Default: 65,536. */
  readonly outputLimit?: number;
  /** Whether findings become test cases of their own, beside that of their task. Default: true. */
  readonly findings?: boolean;
}

/** What the options of reporters may be. */
/** For `terminal`, `live` and `lines`: one set serves all three, since the first chooses between the others. */
export const terminalKinds: KindsOf<TerminalChoice> = {
  stream: having('a stream to write to', ['write']),
  color: flag,
  columns: whole(1),
  rows: whole(1),
  clock,
  env: record,
  slowAfter: number(0),
  outputLines: whole(0),
  passes: flag,
};

/** For `junit`. */
export const junitKinds: KindsOf<JUnitOptions> = {
  file: text,
  strict: flag,
  name: anyText,
  properties: byName(anyText),
  output: oneOf('failed', 'all', 'none'),
  outputLimit: whole(0),
  findings: flag,
};
