/** What a failed test shows: what was expected, where, and how to run it again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorInfo, type TaskInfo } from '@pexen/core';
import { expect, onTestFinished, test } from 'vitest';
import { type Outcome, RunScript } from '../src/conformance/run-script.ts';
import { type LinesOptions, lines, multi } from '../src/index.ts';
import { MemoryStream } from './memory-stream.ts';

async function screenOf(
  outcomes: Readonly<Record<string, Outcome>>,
  options: LinesOptions = {},
  info: Partial<TaskInfo> = {},
): Promise<string[]> {
  const stream = new MemoryStream();
  const script = new RunScript().tasks(Object.keys(outcomes), info);
  let atMs = 0;
  for (const [path, outcome] of Object.entries(outcomes)) script.start(atMs, path).end(++atMs, path, outcome);
  const reporter = multi([lines({ ...options, stream, color: false })], ({ error }) => {
    throw error;
  });
  for (const entry of script.ended(atMs).entries)
    if ('event' in entry) reporter.event(entry.event);
    else reporter.taskUpdate(entry.update);
  await reporter.close();
  return stream.text.split('\n');
}

/** The details of one failure, without the indentation that all have. */
async function detailsOf(
  outcome: Outcome,
  options: LinesOptions = {},
  info: Partial<TaskInfo> = {},
): Promise<string[]> {
  const written = await screenOf({ t: outcome }, options, info);
  return written
    .slice(
      2,
      written.findIndex((line) => line.startsWith('───')),
    )
    .map((line) => line.slice(12));
}

function thrown(error: unknown): Outcome {
  return {
    status: 'failed',
    error: errorInfo(error, undefined, (value) => JSON.stringify(value, undefined, 2)),
  };
}

function withStack<E extends Error>(error: E, ...frames: readonly string[]): E {
  error.stack = [`${error.name}: ${error.message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
}

test('values that differ are compared line by line, and the comparison of the message is left out', async () => {
  const message = 'Expected values to be strictly deep-equal:\n+ actual - expected\n\n  {\n…';
  const error = Object.assign(withStack(new Error(message)), {
    ...{ name: 'AssertionError', code: 'ERR_ASSERTION', operator: 'deepStrictEqual', generatedMessage: true },
    expected: { id: 7, tags: ['new'], total: 42 },
    actual: { id: 7, tags: ['new', 'vip'], total: 42 },
  });
  expect(await detailsOf(thrown(error))).toEqual([
    '- expected  + actual',
    '    "id": 7,',
    '    "tags": [',
    '      "new",',
    '+     "vip",',
    '    ],',
    '    "total": 42,',
    '  }',
  ]);
});

test('long texts are compared by their lines, short ones side by side', async () => {
  const text = Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n');
  const long = Object.assign(withStack(new Error('texts differ')), {
    expected: text,
    actual: text.replace('line 15', 'LINE 15'),
  });
  expect(await detailsOf(thrown(long))).toEqual([
    ...['- expected  + actual', '  line 12', '  line 13', '  line 14', '- line 15', '+ LINE 15'],
    ...['  line 16', '  line 17', '  line 18'],
  ]);
  const short = Object.assign(withStack(new Error('no')), { expected: 'a b c', actual: 'a B c' });
  expect(await detailsOf(thrown(short))).toEqual(['- expected  + actual', '- a b c', '+ a B c']);
});

test('texts that differ everywhere are shown one after the other, up to a limit', async () => {
  const many = (mark: string): string =>
    Array.from({ length: 5_000 }, (_, line) => `${mark}${line}`)
      .join('\n')
      .slice(0, 16_000);
  const details = await detailsOf(
    thrown(Object.assign(withStack(new Error('no')), { expected: many('a'), actual: many('b') })),
  );
  expect(details).toHaveLength(42);
  expect(details.at(-1)).toMatch(/^… \d+ more lines$/);
});

test('own properties are shown, and those of assertion libraries are not', async () => {
  const error = Object.assign(withStack(new Error('refused')), {
    code: 'ECONNREFUSED',
    status: 503,
    body: { a: 1 },
    showDiff: false,
  });
  expect(await detailsOf(thrown(error))).toEqual([
    'code: ECONNREFUSED',
    'status: 503',
    'body: {',
    '  "a": 1',
    '}',
  ]);
});

test('the place is shown with its source, relative to the current directory, and cut to the terminal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-source-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.task.ts');
  writeFileSync(
    file,
    ['one();', 'two();', `three('${'x'.repeat(80)}');`, 'four();', 'five();', 'six();'].join('\n'),
  );
  const url = pathToFileURL(file).href;
  const error = withStack(new Error('no'), `check (${url}?v=2:3:1)`, `node:internal/x:1:1`, `${url}:6:2`);
  expect(await detailsOf(thrown(error), { columns: 60 })).toEqual([
    `at check (${file}:3:1)`,
    '    1 | one();',
    '    2 | two();',
    `  > 3 | three('${'x'.repeat(32)}…`,
    '      | ^',
    '    4 | four();',
    '    5 | five();',
    `at ${file}:6:2`,
  ]);
  const here = withStack(new Error('no'), `f (${join(process.cwd(), 'tests/none.ts')}:5:1)`);
  expect(await detailsOf(thrown(here))).toEqual(['at f (tests/none.ts:5:1)']);
});

test('the causes have their differences and places, too', async () => {
  const cause = Object.assign(withStack(new Error('inner'), 'g (/none/b.ts:2:2)'), {
    expected: 'x',
    actual: 'y',
  });
  expect(await detailsOf(thrown(withStack(new Error('outer', { cause }), 'f (/none/a.ts:1:1)')))).toEqual([
    'at f (/none/a.ts:1:1)',
    'caused by Error: inner',
    '  - expected  + actual',
    '  - x',
    '  + y',
    '  at g (/none/b.ts:2:2)',
  ]);
});

test.each([
  ['a thrown text', { status: 'failed', error: errorInfo('no way') }],
  ['a timeout', { status: 'timed-out', reason: 'timed out after 1 s' }],
  ['a crash', { status: 'crashed', reason: 'was ended by SIGSEGV' }],
] as const)('%s has the place of its task', async (_, outcome) => {
  const location = { file: 'tests/t.ts', line: 7, column: 3 };
  expect(await detailsOf(outcome, {}, { location })).toEqual(['at /home/ada/suite/tests/t.ts:7:3']);
});

test('a failure says how to run its test again', async () => {
  const details = await detailsOf(thrown(withStack(new Error('no'))), {
    rerun: (path) => `pexen run ${path}`,
  });
  expect(details).toEqual(['rerun: pexen run t']);
});

test('failures are repeated at the end, whole, unless they are in view or only their lines are wanted', async () => {
  const failed = thrown(Object.assign(withStack(new Error('no')), { code: 'E1' }));
  const outcomes = { a: failed, b: {}, c: failed };
  const count = (screen: readonly string[]): number =>
    screen.filter((line) => line.includes('code: E1')).length;
  expect(count(await screenOf(outcomes))).toBe(4);
  expect(count(await screenOf(outcomes, { failures: 'short' }))).toBe(2);
  expect(count(await screenOf({ b: {}, c: failed }))).toBe(1);
});

test('only regular files that look like sources are opened, whatever a stack names', async () => {
  for (const file of ['/dev/stdin', '/etc/passwd', '/bin/sh'])
    expect(await detailsOf(thrown(withStack(new Error('no'), `f (${file}:1:1)`)))).toEqual([
      `at f (${file}:1:1)`,
    ]);
});

test('a difference far into long texts is shown with what is around it', async () => {
  const text = 'x'.repeat(2_000);
  const error = Object.assign(withStack(new Error('no')), {
    expected: `${text}A${text}`,
    actual: `${text}B${text}`,
  });
  const [, before = '', after = ''] = await detailsOf(thrown(error));
  expect(before).toMatch(/^- …x{100}Ax+…$/);
  expect(after).toMatch(/^\+ …x{100}Bx+…$/);
});

test.each([
  ['a carriage return', '50%\r60%', '50%', ['- 50%\\r60%', '+ 50%']],
  ['a tab', 'a\tb', 'a  b', ['- a\\tb', '+ a  b']],
  ['another form of a letter', '\u00e9', 'e\u0301', ['- \\u{e9}', '+ e\\u{301}']],
  ['a blank that is not one', 'a\u00a0b', 'a b', ['- a\\u{a0}b', '+ a b']],
  ['a blank at the end', 'a', 'a ', ['- a', '+ a ']],
])('%s in a difference is visible', async (_, expected, actual, shown) => {
  const error = Object.assign(withStack(new Error('no')), { expected, actual });
  expect((await detailsOf(thrown(error))).slice(1)).toEqual(shown);
});

test('a caret beyond the width of the terminal is scrolled into view', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pexen-source-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'long.js');
  writeFileSync(file, `${'a'.repeat(300)}HERE${'b'.repeat(300)}\n`);
  const details = await detailsOf(thrown(withStack(new Error('no'), `f (${file}:1:301)`)), { columns: 60 });
  expect(details.find((line) => line.includes('> 1 |'))).toMatch(/…a+HEREb+…$/);
  const [code = '', caret = ''] = details.filter((line) => line.includes('|'));
  expect(code[caret.indexOf('^')]).toBe('H');
});

test('a long message does not cut off the place', async () => {
  const error = withStack(new Error('m'.repeat(100_000)), 'f (/none/a.ts:1:1)');
  expect((await detailsOf(thrown(error))).at(-1)).toBe('at f (/none/a.ts:1:1)');
});

test('a class that says more than "error" stands before the message', async () => {
  expect((await screenOf({ t: thrown(withStack(new TypeError('x is not a function'))) }))[1]).toContain(
    'TypeError: x is not',
  );
});
