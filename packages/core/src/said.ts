/**
 * What bodies say, looked at where they say it: types are often stripped unread, and who trips over it later is far away.
 * Knows nothing of what becomes of it.
 */
import type { Finding } from './finding.ts';
import type { Attachment, Progress } from './news.ts';

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
