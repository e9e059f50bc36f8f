/** Regular expressions of CMake: by hand, and against CMake itself where that is installed. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { bytesOf, cmakePattern } from '../../src/ctest/cmake-regex.ts';
import { scratch } from '../scratch.ts';

const matches = (expression: string, text: string): boolean | undefined =>
  cmakePattern(expression)?.(bytesOf(text));

describe('by hand', () => {
  test.each([
    ['a.c', 'a\nc', true],
    ['^b', 'a\nb', false],
    ['a$', 'a\nb', false],
    ['a$', 'b\na', true],
    ['[a\\]', '\\', true],
    ['[]a]+b', ']ab', true],
    ['[^]a]', ']a', false],
    ['[a-]', '-', true],
    ['[a-c-e]', 'd', true],
    ['\\d', '5', false],
    ['\\d', 'd', true],
    ['a{2}', 'aa', false],
    ['a{2}', 'a{2}', true],
    ['(a|b)+c', 'xabac', true],
    ['(a|)b', 'b', true],
    ['gr..e', 'größe', false],
    ['gr..ße', 'größe', true],
    ['', 'anything', true],
  ])('%j in %j: %s', (expression, text, expected) => {
    expect(matches(expression, text)).toBe(expected);
  });

  test.each(['(a', 'a)', '[a', 'a**', 'a+?', '*a', '(a*)*', '^*', 'a\\', '[b-a]', '(|a)+'])(
    '%j is refused, and matches nothing',
    (expression) => {
      expect(cmakePattern(expression)).toBeUndefined();
    },
  );
});

describe.skipIf(spawnSync('cmake', ['--version']).status !== 0)('against CMake (needs cmake)', () => {
  const cases = Array.from({ length: isWhole ? 20_000 : 3_000 }, (_, at) => randomCase(seed + at));
  const isRefused = ([expression]: Case): boolean => cmakePattern(expression) === undefined;

  test('random expressions match the same texts', () => {
    const valid = cases.filter((each) => !isRefused(each));
    const { lines, stderr } = byCMake(valid);
    const different = valid.flatMap(([expression, text], at) => {
      const ours = `${matches(expression, text)}`;
      return ours === lines[at] ? [] : [`${expression} in ${text}: ${lines[at]} by CMake, ${ours} by pexen`];
    });
    expect(different, stderr).toEqual([]);
    for (const answer of ['true', 'false'])
      expect(lines.filter((each) => each === answer).length).toBeGreaterThan(valid.length / 20);
  });

  test('expressions that are refused here are refused there', () => {
    const refused = cases.filter(isRefused);
    expect(refused.length).toBeGreaterThan(cases.length / 20);
    for (const each of refused.slice(0, isWhole ? 150 : 30)) {
      const { lines, stderr } = byCMake([each]);
      expect([each[0], lines, /cannot compile/.test(stderr)]).toEqual([each[0], [], true]);
    }
  });
});

type Case = readonly [expression: string, text: string];

/** Made of few characters, so that many match, and many are odd. */
function randomCase(of: number): Case {
  const random = randomFrom(of);
  const pick = (from: string, most: number): string =>
    Array.from(
      { length: Math.floor(random() * (most + 1)) },
      () => from[Math.floor(random() * from.length)],
    ).join('');
  return [pick('aabbc..^$[]-()||*+?\\-', 9), pick('aabbcd.-]\n', 8)];
}

function randomFrom(of: number): () => number {
  let state = of >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    const once = Math.imul(state ^ (state >>> 15), state | 1);
    const mixed = once ^ (once + Math.imul(once ^ (once >>> 7), once | 61));
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What CMake prints, `true` or `false` for each case until it refuses one, and why. */
function byCMake(cases: readonly Case[]): { readonly lines: readonly string[]; readonly stderr: string } {
  const file = join(scratch({}), 'match.cmake');
  const script = cases.map(([expression, text]) => scriptFor(expression, text));
  writeFileSync(file, ['cmake_policy(VERSION 3.20)', ...script].join('\n'));
  const { stdout, stderr } = spawnSync('cmake', ['-P', file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const lines = stdout.split('\n').filter((line) => line.startsWith('-- is '));
  return { lines: lines.map((line) => line.slice(6)), stderr };
}

function scriptFor(expression: string, text: string): string {
  const quoted = (value: string): string => `[====[\n${value}]====]`;
  return `set(text ${quoted(text)})
set(expression ${quoted(expression)})
if("\${text}" MATCHES "\${expression}")
  message(STATUS "is true")
else()
  message(STATUS "is false")
endif()`;
}
