/** Attachments, in the form that Jenkins (junit-attachments) and GitLab read: a line of its own in the output of a case. */
import { relative, sep } from 'node:path';
import type { Attachment } from '@pexen/core';
import { limited } from './xml-text.ts';

/** One line for each file, and each text under its name. */
export function attachmentLines(attachments: readonly Attachment[], limit: number): string {
  return attachments.map((attachment) => attachmentText(attachment, limit)).join('');
}

function attachmentText({ name, file, text }: Attachment, limit: number): string {
  const said = text === undefined ? '' : `\n── ${name} ──\n${limited(text, limit)}\n`;
  if (file === undefined) return said;
  const line = canBeNamed(file) ? `[[ATTACHMENT|${fromHere(file)}]]` : `attachment ${JSON.stringify(file)}`;
  return `${said}\n${line}\n`;
}

/** The readers know no escape for what ends the path. */
function canBeNamed(file: string): boolean {
  return !/\]\]|[|\p{Cc}]/u.test(file);
}

/** Both readers take a path from the root of the project, which is where a CI job stands. */
function fromHere(file: string): string {
  const path = relative('.', file);
  return path.startsWith('..') ? file : path.split(sep).join('/');
}
