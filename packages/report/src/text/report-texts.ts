/** Errors, findings, output and attachments as plain text, for a report that is read in a browser. */

import { relative, resolve, sep } from 'node:path';
import {
  type Attachment,
  type CapturedOutput,
  type Finding,
  formatOutput,
  formatProviderGone,
  type ProviderGone,
} from '@pexen/core';
import type { TaskAttempt, TaskError } from '../model/run-task.ts';
import { comparisonOf, dataText } from './data.ts';
import { limited } from './plain.ts';

const FINDINGS = 50;
const DATA = 4000;

/** The end of an attempt: the error with its stack, its causes and the errors that it contains, else the reason. */
export function attemptText(attempt: TaskAttempt | undefined): string {
  return attempt?.error === undefined ? (attempt?.reason ?? '') : errorTexts(attempt.error).join('\n');
}

function errorTexts(error: TaskError): string[] {
  const { cause, errors = [] } = error;
  const described = (word: string, inner: TaskError): string => `${word} ${errorTexts(inner).join('\n')}`;
  return [
    errorText(error),
    ...(cause === undefined ? [] : [described('caused by', cause)]),
    ...errors.map((inner) => described('one of its errors:', inner)),
  ];
}

/** The failed findings, one per line. */
export function findingsText(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'fail');
  const lines = failed
    .slice(0, FINDINGS)
    .map(({ name, message }) => `✗ ${name}${message === undefined ? '' : `: ${message}`}`);
  if (failed.length > FINDINGS) lines.push(`… and ${failed.length - FINDINGS} more`);
  return lines.join('\n');
}

/** Warnings and infos, one per line. */
export function notesText(findings: readonly Finding[]): string {
  const notes = findings.filter(({ status }) => status === 'warn' || status === 'info');
  return notes
    .slice(0, FINDINGS)
    .map(({ status, name, message }) => `${status}: ${name}${message === undefined ? '' : `: ${message}`}\n`)
    .join('');
}

/** The providers whose workers were gone, one per line. */
export function goneText(gone: readonly ProviderGone[]): string {
  return gone.map(formatProviderGone).join('\n');
}

/** The data of a finding, limited in length. What was compared is shown as two texts. */
export function dataOf(data: unknown): string {
  const comparison = comparisonOf(data);
  if (comparison === undefined) return limited(dataText(data, 2), DATA);
  const { expected, actual } = comparison;
  return `expected:\n${limited(expected, DATA)}\nactual:\n${limited(actual, DATA)}`;
}

/** A captured output of at most `limit` characters. */
export function outputOf(output: CapturedOutput | undefined, limit: number): string {
  return output === undefined ? '' : limited(formatOutput(output), limit);
}

/** The stack if it contains the message, as V8 writes it; else both. Without the frames of pexen, which do not help the user. */
function errorText({ name, message, stack }: TaskError): string {
  if (stack === undefined) return `${name}: ${message}`;
  const lines = stack.split('\n').filter((line) => !/^\s+at .*\/node_modules\/@pexen\//.test(line));
  const text = lines.join('\n');
  return text.includes(message) ? text : `${name}: ${message}\n${text}`;
}

/** One line for each attached file, in the form that Jenkins (junit-attachments) and GitLab read, and each attached text under its name. */
export function attachmentLines(attachments: readonly Attachment[], limit: number): string {
  return attachments.map((attachment) => attachmentText(attachment, limit)).join('');
}

function attachmentText({ name, file, text }: Attachment, limit: number): string {
  const shown = text === undefined ? '' : `\n── ${name} ──\n${limited(text, limit)}\n`;
  return file === undefined ? shown : `${shown}\n${fileLine(file)}\n`;
}

function fileLine(file: string): string {
  return canBeNamed(file) ? `[[ATTACHMENT|${fromHere(file)}]]` : `attachment ${JSON.stringify(file)}`;
}

/** The readers have no escape for characters that end the path. */
function canBeNamed(file: string): boolean {
  return !/\]\]|[|\p{Cc}]/u.test(file);
}

/** The paths of attached files, relative to the working directory where they are below it. */
export function attachedFiles(attachments: readonly Attachment[]): readonly string[] {
  return attachments.flatMap(({ file }) => (file === undefined ? [] : [fromHere(file)]));
}

/** The files with all output of an attempt, as attachments. They are relative to `root`. */
export function outputFileLines({ stdout, stderr }: TaskAttempt, root: string): string {
  const files = [stdout?.file, stderr?.file].filter((file) => file !== undefined);
  return files.map((file) => `\n${fileLine(resolve(root, file))}\n`).join('');
}

/** Both readers take a path relative to the root of the project, the working directory of a CI job. */
export function fromHere(file: string): string {
  return pathBelow('.', file);
}

/** The path relative to the folder, with `/` between its parts; a file elsewhere stays as it is. */
export function pathBelow(folder: string, file: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') ? file : path.split(sep).join('/');
}
