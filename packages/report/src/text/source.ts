/** Places in the user's source files: found in stacks, shown relative to the current directory, with the lines around them. */
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatLocation, relativeTo, type SourceLocation } from '@pexen/core';
import { loadCodeFrame } from '../on-demand.ts';
import type { Paint } from './paint.ts';
import { clipped, printableLines } from './printable.ts';
import { clip } from './width.ts';

/** A line of a stack in code of the user. */
export interface StackFrame {
  /** The function, where it has a name. */
  readonly name: string | undefined;
  /** `file` is an absolute path. */
  readonly location: SourceLocation & { readonly line: number; readonly column: number };
}

const LONGEST_LINE = 500;
const LARGEST_FILE = 2 * 1024 * 1024;
const sources =
  /\.(?:[cm]?[jt]sx?|vue|svelte|sh|bash|zsh|ksh|bats|t|p[lmy]|rb|go|rs|cc?|cpp|hh?|hpp|java|kt|cs|lua|php|exs?|tcl|awk|ya?ml)$/;

/**
 * The frames of a stack in files, outermost last, without those of Node and of pexen. `installed`: also those in packages, of which there may be
 * more than a user wants to see.
 */
export function framesOf(stack: string, installed: boolean): StackFrame[] {
  return stack.split('\n').flatMap((line) => {
    const [, name, place = '', at, column] =
      /^\s+at (?:async )?(?:(.+?) \()?((?:file:\/\/|\/).+?):(\d+):(\d+)\)?$/.exec(line) ?? [];
    if (place === '' || place.includes('/node_modules/@pexen/')) return [];
    if (!installed && place.includes('/node_modules/')) return [];
    return [{ name, location: { file: pathOf(place), line: Number(at), column: Number(column) } }];
  });
}

/** `tests/a.task.ts:7:10`, relative to the current directory: a terminal makes it clickable. */
export function placeText({ file, line, column }: SourceLocation): string {
  const shown = relativeTo(process.cwd())(file);
  return formatLocation({
    file: shown.startsWith('../') ? file : shown,
    ...(line !== undefined && { line }),
    ...(column !== undefined && { column }),
  });
}

/** A location whose file may be relative to the root of the run, as one with an absolute path. */
export function absolute(location: SourceLocation, root: string): SourceLocation {
  return isAbsolute(location.file) ? location : { ...location, file: resolve(root, location.file) };
}

/** The line of the place with two above and two below, marked, cut to `columns`; nothing where the file cannot be read or has no such line. Stacks are texts of
 * tests and may name anything: of these only what looks like a source is opened. `isOfTask`: the place comes from the plan. */
export function sourceLines(
  { file, line, column }: SourceLocation,
  columns: number | undefined,
  paint: Paint,
  isOfTask = false,
): string[] {
  if (line === undefined || !(isOfTask || sources.test(file))) return [];
  const text = readSource(file);
  if (text === undefined || line > text.split('\n').length) return [];
  const { codeFrameColumns } = loadCodeFrame();
  const frame = codeFrameColumns(
    text,
    { start: { line, column: (column ?? 1) - 1 } },
    { linesAbove: 2, linesBelow: 2 },
  );
  return scrolled(printableLines(frame), columns).map((each) =>
    each.startsWith('>') ? each : paint('dim', each),
  );
}

/** The line of the place with so many around it, as it is in the file, and the number of the first of them; undefined as `sourceLines`. */
export function sourceAround(
  { file, line }: SourceLocation,
  around: number,
  isOfTask = false,
): { readonly firstLine: number; readonly lines: readonly string[] } | undefined {
  if (line === undefined || !(isOfTask || sources.test(file))) return undefined;
  const all = readSource(file)?.split('\n') ?? [];
  if (line < 1 || line > all.length) return undefined;
  const firstLine = Math.max(1, line - around);
  return {
    firstLine,
    lines: all.slice(firstLine - 1, line + around).map((each) => each.slice(0, LONGEST_LINE)),
  };
}

/** Cuts the lines of a frame to `columns`, so that the caret is in view: a line of which the start is left out begins with `…`. */
function scrolled(lines: readonly string[], columns: number | undefined): string[] {
  const caretLine = lines.find((line) => /^ *\| *\^/.test(line)) ?? '';
  const gutter = caretLine.indexOf('|') + 2;
  const room = (columns ?? LONGEST_LINE) - gutter;
  const hidden = caretLine.indexOf('^') - gutter - Math.floor((room * 2) / 3);
  if (hidden <= 0 || room <= 0)
    return lines.map((line) => (columns === undefined ? clipped(line) : clip(line, columns)));
  return lines.map((line) => {
    const code = line.slice(gutter + hidden + 1);
    const rest = line.length > gutter + hidden ? `…${code}` : '';
    return clip(
      line.slice(0, gutter) + (/^ *\|/.test(line) ? rest.replace('…', ' ') : rest),
      columns ?? LONGEST_LINE,
    );
  });
}

function readSource(file: string): string | undefined {
  try {
    const facts = statSync(file);
    return facts.isFile() && facts.size <= LARGEST_FILE ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

function pathOf(place: string): string {
  const [plain = place] = place.split('?');
  if (!plain.startsWith('file://')) return plain;
  try {
    return fileURLToPath(plain);
  } catch {
    return plain;
  }
}
