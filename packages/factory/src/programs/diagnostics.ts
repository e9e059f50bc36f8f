/**
 * What a test tool writes about one failed test point: the YAML block below it, or comments. Reads it as message, place, duration and comparison,
 * without the statistics of the tool. It is not a YAML parser: tools write blocks that are not valid YAML, and these count as well.
 */
import { fileURLToPath } from 'node:url';
import type { Finding, SourceLocation } from '@pexen/core';

/** What is known about a test point besides its name and status. */
export interface Diagnostics extends Pick<Finding, 'location' | 'durationMs'> {
  readonly message?: string;
  /** What was compared, as texts that differ. */
  readonly data?: { readonly expected: string; readonly actual: string };
}

/** The most that is kept of a message, and of each side of a comparison, characters. */
const longestText = 4_000;

/** Entries of a block that are read on their own, or that only the tool itself needs. */
const ownEntries: ReadonlySet<string> = new Set([
  ...['error', 'message', 'name', 'code', 'stack', 'at', 'location', 'duration_ms'],
  ...['expected', 'actual', 'wanted', 'found', 'type', 'failureType', 'operator', 'severity'],
]);
/** Codes that any failed assertion or any thrown error has. */
const plainCodes: ReadonlySet<string> = new Set(['ERR_ASSERTION', 'ERR_TEST_FAILURE']);
const plainNames: ReadonlySet<string> = new Set(['Error', 'AssertionError', 'Unknown Error']);

/** The diagnostics in the lines of a YAML block; `lines` without the indentation of the block. A block without entries is a message. */
export function readBlock(lines: readonly string[]): Diagnostics {
  const entries = entriesOf(lines);
  if (entries.size === 0) return messageIn(dedented(lines).join('\n').trim());
  const nested = nestedError(entries);
  const isRaw = nested !== undefined;
  const value = (...keys: readonly string[]): string | undefined => {
    const entry = keys.map((key) => entries.get(key)).find((each) => each !== undefined);
    return entry === undefined ? undefined : textOf(entry, isRaw);
  };
  const name = nested?.name ?? value('name');
  const code = value('code');
  const durationMs = Number(value('duration_ms') ?? Number.NaN);
  const data = comparisonIn(entries, isRaw);
  const error = nested?.message ?? value('error', 'message') ?? '';
  const text = data === undefined ? error : withoutComparison(error, name);
  const others = [...entries].filter(([key]) => !ownEntries.has(key)).map(([, entry]) => entry.source);
  const at = entries.get('at');
  const location = firstUserFrame(value('stack')) ?? placeAt(at, isRaw) ?? placeIn(value('location'));
  const isNamed = name === undefined || plainNames.has(name) || text.startsWith(name);
  const parts = [
    isNamed ? text : [name, text].filter(isFilled).join(': '),
    code === undefined || plainCodes.has(code) || text.includes(code) ? '' : `code: ${code}`,
    ...others,
    location === undefined ? at?.source : '',
  ];
  return {
    ...messageIn(parts.filter(isFilled).join('\n')),
    ...(location !== undefined && { location }),
    ...(Number.isFinite(durationMs) && { durationMs }),
    ...(data !== undefined && { data }),
  };
}

/** Does the line open a text in double quotes that ends on a later line? Vitest writes texts of several lines so, without indentation. */
export function opensQuote(line: string): boolean {
  const start = /^\s*[\w-]+: "/.exec(line)?.[0];
  return start !== undefined && !closesQuote(line.slice(start.length));
}

/** Does the line end a text in double quotes? */
export function closesQuote(line: string): boolean {
  if (!line.endsWith('"')) return false;
  let slashes = 0;
  while (line[line.length - 2 - slashes] === '\\') slashes++;
  return slashes % 2 === 0;
}

/** An entry at the top of a block. */
interface Entry {
  /** What follows the colon. */
  readonly first: string;
  /** The lines below it. */
  readonly rest: string[];
  /** The entry as it was written. */
  readonly source: string;
}

function entriesOf(lines: readonly string[]): Map<string, Entry> {
  const entries = new Map<string, { first: string; rest: string[]; source: string }>();
  const indent = indentOf(lines.find(isFilled) ?? '');
  let isQuoted = false;
  let current: { first: string; rest: string[]; source: string } | undefined;
  for (const line of lines) {
    const own = line.startsWith(indent) ? line.slice(indent.length) : line;
    const [, key, first = ''] = (!isQuoted && /^([A-Za-z_][\w-]*):(?:\s+(.*))?$/.exec(own)) || [];
    if (key !== undefined) {
      current = { first, rest: [], source: own };
      entries.set(key, current);
    } else if (current !== undefined) {
      current.rest.push(isQuoted ? line : own);
      current.source += `\n${own}`;
    } else if (isFilled(own)) return new Map();
    isQuoted = isQuoted ? !closesQuote(line) : opensQuote(own);
  }
  return entries;
}

/** Vitest's form: an error with a name and a message. Its texts escape nothing but double quotes. */
function nestedError(entries: ReadonlyMap<string, Entry>): { name?: string; message: string } | undefined {
  const error = entries.get('error');
  if (error === undefined || error.first !== '') return undefined;
  const inside = entriesOf(error.rest);
  const message = inside.get('message');
  const name = inside.get('name');
  if (message === undefined) return undefined;
  return { message: textOf(message, true), ...(name !== undefined && { name: textOf(name, true) }) };
}

function textOf({ first, rest }: Entry, isRaw: boolean): string {
  if (/^[|>][-+\d]*$/.test(first) || first === '') return dedented(rest).join('\n').trimEnd();
  if (first.startsWith('"')) return unquoted([first, ...rest].join('\n').trimEnd(), isRaw || rest.length > 0);
  if (first.startsWith("'") && first.endsWith("'") && first.length > 1)
    return first.slice(1, -1).replaceAll("''", "'");
  return [first, ...dedented(rest)].join('\n').trimEnd();
}

function unquoted(text: string, isRaw: boolean): string {
  const inner = text.slice(1, closesQuote(text) && text.length > 1 ? -1 : undefined);
  if (!isRaw) {
    try {
      return String(JSON.parse(`"${inner}"`));
    } catch {
      // Its escapes are not those of JSON.
    }
  }
  return inner.replaceAll('\\"', '"');
}

/** As they were written where they are equal as texts: `1` and `'1'`. */
function comparisonIn(entries: ReadonlyMap<string, Entry>, isRaw: boolean): Diagnostics['data'] {
  const sides = [
    entries.get('expected') ?? entries.get('wanted'),
    entries.get('actual') ?? entries.get('found'),
  ];
  const [expected, actual] = sides.map((side) => (side === undefined ? '' : clip(textOf(side, isRaw))));
  if (!isFilled(expected) || !isFilled(actual)) return undefined;
  // `assert.ok` compares nothing.
  if (expected === 'true' && entries.get('operator')?.first === "'=='") return undefined;
  if (expected !== actual) return { expected, actual };
  const [written, found] = sides.map((side) => side?.first ?? '');
  return written === undefined || found === undefined || written === found
    ? undefined
    : { expected: written, actual: found };
}

/** Node puts the comparison into the message, too. */
function withoutComparison(error: string, name: string | undefined): string {
  const [first = '', second] = error.split('\n');
  const isComparison =
    name === 'AssertionError' && second !== undefined && (first.endsWith(':') || second === '');
  return isComparison ? first.replace(/:$/, '') : error;
}

/** The place of the first frame in the user's own code. */
function firstUserFrame(stack: string | undefined): SourceLocation | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const place = placeIn(line);
    if (place !== undefined && !place.file.includes('/node_modules/')) return place;
  }
  return undefined;
}

/** `at` is a frame, or a map with a file, a line and a column. */
function placeAt(entry: Entry | undefined, isRaw: boolean): SourceLocation | undefined {
  if (entry === undefined) return undefined;
  const inside = entriesOf(entry.rest);
  const value = (...keys: readonly string[]): string | undefined =>
    keys
      .map((key) => inside.get(key)?.first.replaceAll(/^['"]|['"]$/g, ''))
      .find((each) => each !== undefined);
  const file = value('fileName', 'file');
  if (file === undefined) return placeIn(textOf(entry, isRaw));
  return placeOf(file, value('lineNumber', 'line'), value('columnNumber', 'column'));
}

/** `name (file:1:2)`, `at file:1:2` or `file:1`. */
function placeIn(line: string | undefined): SourceLocation | undefined {
  const frame = line?.trim() ?? '';
  const place = /\(([^()]+)\)$/.exec(frame)?.[1] ?? frame.replace(/^(?:at )?(?:async )?/, '');
  const [, file, at, column] = /^([^\n]+?):(\d{1,9})(?::(\d{1,9}))?$/.exec(place) ?? [];
  return file === undefined || file.startsWith('node:') ? undefined : placeOf(file, at, column);
}

function placeOf(file: string, line: string | undefined, column?: string): SourceLocation {
  return {
    file: pathOf(file),
    ...(line !== undefined && { line: Number(line) }),
    ...(column !== undefined && { column: Number(column) }),
  };
}

function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return file;
  }
}

/** The forms in which bats and Test::More say where a test failed. */
const remarkPlaces: readonly RegExp[] = [
  /\bin (?:test )?file (.+), line (\d{1,9})\b/,
  /^\s*(?:Failed test .* )?(?:at|in) (.+?) (?:at )?line (\d{1,9})\.$/,
];
/** Places are not searched in longer lines, characters. */
const longestPlace = 500;
const remarkTitle = /^\s*Failed (?:\(TODO\) )?test\b/;

/** The diagnostics in comments, without their `#`. Names and places of the test are no part of the message. */
export function readRemarks(remarks: readonly string[]): Diagnostics {
  const message: string[] = [];
  const sides: { got?: string; expected?: string } = {};
  let location: SourceLocation | undefined;
  for (const remark of remarks) {
    const [, file, line] =
      remarkPlaces.map((form) => form.exec(remark.slice(0, longestPlace))).find((match) => match !== null) ??
      [];
    const [, side, value = ''] = /^\s*(got|expected): (.*)$/.exec(remark) ?? [];
    if (file !== undefined && location === undefined) location = placeOf(file, line);
    else if (side !== undefined) sides[side as 'got' | 'expected'] ??= value;
    else if (!remarkTitle.test(remark)) message.push(remark);
  }
  const { got, expected } = sides;
  const isCompared = got !== undefined && expected !== undefined && got !== expected;
  return {
    ...messageIn(dedented(message).join('\n').trim()),
    ...(location !== undefined && { location }),
    ...(isCompared && { data: { expected: clip(expected), actual: clip(got) } }),
  };
}

const remarkOf = /^\s*#\s+Failed (?:\(TODO\) )?test(?: '(.*)'$)?/;
const remarkPlace = /^\s*#\s+(?:at|in) .* line \d{1,9}\.$/;
const remarksEnd = /^\s*#\s+Looks like/;
/** Repeats the counts. */
const countedFailures = /^\s*#\s+Looks like you failed \d+ tests? of \d+\.$/;

/**
 * Test::More explains failed points on standard error, in the order of the points. Adds these remarks to the failed findings that have none, and
 * returns the other lines.
 */
export function attachRemarks(
  findings: readonly Finding[],
  lines: readonly string[],
): { readonly findings: readonly Finding[]; readonly rest: readonly string[] } {
  const changed = [...findings];
  const waiting = new Map<string, number[]>();
  /** Tests that failed because a test inside of them did. */
  const parents = new Set<string>();
  for (const [at, { name, status, message, location }] of findings.entries()) {
    if (status !== 'fail' || message !== undefined || location !== undefined) continue;
    const above = name.split(' › ');
    const last = above.pop() ?? name;
    waiting.set(last, [...(waiting.get(last) ?? []), at]);
    for (const parent of above) parents.add(parent);
  }
  const rest: string[] = [];
  let group: { readonly at: number | undefined; readonly remarks: string[] } | undefined;
  const close = (): void => {
    const finding = group?.at === undefined ? undefined : changed[group.at];
    if (group?.at !== undefined && finding !== undefined)
      changed[group.at] = { ...finding, ...readRemarks(group.remarks) };
    group = undefined;
  };
  for (const line of lines) {
    const match = remarkOf.exec(line);
    const isRemark = /^\s*#/.test(line);
    const isOver = group !== undefined && group.at === undefined && !remarkPlace.test(line);
    if (match !== null || !isRemark || isOver || remarksEnd.test(line)) close();
    const name = match?.[1] ?? '';
    const at = match === null ? undefined : waiting.get(name)?.shift();
    if (at !== undefined || (match !== null && parents.has(name))) group = { at, remarks: [] };
    if (countedFailures.test(line)) continue;
    if (group === undefined) rest.push(line);
    else group.remarks.push(line.replace(/^\s*#/, ''));
  }
  close();
  return { findings: changed, rest };
}

function messageIn(text: string): Pick<Diagnostics, 'message'> {
  return text === '' ? {} : { message: clip(text) };
}

function clip(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** The lines without the indentation of the first. */
function dedented(lines: readonly string[]): string[] {
  const indents = lines.filter(isFilled).map((line) => indentOf(line).length);
  const least = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line) => line.slice(Math.min(least, indentOf(line).length)));
}

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function isFilled(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}
