import { expect, test } from 'vitest';
import type { History } from '../../src/history/history.ts';
import { exportHistory, readExport } from '../../src/history/transfer.ts';
import { aRun, otherKind, passed, scratchHistory, thisKind } from './support.ts';

function linesOf(history: History): string[] {
  const lines: string[] = [];
  exportHistory(history, (line) => lines.push(line), thisKind);
  return lines;
}

/** A history of some of ten runs; equal numbers are equal runs. */
function historyOf(numbers: readonly number[]): History {
  const { history } = scratchHistory();
  for (const number of numbers) {
    const machine = number % 3 === 0 ? otherKind : thisKind;
    const samples = [passed('a', 100 + number), passed(`t${number % 4}`, 10 * number + 1, { digest: 'd' })];
    history.record(aRun(number, { machine }), samples);
  }
  return history;
}

function merged(...histories: readonly History[]): string[] {
  const { history } = scratchHistory();
  for (const each of histories) history.take(readExport(linesOf(each), 'FILE'));
  return linesOf(history);
}

test('an export holds runs, their samples, and what is expected', () => {
  const { history } = scratchHistory();
  history.record(aRun(1), [passed('net/a', 100), passed('b', 2.5)]);
  expect(linesOf(history).map((line) => JSON.parse(line))).toEqual([
    { type: 'history', version: 1 },
    { type: 'run', ...aRun(1) },
    { type: 'sample', ...passed('b', 2.5) },
    { type: 'sample', ...passed('net/a', 100) },
    { type: 'weight', path: 'b', weightMs: 2.5 },
    { type: 'weight', path: 'net/a', weightMs: 100 },
  ]);
});

test('importing is a union: in any order, in any grouping, and twice', () => {
  const random = seeded(11);
  for (let round = 0; round < 10; round++) {
    const [a, b, c] = [0, 1, 2].map(() =>
      historyOf(Array.from({ length: 10 }, (_, number) => number).filter(() => random() < 0.5)),
    ) as [History, History, History];
    const all = merged(a, b, c);
    expect(merged(c, a, b)).toEqual(all);
    expect(merged(b, b, c, a, a)).toEqual(all);
    const { history: left } = scratchHistory();
    left.take(readExport(merged(a, b), 'FILE'));
    expect(merged(left, c)).toEqual(all);
  }
});

test('what is known already is counted as not new', () => {
  const history = historyOf([1, 2, 3]);
  expect(history.take(readExport(linesOf(historyOf([2, 3, 4, 5])), 'FILE'))).toEqual({ runs: 2, samples: 4 });
});

test.each([
  ['', 'FILE is empty'],
  ['{', 'FILE:1 is not a JSON object'],
  ['{"type":"run"}', 'FILE is not an export: its first line is another one'],
  ['{"type":"history","version":2}', 'FILE has version 2; this version of pexen reads 1'],
  [
    '{"type":"history","version":1}\n{"type":"run","id":"a"}',
    'FILE:2 is not a run: an entry is missing or of another type',
  ],
  ['{"type":"history","version":1}\n{"type":"sample"}', 'FILE:2 has a sample before any run'],
])('other files are refused: %s', (text, message) => {
  const { history } = scratchHistory();
  const lines = text === '' ? [] : text.split('\n');
  expect(() => history.take(readExport(lines, 'FILE'))).toThrow(`PEXEN_BAD_HISTORY_FILE: ${message}`);
  expect(history.runs()).toEqual([]);
});

test('lines that a newer version has added are passed over', () => {
  const { history } = scratchHistory();
  const lines = ['{"type":"history","version":1}', '', '{"type":"weather","is":"fine"}'];
  expect(history.take(readExport(lines, 'FILE'))).toEqual({ runs: 0, samples: 0 });
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
