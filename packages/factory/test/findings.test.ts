/** Findings that programs write down line by line. */
import type { Finding } from '@pexen/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostFindings, readReport as readInto } from '../src/programs/findings.ts';

const readReport = (text: string): readonly Finding[] => readInto(text).toArray();

test.each<[string, Finding]>([
  ['pass dns', { name: 'dns', status: 'pass' }],
  ['fail dns: no answer: none', { name: 'dns', status: 'fail', message: 'no answer: none' }],
  ['  warn\tthe disk / is full: 97 %\r', { name: 'the disk / is full', status: 'warn', message: '97 %' }],
  ['skip a:b: ', { name: 'a:b:', status: 'skip' }],
  ['todo IPv6 ::1: not yet', { name: 'IPv6 ::1', status: 'todo', message: 'not yet' }],
  ['info pass', { name: 'pass', status: 'info' }],
  ['{"name":"x","status":"pass"}', { name: 'x', status: 'pass' }],
  [
    '{"name":"x","status":"info","message":"m","data":{"a":[1,null]},"more":1}',
    { name: 'x', status: 'info', message: 'm', data: { a: [1, null] } },
  ],
])('%j', (line, finding) => {
  expect(readReport(line)).toEqual([finding]);
  expect(readReport(`\n# a comment\n${line}\n\n`)).toEqual([finding]);
});

test.each([
  ['hello', 'begins with none of pass, fail'],
  ['pass', 'begins with none of pass, fail'],
  ['PASS x', 'begins with none of'],
  ['pass : a', 'it has no name'],
  ['{"name":"x"', 'it is not JSON'],
  ['{"status":"pass"}', 'it has no name'],
  ['{"name":7,"status":"pass"}', 'it has no name'],
  ['{"name":"x","status":"passed"}', 'its status is none of'],
  ['{"name":"x","status":"pass","message":1}', 'its message is not text'],
  ['{"name":"x","status":"pass","data":{"a":[{"__proto__":1}]}}', 'has a key such as __proto__'],
  [
    `{"name":"x","status":"pass","data":${'['.repeat(200)}${']'.repeat(200)}}`,
    'nested deeper than 64 levels',
  ],
])('a line that cannot be read is a warning: %.40j', (line, why) => {
  const [finding, ...more] = readReport(`\n${line}\n`);
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ name: 'report line 2', status: 'warn' });
  expect(finding?.message).toContain(why);
  expect(finding?.message?.length).toBeLessThan(400);
});

test.each([
  ['failed x', 'begins with none of'],
  ['FAIL x: y', 'begins with none of'],
  ['fail: y', 'begins with none of'],
  ['fail', 'begins with none of'],
  ['{"name":"x","status":"fail"', 'it is not JSON'],
  ['{"status":"fail"}', 'it has no name'],
  ['{"name":"x","status":"failed"}', 'its status is none of'],
  ['{"name":"x","status":"fail","message":1}', 'its message is not text'],
])('a line that cannot be read, but says that something failed, is a failure: %s', (line, why) => {
  const [finding] = readReport(line);
  expect(finding).toMatchObject({ name: 'report line 1', status: 'fail' });
  expect(finding?.message).toContain(why);
});

test.each(['\0\0\0fail x: y', '\ufefffail x: y', 'fail x: y\r', ' fail x: y', 'fail \ufffdx: y'])(
  'a failure is read after bytes that are not text: %j',
  (line) => {
    expect(readReport(line)).toMatchObject([{ status: 'fail', message: 'y' }]);
  },
);

test('a flood of bad lines is a few warnings', () => {
  const findings = readReport('x\n'.repeat(100_000));
  expect(findings).toHaveLength(21);
  expect(findings.at(-1)).toEqual({
    name: 'report',
    status: 'warn',
    message: '99980 more lines cannot be read',
  });
});

test('of very many findings, the failing ones are kept', () => {
  const kept = readReport(`${'pass a\n'.repeat(mostFindings)}fail b\npass c`);
  expect(kept).toHaveLength(mostFindings + 1);
  expect(kept.filter(({ status }) => status === 'fail')).toHaveLength(1);
  expect(kept.at(-1)).toEqual({ name: 'report', status: 'info', message: '2 more findings are not shown' });
});

test('a warning that is not shown is a warning', () => {
  const kept = readReport(`${'pass a\n'.repeat(mostFindings)}warn b\n`);
  expect(kept.at(-1)).toEqual({ name: 'report', status: 'warn', message: '1 more findings are not shown' });
});

test('a finding in JSON may have a place and a duration', () => {
  const given = { name: 'a', status: 'fail', durationMs: 3, location: { file: 'a.c', line: 7 } };
  expect(readReport(JSON.stringify(given))).toEqual([given]);
});

test('whatever a program writes, reading it ends and throws nothing', () => {
  const words = fc.constantFrom(
    'pass',
    'fail',
    ' ',
    ': ',
    '\n',
    '{',
    '}',
    '"name"',
    '"status"',
    ':',
    '"pass"',
    ',',
    '"data"',
    '[',
    ']',
    '\0',
    '\ud800',
    '#',
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 80 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
    fc.json(),
  );
  fc.assert(
    fc.property(text, (report) => {
      for (const { name, status } of readReport(report)) {
        expect(name).not.toBe('');
        expect(['pass', 'fail', 'warn', 'skip', 'todo', 'info']).toContain(status);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('what is written as JSON is read as it was', () => {
  const finding = fc.record(
    {
      name: fc.string({ minLength: 1 }),
      status: fc.constantFrom('pass', 'fail', 'warn', 'skip', 'todo', 'info'),
      message: fc.string(),
      data: fc
        .jsonValue({ maxDepth: 5 })
        .filter((data) => !/__proto__|constructor|prototype/.test(JSON.stringify(data)))
        .map((data) => JSON.parse(JSON.stringify(data)) as unknown), // JSON knows no -0.
    },
    { requiredKeys: ['name', 'status'] },
  );
  fc.assert(
    fc.property(fc.array(finding), (all) => {
      expect(readReport(all.map((each) => JSON.stringify(each)).join('\n'))).toEqual(all);
    }),
  );
});
