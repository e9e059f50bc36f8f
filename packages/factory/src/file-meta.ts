/**
 * The metadata of a file: what it may contain, and the comments at the head of a program in which it is written, as `# pexen: { timeout: 20s }`.
 * Knows where a header starts and ends; read-file-meta.ts knows how it is read.
 */

import type { Buffer } from 'node:buffer';
import type { Problem, ReadyCondition, ServiceMeta, SourceLocation, StopSignal, TaskMeta } from '@pexen/core';

/** How a program is started, according to its metadata. */
export interface ProgramEntries {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the file's directory; or `private` or `copy`, see `ProgramOptions`. */
  readonly cwd?: string;
  readonly tap?: boolean | 'perl';
  /** The user as whom it runs. */
  readonly user?: string;
  /** It is a service: it goes on while tasks need what it provides. */
  readonly service?: boolean;
  /** When a service is ready. */
  readonly ready?: ReadyCondition;
  /** How a service is stopped. */
  readonly stop?: 'kill' | StopSignal;
}

/** The metadata of a file. */
export interface FileMeta {
  readonly meta: TaskMeta & Pick<ServiceMeta, 'restarts' | 'stop'>;
  readonly program: ProgramEntries;
  readonly problems: readonly Problem[];
  /** Where each entry stands. */
  readonly places?: ReadonlyMap<string, SourceLocation>;
}

/** The metadata of a file without any. */
export const noFileMeta: FileMeta = { meta: {}, program: {}, problems: [] };

/** The most characters that metadata may have. */
export const longestMeta = 65_536;

/** How many bytes at the start of a file are searched for a header. */
export const headBytes = 4096;

/** A header, or why it cannot be read. Line and column refer to the word `pexen`. */
export type Header =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'found';
      /** YAML at the same lines and columns as in the file; the rest of the file is blanked. */
      readonly text: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'broken'; readonly problem: Problem };

interface Opening {
  readonly index: number;
  readonly marker: string;
  /** Where `pexen` begins, from 0. */
  readonly column: number;
  readonly rest: string;
  readonly restColumn: number;
}

const none: Header = { kind: 'none' };

/** Some editors write it before the first line without showing it. */
const byteOrderMark = /^\ufeff/;

/** A comment line: its marker and its content. The characters of a marker may be repeated (`##`, `///`). */
const commentLine = /^[ \t]{0,40}(#{1,9}|\/{2,9}|-{2,9}|;{1,9})([\s\S]*)$/;
const opening = /^([ \t]{0,40}(#{1,9}|\/{2,9}|-{2,9}|;{1,9})[ \t]{0,40})pexen:(?=[\s{]|$)/;

/** A misspelled header. */
const nearly =
  /^([ \t]{0,40}(#{1,9}|\/{2,9}|-{2,9}|;{1,9})[ \t]{0,40})pexen[ \t]{0,9}(?:[:=]?[ \t]{0,9}\{|:[ \t]{0,9}$)/i;

/** The header in the first bytes of a file. Binary files do not have one. */
export function findHeader(head: Buffer, file: string): Header {
  if (head.includes(0)) return none;
  const text = head.subarray(0, headBytes).toString().replace(byteOrderMark, '');
  const lines = text.split('\n').map(withoutReturn);
  const openings = lines.map((line, index) => openingOf(line, index)).filter((found) => found !== undefined);
  const [first, second] = openings;
  if (first === undefined) return misspelled(lines, file);
  if (second !== undefined)
    return broken(second, file, 'it is the second header of the file', 'Keep one of them.');
  return readOpening(first, lines, file, head.length >= headBytes);
}

function misspelled(lines: readonly string[], file: string): Header {
  const [meant] = lines
    .map((line, index) => openingOf(line, index, nearly))
    .filter((found) => found !== undefined);
  if (meant === undefined) return none;
  return broken(meant, file, 'it must begin with "pexen:", in small letters and with a colon', howTo(meant));
}

function readOpening(first: Opening, lines: readonly string[], file: string, isCut: boolean): Header {
  const rest = first.rest.trim();
  if (rest === '') return block(first, lines, file);
  if (rest.startsWith('{')) return flow(first, lines, file, isCut);
  return broken(first, file, 'what follows "pexen:" is neither { … } nor an indented block', howTo(first));
}

/** `pexen: { … }`, over as many comment lines as are needed to close the brackets. */
function flow(first: Opening, lines: readonly string[], file: string, isCut: boolean): Header {
  const text = [blank(first.restColumn) + first.rest];
  const brackets = new Brackets();
  let isOpen = brackets.read(first.rest);
  for (let at = first.index + 1; isOpen && at < lines.length; at++) {
    const line = contentOf(lines[at], first);
    if (line === undefined) break;
    text.push(line);
    isOpen = brackets.read(line);
  }
  if (!isOpen) return found(first, text);
  const place = isCut ? `within the first ${headBytes} bytes` : 'before the comment ends';
  return broken(
    first,
    file,
    `its { is not closed ${place}`,
    'Close it, or move the metadata to a side file.',
  );
}

/** `pexen:` on a line of its own, followed by comment lines that are indented deeper. */
function block(first: Opening, lines: readonly string[], file: string): Header {
  const text = [''];
  for (let at = first.index + 1; at < lines.length; at++) {
    const line = contentOf(lines[at], first);
    if (line === undefined || indentOf(line) <= first.column) break;
    text.push(line);
  }
  return text.length > 1 ? found(first, text) : broken(first, file, 'it is empty', howTo(first));
}

function found({ index, column }: Opening, text: readonly string[]): Header {
  return { kind: 'found', text: '\n'.repeat(index) + text.join('\n'), line: index + 1, column: column + 1 };
}

function broken({ index, column }: Opening, file: string, message: string, hint: string): Header {
  const location = { file, line: index + 1, column: column + 1 };
  return {
    kind: 'broken',
    problem: { code: 'PEXEN_BAD_HEADER', location, message: `the header: ${message}`, hint },
  };
}

function howTo({ marker }: Opening): string {
  return `Write ${marker} pexen: { claims: [/proc/sys/net], timeout: 20s }, or ${marker} pexen: {} for none.`;
}

function openingOf(line: string, index: number, form = opening): Opening | undefined {
  const match = form.exec(line);
  if (match === null) return undefined;
  const [whole, before = '', marker = ''] = match;
  return { index, marker, column: before.length, rest: line.slice(whole.length), restColumn: whole.length };
}

/** The line without its comment marker, at the same columns; undefined if it is not a comment with the same marker. */
function contentOf(line: string | undefined, { marker }: Opening): string | undefined {
  const match = commentLine.exec(line ?? '');
  if (line === undefined || match === null || match[1]?.[0] !== marker[0]) return undefined;
  const content = match[2] ?? '';
  return blank(line.length - content.length) + content;
}

function indentOf(line: string): number {
  return Math.max(0, line.search(/[^ \t]/));
}

function blank(length: number): string {
  return ' '.repeat(length);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** Counts open brackets over several lines, ignoring quotes and comments. */
class Brackets {
  #depth = 0;
  #quote = '';
  /** The last character that is not blank: a quote opens a string only after one of `{[,:`. */
  #before = '';

  /** True while a bracket or a quote is open after this line. */
  read(line: string): boolean {
    for (let at = 0; at < line.length; at++) {
      const sign = line.charAt(at);
      if (this.#quote !== '') at += this.#insideQuotes(sign, line.charAt(at + 1));
      else if (sign === '#' && /^\s?$/.test(line.charAt(at - 1))) break;
      else this.#outside(sign);
      if (this.#quote === '' && this.#depth === 0 && this.#before === '}') break;
    }
    return this.#depth > 0 || this.#quote !== '';
  }

  /** How many further characters belong to this one. */
  #insideQuotes(sign: string, next: string): number {
    if (sign === '\\' && this.#quote === '"') return 1;
    if (sign !== this.#quote) return 0;
    if (sign === "'" && next === "'") return 1;
    this.#quote = '';
    return 0;
  }

  #outside(sign: string): void {
    if ((sign === '"' || sign === "'") && '{[,:'.includes(this.#before)) this.#quote = sign;
    else if (sign === '{' || sign === '[') this.#depth++;
    else if (sign === '}' || sign === ']') this.#depth--;
    if (sign.trim() !== '') this.#before = sign;
  }
}
