/**
 * What a running body reports while it runs: findings, progress, attachments, log lines, output. Each is validated in the body that reports it,
 * since types are often stripped without a check. Does not know what is done with the updates.
 */

/** One result of the several a task may have. */
export interface Finding {
  readonly name: string;
  /** `warn`: a problem that does not fail the task; `todo`: expected not to pass yet. */
  readonly status: 'pass' | 'fail' | 'warn' | 'skip' | 'todo' | 'info';
  readonly message?: string;
  readonly data?: unknown;
}

/** One thing that a running body reports. */
export type TaskUpdate =
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'attachment'; readonly attachment: Attachment }
  | { readonly kind: 'log'; readonly message: string; readonly data?: unknown }
  /** A sign of life and nothing else. */
  | { readonly kind: 'heartbeat' };

/** How far a body is, in any unit. */
export interface Progress {
  readonly done: number;
  /** Of how many. */
  readonly total?: number;
  readonly message?: string;
}

/** A file, or a text, to be kept with the result. */
export interface Attachment {
  readonly name: string;
  readonly mediaType?: string;
  /** Its path; else `text`. */
  readonly file?: string;
  readonly text?: string;
}

const statuses: ReadonlySet<unknown> = new Set<Finding['status']>([
  ...(['pass', 'fail', 'warn'] as const),
  ...(['skip', 'todo', 'info'] as const),
]);

/** The finding, if it is one. @throws TypeError, in the body that reports it. */
export function checkedFinding(finding: Finding): Finding {
  const isWhole = isObject(finding) && isText(finding.name) && isTextOrNone(finding.message);
  if (isWhole && statuses.has(finding.status)) return finding;
  throw new TypeError(`report: a finding has a name and a status: ${[...statuses].join(', ')}`);
}

/** The progress, if it is one. @throws TypeError, in the body that makes it. */
export function checkedProgress(progress: Progress): Progress {
  const isWhole = isObject(progress) && isNumber(progress.done) && isTextOrNone(progress.message);
  if (isWhole && (progress.total === undefined || isNumber(progress.total))) return progress;
  throw new TypeError('progress: it has a number "done", and may have a number "total" and a message');
}

/** The attachment, if it is one. @throws TypeError, in the body that attaches it. */
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
