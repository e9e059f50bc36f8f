import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  definitionOf,
  findMaker,
  isPexenError,
  maker,
  markLoading,
  metaOf,
  outcomeOfError,
  refuseRunWhileLoading,
} from '../src/index.ts';
import type * as Makers from './fixtures/makers.ts';
import * as transformed from './fixtures/makers.ts';

/** As Node loads it; loading by the test tool is another case. */
const makers = createRequire(import.meta.url)('./fixtures/makers.ts') as typeof Makers;

describe('a maker', () => {
  it('makes tasks that a worker can find: by the maker, its input and the name', () => {
    const [first, second] = makers.checks(['a', 'b']);
    const address = addressOf(definitionOf(second as NonNullable<typeof second>));
    expect(address).toMatchObject({ kind: 'maker', input: ['a', 'b'], id: 'ping b' });
    expect(findMaker(makers, (address as { maker: string }).maker)?.(['a', 'b'])).toHaveLength(2);
    expect(metaOf(first as NonNullable<typeof first>).name).toBe('ping a');
  });

  it('makes tasks that can be called', async () => {
    expect(await makers.checks(['a'])[0]?.()).toBe('pong a');
  });

  it('has the name of its generator; its tasks without names are identified by their place', () => {
    const [, unnamed] = makers.named(undefined);
    expect(addressOf(definitionOf(unnamed as NonNullable<typeof unnamed>))).toMatchObject({
      maker: 'greetings',
      id: expect.stringMatching(/^\d+:\d+$/),
    });
  });

  it('may return one task several times, with different args', () => {
    expect(makers.ships(['eu', 'us'])).toHaveLength(2);
  });

  it('refuses two tasks of one name, naming both places', () => {
    expect(() => makers.twins(undefined)).toThrow(
      /PEXEN_DUPLICATE_ID twin \(.*makers\.ts.*\): .* the other was made at .*makers\.ts/,
    );
  });

  it('that returns something else is refused with the place where it was made', () => {
    const placed = { under: ['deep'], task: () => 1 };
    for (const [given, message] of [
      [() => 5, /returned a number instead of tasks/],
      [async () => [], /returned a promise instead of tasks/],
      [() => [() => 1, placed], /its item 1 is an object/],
    ] as const) {
      const thrown = caught(() => maker(given as never)(undefined));
      expect(isPexenError(thrown) && thrown.problems[0]).toMatchObject({
        code: 'PEXEN_NOT_A_TASK',
        message: expect.stringMatching(message),
        location: { file: expect.stringContaining('maker.test.ts') },
      });
    }
  });

  it('made later returns tasks without an address: closures', () => {
    const [task] = makers.makeLater()(undefined);
    expect(addressOf(definitionOf(task as NonNullable<typeof task>))).toBeUndefined();
  });
});

describe('an address', () => {
  it('of a task with bound args is that of the task they were bound to', () => {
    expect(addressOf(definitionOf(makers.bound))).toMatchObject({ kind: 'made', id: 'ship' });
  });

  it('has the fingerprint of the body, unless a test tool has rewritten it', () => {
    expect(addressOf(definitionOf(makers.bound))).toMatchObject({ fingerprint: expect.stringMatching(/./) });
    expect(addressOf(definitionOf(transformed.bound))).toMatchObject({ fingerprint: '' });
  });
});

describe('a run', () => {
  it('is refused while a worker loads a module, with hints', () => {
    const unmark = markLoading('file:///tests.ts');
    try {
      refuseRunWhileLoading();
      expect.unreachable();
    } catch (error) {
      expect(isPexenError(error) && error.problems[0]).toMatchObject({
        code: 'PEXEN_RUN_WHILE_LOADING',
        location: { file: 'file:///tests.ts' },
        hint: expect.stringContaining('import.meta.main'),
      });
    }
    unmark();
    expect(() => refuseRunWhileLoading()).not.toThrow();
  });
});

describe('an abort', () => {
  it("is recognized in the AbortError that Node's functions make of the reason", () => {
    const reason = new Error('enough');
    const error = new DOMException('The operation was aborted', { name: 'AbortError', cause: reason });
    expect(outcomeOfError(error, AbortSignal.abort(reason))).toEqual({ kind: 'stopped', how: 'aborted' });
    expect(outcomeOfError(error, AbortSignal.abort(new Error('other'))).kind).toBe('threw');
  });
});

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
