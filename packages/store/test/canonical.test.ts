import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../src/identity/canonical.ts';

/** Values that bodies may get: everything that a structured clone supports, in the order in which bodies see it. */
const values = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
});

describe('a text', () => {
  test('is that of the clone of a value', () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = canonical(value);
        expect(text).toBeDefined();
        expect(canonical(structuredClone(value))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is that of no other value', () => {
    fc.assert(
      fc.property(values, values, (one, other) => {
        // Node's equality is independent of these texts; it distinguishes prototypes and holes, which are lost in a clone.
        const isEqual = isDeepStrictEqual(structuredClone(one), structuredClone(other));
        if (canonical(one) === canonical(other)) expect(isEqual).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test.for([
    ['1', 1],
    [0, -0],
    [1, 1n],
    [null, undefined],
    [NaN, null],
    [[undefined], Array(1)],
    [[], {}],
    [[1, 2], [[1, 2]]],
    [{ a: undefined }, {}],
    [{ a: 1, b: 2 }, { 'a":1,"b': 2 }],
    [new Set([1]), new Map([[1, 1]])],
    [new Map([[1, 2]]), [[1, 2]]],
    [new Date(0), 0],
    [/a/g, /a/i],
    [new Uint8Array([1]), new Int8Array([1])],
    [new Uint8Array([1, 2]), new Uint16Array([513])],
    ['\ud800', '\\ud800'],
    ['true', true],
  ])('distinguishes %o and %o', ([one, other]) => {
    expect(canonical(one)).toBeDefined();
    expect(canonical(other)).toBeDefined();
    expect(canonical(one)).not.toBe(canonical(other));
  });

  test('does not depend on the order of the keys of an object, and does on that of maps and sets', () => {
    expect(canonical({ a: 1, b: { c: 2, d: 3 } })).toBe(canonical({ b: { d: 3, c: 2 }, a: 1 }));
    expect(canonical(new Set([1, 2]))).not.toBe(canonical(new Set([2, 1])));
  });
});

class Point {
  x = 1;
}
const cyclic: unknown[] = [];
cyclic.push([cyclic]);

test.for([
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['an object of a class', new Point()],
  ['an object of a class without entries', new (class {})()],
  ['an error', new Error('no')],
  ['a promise', Promise.resolve(1)],
  ['a symbol as a key', { [Symbol('s')]: 1 }],
  [
    'a getter',
    {
      get now() {
        return 1;
      },
    },
  ],
  ['a hidden entry', Object.defineProperty({}, 'hidden', { value: 1 })],
  ['a list with an entry beside its items', Object.assign([1], { more: 1 })],
  ['a date with an entry', Object.assign(new Date(0), { more: 1 })],
  ['what only pretends to be a date', Object.create(Date.prototype)],
  ['memory that is shared', new Uint8Array(new SharedArrayBuffer(4))],
  ['itself', cyclic],
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    ),
  ],
])('%s cannot be encoded, wherever it is', ([, value]) => {
  expect(canonical(value)).toBeUndefined();
  expect(canonical({ deep: [new Map([['in', value]])] })).toBeUndefined();
});

test('the same object in two places is not a cycle', () => {
  const twice = { a: 1 };
  expect(canonical([twice, twice])).toBe(canonical([{ a: 1 }, { a: 1 }]));
});

test('deeply nested values cannot be encoded', () => {
  let deep: unknown = 0;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(canonical(deep)).toBeUndefined();
});
