/** The options of the reporters, and their types at run time. */
import type { Clock } from '@pexen/core';
import {
  anyText,
  byName,
  callable,
  clock,
  flag,
  having,
  isA,
  type KindsOf,
  number,
  oneOf,
  record,
  table,
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

/** Options of all reporters that write a report. */
export interface FileOptions {
  /** The file to write; missing directories are made. Default: standard output. */
  readonly file?: string;
  /** The stream to write to where there is no file. Default: `process.stdout`. */
  readonly stream?: TerminalStream;
}

/** Options of reports that have the output of tasks. */
export interface OutputOptions extends FileOptions {
  /** Includes the captured output of tasks whose verdict is not `pass`, of all, or of none. Default: `failed`. */
  readonly output?: 'failed' | 'all' | 'none';
  /** Includes at most this many characters of each output of each task. Default: 65,536. */
  readonly outputLimit?: number;
}

/** Options of `tap`. */
export interface TapOptions extends OutputOptions {
  /** 13: for `prove` and other readers that refuse a newer version; they skip the subtests. Default: 14. */
  readonly version?: 13 | 14;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

/** Options of `ctrf`. */
export interface CtrfOptions extends OutputOptions {
  /** What was tested, and where. Default: none. */
  readonly environment?: CtrfEnvironment;
}

/** Entries of `environment`, as CTRF names them. */
export interface CtrfEnvironment {
  readonly reportName?: string;
  readonly appName?: string;
  readonly appVersion?: string;
  readonly buildId?: string;
  readonly buildName?: string;
  readonly buildNumber?: number;
  readonly buildUrl?: string;
  readonly repositoryName?: string;
  readonly repositoryUrl?: string;
  readonly commit?: string;
  readonly branchName?: string;
  readonly osPlatform?: string;
  readonly osRelease?: string;
  readonly osVersion?: string;
  readonly testEnvironment?: string;
  readonly shardId?: string;
}

/** Options of `jsonl`. */
export interface JsonLinesOptions extends FileOptions {
  /** Which updates of running tasks are written: findings and attachments, `all` with output, progress and logs, or none. Default: `evidence`. */
  readonly updates?: 'evidence' | 'all' | 'none';
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

/** Options of `markdown`. */
export interface MarkdownOptions extends FileOptions {
  /** The heading. Default: `pexen`. */
  readonly title?: string;
  /** The longest text, in characters: details are left out beyond it, and counted. Default: 60,000, what a comment on GitHub may have. */
  readonly limit?: number;
}

/** Options of `trace`. */
export interface TraceOptions extends FileOptions {
  /** Tracks for resources: who holds them, and who waits for them. Default: true. */
  readonly resources?: boolean;
}

/** Options of `github`. */
export interface GitHubOptions {
  /** The file of the step summary. Default: `GITHUB_STEP_SUMMARY`; without it, and with `false`, there is none. */
  readonly file?: string | false;
  /** Annotations for the files of the failures. Default: true. */
  readonly annotations?: boolean;
  /** Where annotations are written. Default: `process.stdout`. */
  readonly stream?: TerminalStream;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Options of `gitlab`. */
export interface GitLabOptions {
  /** The Code Quality report. Default: `gl-code-quality-report.json`. */
  readonly file?: string;
  /** Folded sections with the details of the failures, in the log of the job. Default: where `GITLAB_CI` is set. */
  readonly sections?: boolean;
  /** Where sections are written. Default: `process.stdout`. */
  readonly stream?: TerminalStream;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Options of `junit`. */
export interface JUnitOptions extends OutputOptions {
  /** Writes the strict Ant dialect, which has no flaky or rerun elements and no output of single tests. Default: false. */
  readonly strict?: boolean;
  /**
   * Says of each case in which file and line it is, as GitLab and CircleCI read it. Jenkins' schema does not have these attributes, and Jenkins ignores
   * them: without them, the report is valid to the letter. The strict dialect never has them. Default: true.
   */
  readonly places?: boolean;
  /** The name of the report. Default: `pexen`. */
  readonly name?: string;
  /** Properties of every suite, such as a build number. */
  readonly properties?: Readonly<Record<string, string>>;
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

const stream = having('a stream to write to', ['write']);
const inFile = { file: text, stream } satisfies KindsOf<FileOptions>;
const withOutput = {
  ...inFile,
  output: oneOf('failed', 'all', 'none'),
  outputLimit: whole(0),
} satisfies KindsOf<OutputOptions>;

/** The types of the options of `junit`. */
export const junitKinds: KindsOf<JUnitOptions> = {
  ...withOutput,
  strict: flag,
  places: flag,
  name: anyText,
  properties: byName(anyText),
  findings: flag,
};

/** The types of the options of `tap`. */
export const tapKinds: KindsOf<TapOptions> = {
  ...withOutput,
  version: isA('13 or 14', (value) => value === 13 || value === 14),
  clock,
};

const environment = table({
  ...{ reportName: anyText, appName: anyText, appVersion: anyText, buildId: anyText, buildName: anyText },
  ...{ buildNumber: whole(0), buildUrl: anyText, repositoryName: anyText, repositoryUrl: anyText },
  ...{ commit: anyText, branchName: anyText, osPlatform: anyText, osRelease: anyText, osVersion: anyText },
  ...{ testEnvironment: anyText, shardId: text },
} satisfies KindsOf<CtrfEnvironment>);

/** The types of the options of `ctrf`. */
export const ctrfKinds: KindsOf<CtrfOptions> = { ...withOutput, environment };

/** The types of the options of `jsonl`. */
export const jsonLinesKinds: KindsOf<JsonLinesOptions> = {
  ...inFile,
  updates: oneOf('evidence', 'all', 'none'),
  clock,
};

/** The types of the options of `markdown`. */
export const markdownKinds: KindsOf<MarkdownOptions> = { ...inFile, title: anyText, limit: whole(1000) };

/** The types of the options of `trace`. */
export const traceKinds: KindsOf<TraceOptions> = { ...inFile, resources: flag };

/** The types of the options of `github`. */
export const githubKinds: KindsOf<GitHubOptions> = {
  file: isA('a path, or false', (value) => value === false || (typeof value === 'string' && value !== '')),
  annotations: flag,
  stream,
  env: record,
};

/** The types of the options of `gitlab`. */
export const gitlabKinds: KindsOf<GitLabOptions> = { file: text, sections: flag, stream, env: record };
