/** Patterns of lines in which programs report the results of their checks, such as `PASS: name`. Does not know how a program ended. */
import type { Finding } from '@pexen/core';
import { type Flaw, flaw, isRecord, type Kind } from '@pexen/core/options';

type Status = Finding['status'];

/** What lines mean: one pattern or several for each status. A pattern is a whole line with placeholders: `'FAIL: {name}'`. */
export type LinePatterns = { readonly [Name in Status]?: string | readonly string[] };

/** Sets of patterns with a name: those of Automake's tests, of pytest's summary (`-rap`), and of `go test -v`. */
export type LinePatternSet = 'automake' | 'pytest' | 'go';

const sets: Readonly<Record<LinePatternSet, LinePatterns>> = {
  automake: {
    pass: 'PASS: {name}',
    fail: ['FAIL: {name}', 'ERROR: {name}', 'XPASS: {name}'],
    skip: 'SKIP: {name}',
    todo: 'XFAIL: {name}',
  },
  pytest: {
    pass: 'PASSED {name}',
    fail: ['FAILED {name} - {message}', 'FAILED {name}', 'ERROR {name} - {message}', 'ERROR {name}'],
    warn: ['XPASS {name} - {message}', 'XPASS {name}'],
    skip: ['SKIPPED [{count}] {name}: {message}'],
    todo: ['XFAIL {name} - {message}', 'XFAIL {name}'],
  },
  go: {
    pass: '--- PASS: {name} ({seconds}s)',
    fail: '--- FAIL: {name} ({seconds}s)',
    skip: '--- SKIP: {name} ({seconds}s)',
  },
};

/** The text that a placeholder stands for. */
const placeholders = {
  name: '(?<name>.+?)',
  message: '(?<message>.*?)',
  seconds: '(?<seconds>\\d{1,9}(?:\\.\\d{1,9})?)',
  ms: '(?<ms>\\d{1,9}(?:\\.\\d{1,9})?)',
  file: '(?<file>.+?)',
  line: '(?<line>\\d{1,9})',
  count: '\\d{1,9}',
} as const;

const statuses: readonly Status[] = ['fail', 'warn', 'skip', 'todo', 'pass', 'info'];

/** Reads one line. */
export type LineReader = (line: string) => Finding | undefined;

/** Longer lines are not read, characters. */
const longestLine = 2_000;

/** Returns a function that reads a line; a line that matches several patterns has the first status of fail, warn, skip, todo, pass, info. */
export function lineReader(patterns: LinePatternSet | LinePatterns): LineReader {
  const given = typeof patterns === 'string' ? sets[patterns] : patterns;
  const forms = statuses.flatMap((status) =>
    listOf(given[status]).map((text) => ({ status, form: compile(text) })),
  );
  return (line) => {
    const text = line.trim();
    if (text === '' || text.length > longestLine) return undefined;
    for (const { status, form } of forms) {
      const groups = form.exec(text)?.groups;
      if (groups !== undefined) return findingOf(status, groups);
    }
    return undefined;
  };
}

/** Passes the findings in a text and all other lines on. Returns how many findings there were. */
export function readLines(
  text: string,
  read: LineReader,
  add: (finding: Finding) => void,
  other: (line: string) => void = () => {},
): number {
  let count = 0;
  for (const line of text.split('\n')) {
    const finding = read(line);
    if (finding === undefined) other(line);
    else {
      add(finding);
      count++;
    }
  }
  return count;
}

function findingOf(status: Status, groups: Readonly<Record<string, string | undefined>>): Finding {
  const { name = '', message, seconds, ms, file, line } = groups;
  const durationMs = seconds === undefined ? Number(ms ?? Number.NaN) : Number(seconds) * 1_000;
  return {
    name: name.trim(),
    status,
    ...(isFilled(message) && { message: message.trim() }),
    ...(Number.isFinite(durationMs) && { durationMs }),
    ...(isFilled(file) && { location: { file, ...(line !== undefined && { line: Number(line) }) } }),
  };
}

function compile(pattern: string): RegExp {
  const parts = pattern.trim().split(/\{(\w+)\}/);
  const source = parts.map((part, at) =>
    at % 2 === 0
      ? part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
      : placeholders[part as keyof typeof placeholders],
  );
  return new RegExp(`^${source.join('')}$`);
}

function listOf(texts: string | readonly string[] | undefined): readonly string[] {
  if (texts === undefined) return [];
  return typeof texts === 'string' ? [texts] : texts;
}

function isFilled(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}

const forms = "Write lines: 'automake', or lines: { pass: 'PASS: {name}', fail: 'FAIL: {name}' }.";

/** Checks the option `lines`. */
export const linesKind: Kind = (value, path) => {
  if (typeof value === 'string')
    return Object.hasOwn(sets, value)
      ? []
      : [flaw(path, `is none of ${Object.keys(sets).join(', ')}`, forms)];
  if (!isRecord(value)) return [flaw(path, 'is not a name or an object of patterns', forms)];
  return Object.entries(value).flatMap(([status, texts]) => patternFlaws(status, texts, path));
};

function patternFlaws(status: string, texts: unknown, path: readonly string[]): Flaw[] {
  const inside = [...path, status];
  if (!(statuses as readonly string[]).includes(status))
    return [flaw(inside, `is not a status: they are ${statuses.join(', ')}`, forms)];
  const list: readonly unknown[] = Array.isArray(texts) ? texts : [texts];
  return list.flatMap((text) =>
    typeof text === 'string' ? textFlaws(text, inside) : [flaw(inside, 'is not text', forms)],
  );
}

function textFlaws(text: string, path: readonly string[]): Flaw[] {
  const names = [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const unknown = names.filter((name) => !Object.hasOwn(placeholders, name));
  const known = Object.keys(placeholders).map((name) => `{${name}}`);
  if (unknown.length > 0)
    return [flaw(path, `has the unknown placeholder {${unknown[0]}}`, `They are ${known.join(', ')}.`)];
  if (new Set(names).size < names.length) return [flaw(path, 'has the same placeholder twice', forms)];
  return names.includes('name') ? [] : [flaw(path, 'lacks the placeholder {name}', forms)];
}
