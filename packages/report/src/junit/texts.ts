/** Errors, findings, output and attachments as plain text, for a report that is read in a browser. */

import { relative, sep } from 'node:path';
import {
  type Attachment,
  type CapturedOutput,
  type Finding,
  formatOutput,
  formatProviderGone,
  type ProviderGone,
} from '@pexen/core';
import type { TaskAttempt, TaskError } from '../model/run-task.ts';
import { dataText } from '../text/format.ts';
import { limited } from './xml.ts';

/** Errors, findings and output as plain text for a report that is read in a browser. */
const FINDINGS = 50;
const DATA = 4000;

/** What an attempt ended with: the error with its stack, its causes and the errors it holds, else the reason. */
export function attemptText(attempt: TaskAttempt | undefined): string {
  return attempt?.error === undefined ? (attempt?.reason ?? '') : errorTexts(attempt.error).join('\n');
}

function errorTexts(error: TaskError): string[] {
  const { cause, errors = [] } = error;
  const told = (word: string, inner: TaskError): string => `${word} ${errorTexts(inner).join('\n')}`;
  return [
    errorText(error),
    ...(cause === undefined ? [] : [told('caused by', cause)]),
    ...errors.map((inner) => told('one of its errors:', inner)),
  ];
}

/** The failed findings, one a line. */
export function findingsText(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'fail');
  const lines = failed
    .slice(0, FINDINGS)
    .map(({ name, message }) => `✗ ${name}${message === undefined ? '' : `: ${message}`}`);
  if (failed.length > FINDINGS) lines.push(`… and ${failed.length - FINDINGS} more`);
  return lines.join('\n');
}

/** Providers whose workers were gone, one a line. */
export function goneText(gone: readonly ProviderGone[]): string {
  return gone.map(formatProviderGone).join('\n');
}

/** The data of a finding, not too long for a report. */
export function dataOf(data: unknown): string {
  return limited(dataText(data, 2), DATA);
}

/** A captured output, not longer than `limit` characters. */
export function outputOf(output: CapturedOutput | undefined, limit: number): string {
  return output === undefined ? '' : limited(formatOutput(output), limit);
}

/** The stack where it begins with the message, as V8 writes it; else both. Frames of ours say nothing to anybody. */
function errorText({ name, message, stack }: TaskError): string {
  if (stack === undefined) return `${name}: ${message}`;
  const told = stack.split('\n').filter((line) => !/^\s+at .*\/node_modules\/@pexen\//.test(line));
  const text = told.join('\n');
  return text.includes(message) ? text : `${name}: ${message}\n${text}`;
}

/** Attachments, in the form that Jenkins (junit-attachments) and GitLab read: a line of its own in the output of a case. */
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
