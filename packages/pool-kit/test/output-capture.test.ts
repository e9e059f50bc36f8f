import { formatOutput, type TaskUpdate } from '@pexen/core';
import { expect, test } from 'vitest';
import { OutputCapture } from '../src/worker.ts';

test('output is reported live and kept for the outcome', () => {
  const updates: TaskUpdate[] = [];
  const capture = new OutputCapture((each) => updates.push(each));
  capture.write('stdout', 'one\n');
  capture.write('stderr', Buffer.from('two\n'));
  expect(updates).toEqual([
    { kind: 'output', stream: 'stdout', text: 'one\n' },
    { kind: 'output', stream: 'stderr', text: 'two\n' },
  ]);
  expect(capture.facts).toEqual({
    stdout: { head: 'one\n', tail: '', totalBytes: 4 },
    stderr: { head: 'two\n', tail: '', totalBytes: 4 },
  });
});

test('a character that comes in two chunks stays one', () => {
  const capture = new OutputCapture(() => {});
  const bytes = Buffer.from('é');
  capture.write('stdout', bytes.subarray(0, 1));
  capture.write('stdout', bytes.subarray(1));
  expect(capture.facts.stdout).toEqual({ head: 'é', tail: '', totalBytes: 2 });
});

test('of very long output the first and the last part are kept', () => {
  const capture = new OutputCapture(() => {});
  for (let n = 0; n < 100; n++) capture.write('stdout', `${n}${'x'.repeat(99_990)}${n}\n`);
  const { stdout } = capture.facts;
  expect(stdout?.head.startsWith('0x')).toBe(true);
  expect(stdout?.tail.endsWith('x99\n')).toBe(true);
  expect(stdout?.totalBytes).toBeGreaterThan(9_999_000);
  expect((stdout?.head.length ?? 0) + (stdout?.tail.length ?? 0)).toBeLessThanOrEqual(2 * 1_048_576);
  expect(formatOutput(stdout as never)).toContain('the middle was dropped');
});

test('nothing printed, nothing kept', () => {
  expect(new OutputCapture(() => {}).facts).toEqual({});
});
