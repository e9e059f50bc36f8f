import type { Verdict } from '@pexen/core';
import { expect, test } from 'vitest';
import { flakinessOf } from '../../src/history/flakiness.ts';

/** `p` pass, `F` fail, `~` flaky, `s` skip; the latest first, all of the same code unless there is a digest behind each. */
function scoreOf(verdicts: string, digests = 'a'.repeat(verdicts.length)): string {
  const words: Readonly<Record<string, Verdict>> = { p: 'pass', F: 'fail', '~': 'flaky', s: 'skip' };
  const runs = [...verdicts].map((letter, at) => ({
    verdict: words[letter] as Verdict,
    digest: digests[at] === '?' ? undefined : digests[at],
  }));
  const flakiness = flakinessOf(runs);
  return flakiness === undefined ? 'steady' : `${flakiness.events} events, ${flakiness.score.toFixed(2)}`;
}

test('what always has the same verdict is steady', () => {
  expect(scoreOf('')).toBe('steady');
  expect(scoreOf('pppppppp')).toBe('steady');
  expect(scoreOf('FFFFFFFF')).toBe('steady');
});

test('one event may have had any reason', () => {
  expect(scoreOf('pppp~ppp')).toBe('steady');
  expect(scoreOf('FFFFpppp')).toBe('steady');
  expect(scoreOf('~pppp~pp')).toBe('2 events, 0.12');
});

test('a verdict that changes though the code does not is an event', () => {
  expect(scoreOf('pFpp')).toBe('2 events, 0.16');
  expect(scoreOf('pFpp', 'abcc')).toBe('steady');
  expect(scoreOf('pFpp', '????')).toBe('steady');
});

test('runs that decided nothing are passed over', () => {
  expect(scoreOf('psFsp')).toBe(scoreOf('pFp'));
});

test('old events count less, and those of more than fifty runs ago not at all', () => {
  const score = (verdicts: string): number => Number(scoreOf(verdicts).split(', ')[1]);
  expect(score(`~~${'p'.repeat(30)}`)).toBeGreaterThan(score(`${'p'.repeat(30)}~~`));
  expect(scoreOf(`${'p'.repeat(50)}~~`)).toBe('steady');
});
