import assert from 'node:assert/strict';
import { isPexenError, isTaskFailError, PexenError, TaskFailError } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { decodeThrown, encodeThrown, RemoteError } from '../src/index.ts';

/** Encodes and decodes the thrown value. */
function cross(thrown: unknown): unknown {
  return decodeThrown(structuredClone(encodeThrown(thrown)), 'worker 7');
}

class DatabaseError extends Error {
  override name = 'DatabaseError';
  readonly table = 'users';
}

class FailedChecks extends TaskFailError {
  override name = 'FailedChecks';
  readonly count = 3;
}

describe('an error that is sent keeps', () => {
  test('name, message, stack, own properties, and the name of its worker', () => {
    const error = new DatabaseError('gone');
    const crossed = cross(error) as RemoteError & { table: string };
    expect(crossed).toBeInstanceOf(RemoteError);
    expect(crossed).toBeInstanceOf(Error);
    expect(crossed).toMatchObject({
      name: 'DatabaseError',
      message: 'gone',
      table: 'users',
      worker: 'worker 7',
    });
    expect(crossed.stack).toBe(error.stack);
    expect(crossed.remoteStack).toBe(error.stack);
  });

  test('the chain of its causes', () => {
    const crossed = cross(
      new Error('outer', { cause: new TypeError('inner', { cause: 'a text' }) }),
    ) as Error;
    expect(crossed.cause).toMatchObject({ name: 'TypeError', message: 'inner', cause: 'a text' });
  });

  test('the errors of an AggregateError', () => {
    const crossed = cross(new AggregateError([new RangeError('one'), 'two'], 'both')) as AggregateError;
    expect(crossed).toMatchObject({ name: 'AggregateError', message: 'both' });
    expect(crossed.errors[0]).toMatchObject({ name: 'RangeError', message: 'one' });
    expect(crossed.errors[1]).toBe('two');
  });

  test('being a TaskFailError, with its flags, data and the properties of its class', () => {
    const data = { checks: new Set([1]) };
    const crossed = cross(new FailedChecks('3 failed', { depsOk: false, locksOk: false, data }));
    expect(isTaskFailError(crossed)).toBe(true);
    expect(crossed).toBeInstanceOf(TaskFailError);
    expect(crossed).toMatchObject({ name: 'FailedChecks', depsOk: false, locksOk: false, data, count: 3 });
  });

  test('being a PexenError, with its problems', () => {
    const problem = { code: 'PEXEN_X', message: 'no' } as const;
    const crossed = cross(new PexenError([problem]));
    expect(isPexenError(crossed)).toBe(true);
    expect(crossed).toMatchObject({ code: 'PEXEN_X', problems: [problem] });
  });

  test('what an assertion compared', () => {
    let thrown: unknown;
    try {
      assert.deepEqual({ a: 1 }, { a: 2 });
    } catch (error) {
      thrown = error;
    }
    expect(cross(thrown)).toMatchObject({
      name: 'AssertionError',
      code: 'ERR_ASSERTION',
      actual: { a: 1 },
      expected: { a: 2 },
    });
  });
});

describe('whatever is thrown', () => {
  test('values stay what they are', () => {
    for (const value of ['text', 5, undefined, null, { a: [1] }]) expect(cross(value)).toEqual(value);
  });

  test('a value that cannot be sent is replaced by a note', () => {
    const crossed = cross(Object.assign(new Error('x'), { socket: { on() {} }, port: 80 }));
    expect(crossed).toMatchObject({ port: 80, socket: { unserializable: 'socket.on is a function' } });
    expect(cross(() => 1)).toEqual({
      unserializable: 'thrown is a function',
      text: '[Function (anonymous)]',
    });
    const failed = cross(new TaskFailError('x', { data: { f: () => 1 } }));
    expect(failed).toMatchObject({ data: { unserializable: 'data.f is a function' } });
  });

  test('cycles are cut, depth and length are limited', () => {
    const cyclic: Error = new Error('round');
    cyclic.cause = new Error('and round', { cause: cyclic });
    expect(cross(cyclic)).toMatchObject({
      cause: { cause: { unserializable: 'an error that was met before' } },
    });
    let deep = new Error('0');
    for (let n = 1; n < 100_000; n++) deep = new Error(`${n}`, { cause: deep });
    expect(JSON.stringify(encodeThrown(deep)).length).toBeLessThan(100_000);
    const long = cross(new Error('x'.repeat(10_000_000))) as Error;
    expect(long.message.length).toBeLessThan(70_000);
    const many = cross(
      new AggregateError(Array.from({ length: 10_000 }, () => new Error('x'))),
    ) as AggregateError;
    expect(many.errors).toHaveLength(101);
    let wide: unknown = new Error('leaf');
    for (let n = 0; n < 6; n++) wide = new AggregateError(Array.from({ length: 50 }, () => wide));
    expect(JSON.stringify(encodeThrown(wide)).length).toBeLessThan(5_000_000);
  });

  test('hostile errors do not break the codec', () => {
    const hostile = new Error('x');
    Object.defineProperty(hostile, 'message', {
      get() {
        throw new Error('ha');
      },
    });
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
    revoke();
    for (const thrown of [hostile, proxy, { toString: null }]) expect(() => cross(thrown)).not.toThrow();
    const own = Object.defineProperty(new Error('x'), '__proto__', {
      value: { polluted: 1 },
      enumerable: true,
    });
    expect((cross(own) as { polluted?: number }).polluted).toBeUndefined();
  });
});

test('the errors of a decoded error can be sent again', () => {
  const once = decodeThrown(encodeThrown(new AggregateError([new RangeError('first')], 'all')), 'here');
  const twice = decodeThrown(encodeThrown(once), 'there') as { readonly errors?: readonly Error[] };
  expect(twice.errors?.map(({ name, message }) => [name, message])).toEqual([['RangeError', 'first']]);
});

describe('the stack of an error', () => {
  const own = new URL('../src/worker/run-assignment.ts', import.meta.url).href;
  const stackOf = (frames: readonly string[]): unknown => {
    const error = new TypeError('bad port');
    error.stack = ['TypeError: bad port', ...frames.map((frame) => `    at ${frame}`)].join('\n');
    return (decodeThrown(encodeThrown(error), 'worker 1') as Error).stack;
  };

  test('ends above the frames of this package', () => {
    const body = 'Object.body (file:///suite/tasks.ts:3:9)';
    expect(stackOf([body, `runBody (${own}:200:25)`])).toBe(`TypeError: bad port\n    at ${body}`);
  });

  test('stays whole where this package itself has thrown it', () => {
    expect(stackOf([`runBody (${own}:200:25)`, 'node:internal/timers:1:1'])).toContain('run-assignment.ts');
  });
});
