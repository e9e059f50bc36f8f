/** Options and the tables that validate them. */
import { describe, expect, it } from 'vitest';
import {
  anyText,
  byName,
  callable,
  clock,
  flag,
  having,
  isA,
  type Kind,
  listOf,
  number,
  oneOf,
  optionProblems,
  record,
  table,
  text,
  whole,
  wholeOrInfinity,
} from '../src/options.ts';

const problems = (options: unknown, kinds: Record<string, Kind>, needed: string[] = []) =>
  optionProblems('pool', options, kinds, needed).map(
    ({ message, hint }) => `${message}${hint === undefined ? '' : ` → ${hint}`}`,
  );

describe('options', () => {
  it.each([
    [3, 'a number'],
    [null, 'null'],
    [[], 'a list'],
    [() => 1, 'a function'],
  ])('%o are none', (options, kind) => {
    expect(optionProblems('inline', options, { concurrency: whole(1) })).toEqual([
      {
        code: 'PEXEN_BAD_OPTION',
        message: `inline: its options must be an object, not ${kind}`,
        hint: 'Write inline({ concurrency: … }).',
      },
    ]);
  });

  it('are all checked, and all problems are reported together', () => {
    const kinds = { workers: whole(1), file: text, quiet: flag };
    expect(problems({ worker: 2, workers: 0, quiet: 'no' }, kinds, ['file'])).toEqual([
      'pool: needs the option "file"',
      'pool: has no option "worker" → Did you mean "workers"?',
      'pool: workers must be a whole number, 1 or more, not 0',
      'pool: quiet must be true or false, not "no"',
    ]);
    expect(problems({ xyz: 1 }, kinds)).toEqual([
      'pool: has no option "xyz" → There are: workers, file, quiet.',
    ]);
  });

  it('may be left out, also by undefined, but not by null', () => {
    expect(problems({ a: undefined }, { a: whole(1), b: text })).toEqual([]);
    expect(problems({ a: null }, { a: whole(1) })).toEqual([
      'pool: a must be a whole number, 1 or more, not null',
    ]);
    expect(problems({ a: undefined }, { a: text }, ['a'])).toEqual(['pool: needs the option "a"']);
  });

  it('named like properties of every object are unknown', () => {
    expect(problems({ constructor: 1, toString: 2 }, { a: flag })).toHaveLength(2);
    expect(problems(JSON.parse('{ "__proto__": 1 }'), { a: flag })).toHaveLength(1);
  });
});

describe('a kind', () => {
  const later: Kind = callable('Write a function.');
  it.each<[Kind, unknown, string]>([
    [number(0), -1, 'x must be a number, 0 or more, not -1'],
    [number(0), Number.NaN, 'x must be a number, 0 or more, not NaN'],
    [number(0), '5s', 'x must be a number, 0 or more, not "5s" → Write x: 5000 (milliseconds).'],
    [whole(1, 8), 9, 'x must be a whole number, 1 to 8, not 9'],
    [whole(1), Infinity, 'x must be a whole number, 1 or more, not Infinity'],
    [whole(0), 1.5, 'x must be a whole number, 0 or more, not 1.5'],
    [wholeOrInfinity(1), 0.5, 'x must be a whole number, 1 or more, or Infinity, not 0.5'],
    [oneOf('auto', 'node', false), 'nod', 'x must be "auto" or "node" or false, not "nod"'],
    [text, '', 'x must be a non-empty string, not ""'],
    [anyText, 'x'.repeat(50).split(''), 'x must be a string, not a list'],
    [flag, 'x'.repeat(41), 'x must be true or false, not a longer string'],
    [later, Promise.resolve(), 'x must be a function, not a promise → Write a function.'],
    [record, [], 'x must be an object, not a list'],
    [clock, { now: () => 1 }, 'x must be a clock with now(), wallNow() and after(), not an object'],
    [having('a stream', ['write']), 7, 'x must be a stream, not 7'],
    [listOf('strings', text), 'a', 'x must be a list of strings, not "a" → Write x: [\'a\'].'],
    [
      listOf('strings', text),
      new Set(['a']),
      'x must be a list of strings, not an object → Make it a list: x: [...values].',
    ],
    [listOf('strings', text), ['a', 7], 'x.1 must be a non-empty string, not 7'],
    [byName(flag), { a: true, b: 1 }, 'x.b must be true or false, not 1'],
    [byName(flag), 5, 'x must be an object, by name, not 5'],
    [table({ a: flag }), { b: 1 }, 'x has no option "b" → There are: a.'],
    [table({ a: callable('Write a.') }, ['a']), {}, 'x needs the option "a" → Write a.'],
    [isA('even', (value) => Number(value) % 2 === 0), 3, 'x must be even, not 3'],
  ])('%#: %o', (kind, value, complaint) => {
    expect(problems({ x: value }, { x: kind })).toEqual([`pool: ${complaint}`]);
  });

  it.each<[Kind, unknown]>([
    [number(0), Infinity],
    [wholeOrInfinity(1), Infinity],
    [whole(1, 8), 8],
    [oneOf('a', true), true],
    [anyText, ''],
    [listOf('strings', text), []],
    [byName(flag), {}],
    [record, new Map()],
    [clock, { now() {}, wallNow() {}, after() {} }],
  ])('%#: takes %o', (kind, value) => {
    expect(problems({ x: value }, { x: kind })).toEqual([]);
  });
});
