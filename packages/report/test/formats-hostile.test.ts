/**
 * For any names, messages and outputs of tasks, readers of each format understand the report, and see what happened. REPORT_RUNS=5000 plays more.
 * JUnit XML has a file of its own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBad, type TaskFinished, type TaskSkipped } from '@pexen/core';
import { validate } from 'ctrf';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { isWhole } from '#sample';
import {
  ctrf,
  github,
  gitlab,
  jsonLines,
  markdown,
  multi,
  type Reporter,
  tap,
  trace,
  verdictOf,
} from '../src/index.ts';
import { plainLine } from '../src/text/plain.ts';
import { eventsOf, type HostileRun, hostileRun } from './hostile-run.ts';
import { MemoryStream } from './memory-stream.ts';
import { readMarkdown } from './validators/markdown.ts';
import { hasPerl, readTap, readWithPerl } from './validators/tap.ts';
import { readTrace } from './validators/trace.ts';
import { readCommand } from './validators/workflow-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'pexen-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RUNS = Number(process.env.REPORT_RUNS ?? (isWhole ? 600 : 30));

const makers = {
  tap: (stream) => tap({ stream, output: 'all' }),
  tap13: (stream) => tap({ stream, output: 'all', version: 13 }),
  ctrf: (stream) => ctrf({ stream, output: 'all' }),
  jsonl: (stream) => jsonLines({ stream, updates: 'all' }),
  markdown: (stream) => markdown({ stream, title: 'nightly `<b>`' }),
  github: (stream) => github({ stream, env: {} }),
  gitlab: (stream) => gitlab({ stream, sections: true, file: join(folder, 'quality.json') }),
  trace: (stream) => trace({ stream }),
} satisfies Record<string, (stream: MemoryStream) => Reporter>;

type Reports = Readonly<Record<keyof typeof makers, string>>;

/** All reports of the run, from one pass over its events. */
async function reportsOf(entries: ReturnType<typeof eventsOf>['entries']): Promise<Reports> {
  const streams = Object.entries(makers).map(([name, make]) => {
    const stream = new MemoryStream();
    return { name, stream, reporter: make(stream) };
  });
  const problems: unknown[] = [];
  const all = multi(
    streams.map(({ reporter }) => reporter),
    ({ error }) => problems.push(error),
  );
  for (const entry of entries)
    if ('event' in entry) all.event(entry.event);
    else all.taskUpdate(entry.update);
  await all.close();
  if (problems.length > 0) throw problems[0];
  return Object.fromEntries(streams.map(({ name, stream }) => [name, stream.text])) as Reports;
}

function isOk(event: TaskFinished | TaskSkipped): boolean {
  const { verdict } = verdictOf(event);
  return !isBad(verdict) && verdict !== 'cancelled';
}

/** As a reader of TAP has it. */
function readable(name: string): string {
  return plainLine(name).replace(/\{$/, '{…');
}

function checkTap(
  text: string,
  { ended, late }: HostileRun,
  ends: readonly (TaskFinished | TaskSkipped)[],
): void {
  const read = readTap(text);
  expect(read.problems).toEqual([]);
  expect(read.points).toHaveLength(ends.length + late.length);
  for (const [index, event] of ends.entries()) {
    const { ok, todo, name } = read.points[index] as (typeof read.points)[number];
    expect(ok || todo !== false).toBe(isOk(event));
    expect(name).toBe(readable(event.path));
  }
  expect(read.subtests.map(([, points]) => points.length)).toEqual(
    ends.flatMap((event) =>
      'findings' in event && event.findings.length > 0 ? [event.findings.length] : [],
    ),
  );
  const names = ends.flatMap((event) =>
    'findings' in event ? event.findings.map(({ name }) => readable(name)) : [],
  );
  expect(read.subtests.flatMap(([, points]) => points.map(({ name }) => name))).toEqual(names);
  expect(read.bailout !== false).toBe(ended === undefined);
}

function checkLines(text: string, count: number): void {
  const lines = text.trimEnd().split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  expect(lines).toHaveLength(count);
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('type');
}

function checkMarkdown(text: string): void {
  const { headings, foreign, open } = readMarkdown(text);
  expect(foreign).toEqual([]);
  expect(open).toBe(0);
  expect(headings[0]).toMatch(/^\S+ <code>nightly &#96;&#60;b&#62;&#96;<\/code>: /);
  const known = [
    'Failures',
    'Late errors',
    'Flaky, with warnings, or failed as expected',
    'Skipped',
    'Poisoned',
    'Slowest',
  ];
  for (const heading of headings.slice(1)) expect(known).toContain(heading);
  expect(text.length).toBeLessThan(61_000);
}

function checkCommands(text: string): void {
  for (const line of text === '' ? [] : text.trimEnd().split(/[\r\n]/)) {
    const command = readCommand(line);
    expect(['error', 'warning']).toContain(command?.name);
    expect(
      Object.keys(command?.properties ?? {}).filter((key) => !['file', 'line', 'title'].includes(key)),
    ).toEqual([]);
  }
}

const ESC = String.fromCharCode(27);
const mark = new RegExp(
  `${ESC}\\[0Ksection_(start|end):\\d+:(\\w+)(?:\\[collapsed=true\\])?\\r${ESC}\\[0K`,
  'g',
);

/** Nothing inside of a section can open or end one. */
function checkSections(text: string): void {
  const marks = [...text.matchAll(mark)];
  for (let at = 0; at < marks.length; at += 2) {
    expect([marks[at]?.[1], marks[at + 1]?.[1]]).toEqual(['start', 'end']);
    expect(marks[at]?.[2]).toBe(marks[at + 1]?.[2]);
  }
  const others = text.replaceAll(mark, '');
  expect([...others].filter((character) => character === ESC || character === '\r')).toEqual([]);
}

test('readers understand every report', { timeout: 60_000 + 100 * RUNS }, async () => {
  const forPerl: { readonly file: string; readonly points: number }[] = [];
  await fc.assert(
    fc.asyncProperty(hostileRun, async (run) => {
      const { entries, ends, open } = eventsOf(run);
      const reports = await reportsOf(entries);
      checkTap(reports.tap, run, ends);
      const report = JSON.parse(reports.ctrf) as { results: { tests: readonly unknown[] } };
      expect(validate(report)).toMatchObject({ valid: true });
      expect(report.results.tests).toHaveLength(ends.length + run.late.length + open);
      checkLines(reports.jsonl, entries.length);
      checkMarkdown(reports.markdown);
      checkCommands(reports.github);
      checkSections(reports.gitlab);
      expect(readTrace(reports.trace).problems).toEqual([]);
      const file = join(folder, `${forPerl.length}.tap`);
      writeFileSync(file, reports.tap13);
      if (run.ended !== undefined) forPerl.push({ file, points: ends.length + run.late.length });
    }),
    { numRuns: RUNS },
  );
  if (!hasPerl) return;
  const read = readWithPerl(forPerl.map(({ file }) => file));
  expect(read.flatMap(({ errors }) => errors)).toEqual([]);
  expect(read.map(({ ok }) => ok.length)).toEqual(forPerl.map(({ points }) => points));
});
