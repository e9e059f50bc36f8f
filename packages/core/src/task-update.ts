/**
 * What a running body reports while it runs: findings, progress, attachments, log lines, output. Each is validated in the body that reports it,
 * since types are often stripped without a check. Does not know what is done with the updates.
 */
import type { SourceLocation } from './source-location.ts';

/** One of the observations that a task may report. */
export interface Finding {
  readonly name: string;
  /** `warn`: a problem that does not fail the task; `todo`: not expected to pass yet. */
  readonly status: 'pass' | 'fail' | 'warn' | 'skip' | 'todo' | 'info';
  readonly message?: string;
  /** Where it was observed. A relative `file` is relative to the root of the run. */
  readonly location?: SourceLocation;
  /** How long it took, ms, where that is known. */
  readonly durationMs?: number;
  /** Of any type. Texts under `expected` and `actual` are shown by their differences. */
  readonly data?: unknown;
}

/** One thing that a running body reports. */
export type TaskUpdate =
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'attachment'; readonly attachment: Attachment }
  | { readonly kind: 'log'; readonly message: string; readonly data?: unknown }
  /** Only a sign of life. */
  | { readonly kind: 'heartbeat' };

/** The progress of a body, in any unit. */
export interface Progress {
  readonly done: number;
  /** The number at which it is complete. */
  readonly total?: number;
  readonly message?: string;
}

/** A file or a text that is kept with the result. */
export interface Attachment {
  readonly name: string;
  readonly mediaType?: string;
  /** The path of the file; alternatively `text`. */
  readonly file?: string;
  readonly text?: string;
}

const statuses: ReadonlySet<unknown> = new Set<Finding['status']>([
  ...(['pass', 'fail', 'warn'] as const),
  ...(['skip', 'todo', 'info'] as const),
]);

/** Returns the finding if it is valid. @throws TypeError, in the body that reports it. */
export function checkedFinding(finding: Finding): Finding {
  const isWhole = isObject(finding) && isText(finding.name) && isTextOrNone(finding.message);
  if (!isWhole || !statuses.has(finding.status))
    throw new TypeError(`report: a finding has a name and a status: ${[...statuses].join(', ')}`);
  const { durationMs, location } = finding;
  if (durationMs !== undefined && !isNumber(durationMs))
    throw new TypeError('report: the durationMs of a finding is a number of milliseconds');
  if (location !== undefined && !isLocation(location))
    throw new TypeError('report: the location of a finding has a file, and may have a line and a column');
  return finding;
}

function isLocation(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { file, line, column } = value as Partial<SourceLocation>;
  return isText(file) && [line, column].every((each) => each === undefined || isNumber(each));
}

/** Returns the progress if it is valid. @throws TypeError, in the body that reports it. */
export function checkedProgress(progress: Progress): Progress {
  const isWhole = isObject(progress) && isNumber(progress.done) && isTextOrNone(progress.message);
  if (isWhole && (progress.total === undefined || isNumber(progress.total))) return progress;
  throw new TypeError('progress: it has a number "done", and may have a number "total" and a message');
}

/** Returns the attachment if it is valid. @throws TypeError, in the body that attaches it. */
export function checkedAttachment(attachment: Attachment): Attachment {
  const isWhole = isObject(attachment) && isText(attachment.name);
  if (isWhole && isTextOrNone(attachment.file) && isTextOrNone(attachment.text)) return attachment;
  throw new TypeError('attach: an attachment has a name, and a file or a text');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value);
}
