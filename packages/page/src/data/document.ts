/**
 * What the page shows, as JSON: one document for a report and for a live page. A report has all of it embedded; a live page gets the document once,
 * then messages, and asks for the rest. Pure types: knows no browser, no server and no files.
 */
import type { Explanation, ResultStatus, Verdict } from '@pexen/core';
import type { RunSnapshot, TaskSnapshot } from '@pexen/report';

/** Grows by one with every change that breaks pages of an older version. */
export const pageFormat = 1;

/** All that is needed for the first picture. */
export interface PageDocument {
  readonly format: typeof pageFormat;
  /** `report`: nothing follows, and what is absent is not known. `live`: messages follow, and a server answers requests. */
  readonly life: 'report' | 'live';
  /** The name of the suite. */
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly snapshot: RunSnapshot;
  /** `changedSince(0)` of the model, each through `forPage`. */
  readonly tasks: readonly TaskSnapshot[];
  /** The runs that this one was merged of, where there are several: shards, sessions, machines. */
  readonly sources?: readonly RunSource[];
  /** How a task is run again: `npx pexen run`. */
  readonly command: string;
  /** What the page may ask the server to do. Absent: nothing. */
  readonly control?: readonly ControlKind[];
  /** The run before, to compare with. A live page asks for it. */
  readonly before?: Comparison;
  /** Earlier runs, the latest first. A live page asks for them. */
  readonly runs?: readonly PastRun[];
  /** How long the run would have taken with other numbers of workers. */
  readonly otherWorkers?: readonly { readonly workers: number; readonly wallMs: number }[];
  /** How tasks ended in earlier runs. A live page asks for that of each task. */
  readonly history?: PageHistory;
  /** By call path; only tasks that have any. A live page asks for those of each task. */
  readonly details?: Readonly<Record<string, TaskDetails>>;
}

/** One of the runs that a report was merged of. */
export interface RunSource {
  /** `shard 2/3 of linux`, `session 2`. */
  readonly name: string;
  readonly startedAt: number;
  readonly wallMs: number;
}

/** A run of the past. */
export interface PastRun {
  readonly id: string;
  readonly startedAt: number;
  readonly wallMs: number;
  /** Absent where the command was killed. */
  readonly exitCode?: number;
  /** How many results had each verdict, where that is known. */
  readonly verdicts?: Readonly<Partial<Record<Verdict, number>>>;
  readonly shard?: string;
  /** Were all tasks of the suite in it? */
  readonly isWhole: boolean;
}

/** Another run, to compare this one with. */
export interface Comparison {
  readonly run: PastRun;
  /** By call path: the verdict, and how long the task took, ms; absent where it did not start. */
  readonly tasks: Readonly<Record<string, readonly [verdict: Verdict, durationMs?: number]>>;
}

/** How tasks ended in earlier runs: a row of letters for each task, one letter for each run. */
export interface PageHistory {
  /** Oldest first, at most 30. */
  readonly runs: readonly { readonly id: string; readonly startedAt: number }[];
  /** By call path: a letter of `verdictLetters` for each of the runs, `.` for one that the task was not in. */
  readonly tasks: Readonly<Record<string, string>>;
}

/** A letter for each verdict in a history. */
export const verdictLetters: Readonly<Record<Verdict, string>> = {
  pass: 'p',
  warn: 'w',
  fail: 'f',
  error: 'e',
  timeout: 't',
  crashed: 'c',
  skip: 's',
  'expected-fail': 'x',
  flaky: 'k',
  cancelled: 'q',
};

/** What the page shows of one task beyond the model. */
export interface TaskDetails {
  /** Places in sources that matter to a failure, the one that matters most first. */
  readonly frames?: readonly SourceFrame[];
  /** By the number of the attachment in its task. */
  readonly attachments?: readonly ShownAttachment[];
  /** Why it waits, or ended as it did; and the same in words, a line each. */
  readonly why?: Explanation;
  readonly whyLines?: readonly string[];
  /** A row of one task. Only in answers of a server. */
  readonly history?: PageHistory;
}

/** Some lines of a source file. */
export interface SourceFrame {
  /** Relative to the root of the run, where it is below that. */
  readonly file: string;
  readonly line: number;
  /** What is there: `in finding "reads back"`, `thrown here`. */
  readonly what: string;
  /** The number of the first line of `lines`. */
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/** An attachment as the page can show it. */
export interface ShownAttachment {
  readonly name: string;
  readonly mediaType?: string;
  /** Its size, where it is a file that was there. */
  readonly bytes?: number;
  /** Its text, or its beginning. */
  readonly text?: string;
  /** A `data:` address of an image, in a report. */
  readonly image?: string;
  /** Where the file is, relative to the report. */
  readonly href?: string;
  /** Why it is not shown: `not found`, `12 MB, too large for the report`. */
  readonly note?: string;
}

/** What a live page gets as server-sent events: `event:` is the kind, `id:` the version of the model, `data:` the rest as JSON. */
export type PageMessage =
  /** The first message, and the next one after a gap that is too old. Replaces everything. */
  | { readonly kind: 'document'; readonly document: PageDocument }
  /** At most four a second. */
  | ({ readonly kind: 'changes' } & PageChanges)
  /** The command ends now: no message follows, and the server answers no more. */
  | { readonly kind: 'closed'; readonly exitCode?: number; readonly why?: string };

/** What changed since the message before. */
export interface PageChanges {
  readonly version: number;
  /** Parts that are absent have not changed. */
  readonly snapshot: SnapshotParts;
  /** `changedSince` the version of the message before, each through `forPage`. */
  readonly tasks: readonly TaskSnapshot[];
}

/** A snapshot without the parts that have not changed. */
export type SnapshotParts = Pick<RunSnapshot, 'version' | 'run' | 'counts'> & Partial<RunSnapshot>;

/** What a page may ask the server to do, where that was allowed. */
export type ControlKind = 'rerun' | 'stop' | 'watch';

/** The body of a request to `paths.control`. */
export type ControlRequest =
  /** Runs these tasks again, with what they need. Without paths: all. */
  | { readonly kind: 'rerun'; readonly paths?: readonly string[] }
  /** `drain`: starts nothing more. `cancel`: ends what runs. */
  | { readonly kind: 'stop'; readonly how: 'drain' | 'cancel' }
  | { readonly kind: 'watch'; readonly on: boolean };

/** A part of the output of an attempt. */
export interface OutputPart {
  readonly text: string;
  /** Where the part begins and ends, in bytes of the output. */
  readonly from: number;
  readonly to: number;
  readonly totalBytes: number;
  /** Is the attempt still writing? */
  readonly isOpen: boolean;
}

/** How a task ended, for sentences. */
export type TaskEnd = ResultStatus;

/**
 * Where a live page asks, relative to its own address. Every request but that for the page itself has the token of the address's fragment in the header
 * `authorization: Bearer TOKEN`; the messages are read by `fetch`, with `last-event-id` after a lost connection.
 */
export const paths = {
  /** GET: PageDocument. */
  document: 'api/document',
  /** GET: a stream of PageMessage. */
  messages: 'api/messages',
  /** GET ?path=: TaskDetails. */
  task: 'api/task',
  /** GET ?path=&attempt=&stream=&from=: OutputPart. `stream`: `stdout` or `stderr`. */
  output: 'api/output',
  /** GET ?path=&number=: the file. */
  attachment: 'api/attachment',
  /** GET: PastRun[]. */
  runs: 'api/runs',
  /** GET ?run=: Comparison; without `run`, with the run before. */
  comparison: 'api/comparison',
  /** POST: ControlRequest; answers 204. */
  control: 'api/control',
} as const;
