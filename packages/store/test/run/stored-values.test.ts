/** Values as they are stored and read, secrets that are not, and errors that read like those that were recorded. */
import { inspect } from 'node:util';
import { comparableForm, type ErrorInfo, errorInfo, isTaskFailError } from '@pexen/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secrets } from '../../src/run/secrets.ts';
import { errorOf } from '../../src/run/stored-errors.ts';
import { readValue, storeValue } from '../../src/run/stored-values.ts';

const none = new Secrets();
const store = (value: unknown) => storeValue(value, none);
const stored = (value: unknown) => JSON.parse(JSON.stringify(store(value)));

describe('a value', () => {
  test('of any plain kind is read as it was stored', () => {
    const plain = fc.anything({
      ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
      withSparseArray: true,
    });
    fc.assert(
      fc.property(plain, (value) => {
        const read = readValue(stored(value));
        expect(read).toEqual({ value });
      }),
    );
  });

  test.each([
    ['plain data', { a: [1, 'two', null, { b: false }] }],
    ['a text with any characters', 'a\ud800b\0c'],
    ['a key that could reach a prototype', JSON.parse('{"__proto__": 1}')],
  ])('that JSON represents exactly is JSON: %s', (_what, value) => {
    expect(store(value)).toEqual({ json: value });
    expect(readValue(stored(value))).toEqual({ value });
  });

  test.each([
    ['undefined in it', { a: undefined }],
    ['a negative zero', -0],
    ['not a number', Number.NaN],
    [
      'a cycle',
      (() => {
        const cycle: Record<string, unknown> = {};
        cycle.self = cycle;
        return cycle;
      })(),
    ],
    ['a hole', Object.assign([1], { 2: 3 })],
    ['a map', new Map([[{ a: 1 }, new Set([1n])]])],
    ['bytes', Buffer.from('bytes')],
    ['an error', new TypeError('no')],
  ])('with %s has the format of clones', (_what, value) => {
    expect(store(value)).toHaveProperty('clone');
    expect(readValue(stored(value))).toEqual({ value });
  });

  class Server {
    readonly port = 80;
  }
  test.each([
    ['it contains a function "listen"', { listen() {} }],
    ['it contains a function', () => {}],
    ['it contains a symbol', [Symbol('s')]],
    ['it contains an instance of Server', new Map([['server', new Server()]])],
    ['it contains an instance of Promise', Promise.resolve()],
    ['it contains an instance of WeakMap', new WeakMap()],
    ['it has a getter "now"', Object.defineProperty({}, 'now', { get: () => 1, enumerable: true })],
    ['it contains Error with a property "code"', Object.assign(new Error('no'), { code: 'E' })],
    ['it has a property whose key is a symbol', { [Symbol('s')]: 1 }],
  ])('that would not come back as it is, is not stored: %s', (lost, value) => {
    expect(store(value)).toEqual({ lost });
  });

  test('that is too deep or too large is not stored', () => {
    let deep: unknown = new Map();
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(store(deep)).toEqual({ lost: 'it is nested too deeply or too large' });
    expect(store('x'.repeat(64 * 1024 * 1024))).toEqual({ lost: 'it is larger than 64 MiB' });
  });

  test('that is damaged is lost when it is read', () => {
    expect(readValue({ clone: 'AAAA' })).toHaveProperty('lost');
    expect(readValue(undefined)).toEqual({ value: undefined });
  });
});

describe('secrets', () => {
  const secrets = new Secrets([/sk-\w+/, /hunter2/g]);

  test('are replaced in all texts of data, keys aside', () => {
    const data = { message: 'sk-123 and sk-456', of: [{ text: 'hunter2 hunter2' }, 7, null] };
    expect(secrets.masked(data)).toEqual({ message: '*** and ***', of: [{ text: '*** ***' }, 7, null] });
    expect(none.masked(data)).toBe(data);
  });

  test.each([
    ['a text', 'key sk-123'],
    ['an object', { a: [{ b: 'hunter2' }] }],
    ['a key', { 'sk-123': 1 }],
    ['a map', new Map([['a', new Set(['sk-123'])]])],
    ['an error', new Error('no', { cause: 'sk-123' })],
    ['bytes', Buffer.from('sk-123')],
  ])('keep %s from being stored', (_what, value) => {
    expect(storeValue(value, secrets)).toEqual({ lost: 'it contains a secret' });
    expect(store(value)).not.toHaveProperty('lost');
  });

  test('that are not there keep nothing', () => {
    const cycle: Record<string, unknown> = { text: 'nothing' };
    cycle.self = cycle;
    expect(storeValue(cycle, secrets)).toHaveProperty('clone');
  });
});

describe('an error', () => {
  const describeValue = (value: unknown) => inspect(value, comparableForm);
  const infoOf = (error: unknown) => errorInfo(error, undefined, describeValue);
  const failing = Object.assign(new Error('a is not b'), { expected: { a: [1] }, actual: 'b', code: 'E' });

  test.each([
    ['with a cause', new TypeError('no', { cause: new RangeError('deep', { cause: 'text' }) })],
    ['of several errors', new AggregateError([new Error('one'), 'two'], 'both')],
    ['of an assertion', failing],
    ['that is a text', 'just a text'],
    ['with a name of its own', Object.assign(new Error('no'), { name: 'MyError', status: 404, data: [1] })],
    ['with a long message', new Error('x'.repeat(40_000))],
    ['without a stack', Object.assign(new Error('no'), { stack: undefined })],
  ])('%s says what was recorded', (_what, error) => {
    const info = infoOf(error);
    const plain = JSON.parse(JSON.stringify(info)) as ErrorInfo;
    expect(infoOf(errorOf(plain))).toEqual(info);
    expect(infoOf(errorOf(plain, { depsOk: true, locksOk: false }))).toEqual(info);
  });

  test('of a controlled failure is one again', () => {
    const error = errorOf({ name: 'TaskFailError', message: 'no' }, { depsOk: false, locksOk: true });
    expect(isTaskFailError(error)).toBe(true);
    expect(error).toMatchObject({ depsOk: false, locksOk: true });
  });
});
