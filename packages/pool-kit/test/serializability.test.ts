import { describe, expect, test } from 'vitest';
import { describeViolation, encodeOutcome, findViolation } from '../src/index.ts';

const described = (value: unknown): string | undefined => {
  const violation = findViolation(value, 'value');
  return violation && describeViolation(violation);
};

function nested(levels: number): object {
  let value: object = {};
  for (let i = 0; i < levels; i++) value = { in: value };
  return value;
}

describe('a value that cannot be sent is named by its path', () => {
  test.each([
    ['a function', () => 1, 'value is a function'],
    ['a symbol', Symbol('x'), 'value is a symbol'],
    ['a function deep inside', { db: { 'a b': [1, { f() {} }] } }, 'value.db["a b"][1].f is a function'],
    ['a function in a Map', new Map([['k', () => 1]]), 'value.get("k") is a function'],
    ['a function in a Set', new Set([1, () => 1]), 'value.values()[1] is a function'],
    ['a promise', [Promise.resolve()], 'value[0] is a promise'],
    ['a WeakMap', new WeakMap(), 'value is a WeakMap'],
    ['a proxy', { p: new Proxy({}, {}) }, 'value.p is a proxy'],
    ['shared memory', new SharedArrayBuffer(1), 'value is shared memory'],
    ['a view of shared memory', new Uint8Array(new SharedArrayBuffer(1)), 'value is a view of shared memory'],
    [
      'a method of a class',
      new (class {
        run = () => 1;
      })(),
      'value.run is a function',
    ],
    [
      'a key that is a prototype',
      JSON.parse('{ "a": { "__proto__": 1 } }'),
      'value.a is an object with the key "__proto__", which is refused',
    ],
    [
      'a key that leads to one',
      { constructor: { prototype: {} } },
      'value is an object with the key "constructor", which is refused',
    ],
    [
      'a property that throws',
      {
        get x() {
          throw new Error('no');
        },
      },
      'value is an object whose property "x" cannot be read: Error: no',
    ],
  ])('%s', (_name, value, expected) => {
    expect(described(value)).toBe(expected);
  });
});

describe('values that can be sent', () => {
  test.each([
    ['primitives', [1, 'a', 1n, null, undefined, true, Number.NaN]],
    [
      'Map, Set, Date, RegExp, buffers',
      [new Map([[{}, 1]]), new Set([1]), new Date(), /x/, Buffer.from('x')],
    ],
    [
      'a class with data only',
      new (class {
        n = 1;
      })(),
    ],
    ['a word that happens to be "constructor"', { constructor: 'McLaren' }],
    ['an error', new Error('x')],
  ])('%s', (_name, value) => {
    expect(described(value)).toBeUndefined();
    expect(() => structuredClone(value)).not.toThrow();
  });

  test('a cycle', () => {
    const value: { self?: unknown } = {};
    value.self = [value];
    expect(described(value)).toBeUndefined();
  });
});

test('nesting that would overflow a stack is refused, without overflowing one', () => {
  expect(described(nested(999))).toBeUndefined();
  expect(described(nested(1_000_000))).toMatch(/^value\.in\.in.*….*\.in is nested deeper than 1000 levels$/);
});

test('a long list takes linear time', () => {
  expect(described(Array.from({ length: 1_000_000 }, (_, n) => ({ n })))).toBeUndefined();
});

describe('over a channel of JSON', () => {
  const json = (value: unknown): string | undefined => {
    const violation = findViolation(value, 'value', { json: true });
    return violation && describeViolation(violation);
  };
  const itself: { list: unknown[] } = { list: [] };
  itself.list.push(itself);

  test.each([
    ['a Map', { a: new Map() }, 'value.a is a Map, which JSON does not keep'],
    ['a Date', [new Date()], 'value[0] is a Date, which JSON does not keep'],
    ['bytes', new Uint8Array(1), 'value is a Uint8Array, which JSON does not keep'],
    [
      'what says another text of itself',
      { u: new URL('http://x') },
      'value.u is a URL, which JSON does not keep',
    ],
    ['a bigint', { n: 1n }, 'value.n is 1, which JSON does not know'],
    ['no number', [Number.NaN], 'value[0] is NaN, which JSON does not know'],
    ['a hole', [1, undefined], 'value[1] is undefined in a list, which JSON does not know'],
    ['a circle', itself, 'value.list[0] is an object that holds itself'],
  ])('%s is named', (_what, value, expected) => {
    expect(json(value)).toBe(expected);
    expect(described(value)).toBeUndefined();
  });

  test('values that JSON restores pass, an object that occurs twice included', () => {
    const twice = { n: 1 };
    expect(json({ twice, list: [twice, null, 'x', -0.5, true], missing: undefined })).toBeUndefined();
  });

  test.each([1n, Number.NaN])('%s as the whole of an outcome is an error of the task', (value) => {
    const outcome = encodeOutcome({ kind: 'returned', value }, 'task', { json: true });
    expect(outcome.kind).toBe('threw');
    expect(encodeOutcome({ kind: 'returned', value }, 'task').kind).toBe('returned');
  });
});
