import type { AttemptInfo, CapturedOutput, Verdict } from '@pexen/core';
import type { TaskSnapshot } from '@pexen/report';
import { expect, test } from 'vitest';
import { forPage } from '../src/index.ts';

function ended(verdict: Verdict, stdout: CapturedOutput): TaskSnapshot {
  const attempt: AttemptInfo = {
    ...{ attempt: 1, outcome: 'returned', worker: 'process 0', startedAtMs: 0, durationMs: 1, stdout },
  };
  return {
    facts: {
      ...{ id: 0, path: 'a', callPath: ['a'], nameKind: 'ordinal', recallable: true, rerunnable: true },
    },
    ...{ state: 'done', sinceMs: 1, version: 1 },
    result: {
      ...{ status: 'returned', judgement: { verdict }, endedAtMs: 1, durationMs: 1, attempts: [attempt] },
      ...{ findings: [], flaky: false, slow: false, reason: [], providersGone: [] },
    },
  };
}

test('short output stays as it is, and long output keeps its beginning and its end', () => {
  const short = ended('pass', { head: 'all', tail: '', totalBytes: 3 });
  expect(forPage(short)).toBe(short);

  const text = `first${'x'.repeat(50_000)}last`;
  const long = forPage(ended('fail', { head: text, tail: '', totalBytes: text.length, file: 'out/1' }));
  const { head, tail, totalBytes, file } = long.result?.attempts[0]?.stdout ?? {};
  expect([head?.slice(0, 5), tail?.slice(-4), totalBytes, file]).toEqual([
    'first',
    'last',
    text.length,
    'out/1',
  ]);
  expect((head?.length ?? 0) + (tail?.length ?? 0)).toBe(20_000);
});

test('of output whose middle was dropped already, no text is in both parts', () => {
  const whole = forPage(ended('pass', { head: 'a'.repeat(900), tail: 'b'.repeat(900), totalBytes: 9000 }));
  const { head, tail } = whole.result?.attempts[0]?.stdout ?? {};
  expect(head).toMatch(/^a{333}$/);
  expect(tail).toMatch(/^b{667}$/);
});
