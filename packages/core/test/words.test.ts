import { describe, expect, it } from 'vitest';
import {
  addressOf,
  amount,
  anyOf,
  atLeast,
  checkMeta,
  definitionOf,
  describeRequirement,
  describeResource,
  didYouMean,
  errorInfo,
  every,
  formatCallPath,
  formatReason,
  key,
  locationOf,
  mergeShared,
  nearest,
  OwnContext,
  outcomeOfError,
  PexenError,
  SkipSignal,
  TaskFailError,
  task,
} from '../src/index.ts';
import * as made from './fixtures/made.ts';

describe('metadata', () => {
  it('is refused with all its problems together, each with a hint', () => {
    const problems = checkMeta(
      { reqires: ['x'], uses: ['db'], claims: ['db'], provides: 'bin', timeout: -1 },
      'build',
    );
    expect(problems.map(({ code, message, hint }) => [code, message, hint])).toEqual([
      ['PEXEN_UNKNOWN_META', 'unknown metadata "reqires"', 'Did you mean "requires"?'],
      ['PEXEN_BAD_META', 'provides must be a list', "Write provides: ['bin']."],
      ['PEXEN_BAD_META', 'timeout must be a number of milliseconds above 0', undefined],
      [
        'PEXEN_USED_AND_CLAIMED',
        '"db" is both used and claimed',
        'A claim includes the use: remove it from uses.',
      ],
    ]);
  });

  it('may name every form of requirement and of resource', () => {
    const requires = ['a', key('b'), task({}, () => {}), anyOf('c', 'd'), every('e'), atLeast(2, 'f', 'g')];
    expect(
      checkMeta(
        { requires, uses: ['x', amount('memory', 5), 7], claims: [{}], retries: { count: 2, factor: 1 } },
        't',
      ),
    ).toEqual([]);
  });

  it.each([
    [{ requires: [anyOf()] }, 'requires [0] names no capability'],
    [{ requires: [atLeast(0, 'a')] }, 'requires [0] needs a whole number of providers, 1 or more'],
    [{ requires: [atLeast(Infinity, 'a')] }, 'requires [0] needs a whole number of providers, 1 or more'],
    [{ claims: [amount('x', 1)] }, 'claims has an amount; amounts belong into uses'],
    [{ uses: [amount('x', 0)] }, 'uses [0] has an amount that is not above 0'],
    [{ retries: 1.5 }, 'retries must be a whole number, or { count, delay, … }'],
    [{ retries: {} }, 'retries has an entry "count" that must be a whole number, 0 or more'],
    [
      { retries: { count: 1, deley: 5 } },
      'retries has no entry "deley", but count, delay, factor, maxDelay, jitter',
    ],
    [{ retries: { count: 1, jitter: 2 } }, 'retries has an entry "jitter" that must be a number from 0 to 1'],
    [{ group: 'g', pool: 'p' }, 'it names both group "g" and pool "p"'],
    [{ when: 5 }, 'when must be true, false, a reason or a function of the facts'],
    [{ args: [] }, 'args must be a schema or an object with names, not a list'],
    [{ args: () => 1 }, 'args must be a schema or an object with names, not a list'],
  ])('%o is refused', (meta, message) => {
    expect(checkMeta(meta, 't').map((problem) => problem.message)).toEqual([message]);
  });
});

describe('a wrong entry of metadata', () => {
  it.each([
    [{ timeout: '20s' }, 'Write timeout: 20_000 (milliseconds).'],
    [{ grace: '1.5 s' }, 'Write grace: 1500 (milliseconds).'],
    [{ slowAfter: '2h' }, 'Write slowAfter: 7_200_000 (milliseconds).'],
    [{ priority: '-5' }, 'Write priority: -5.'],
    [{ retries: '2' }, 'Write retries: 2.'],
    [{ retries: { cuont: 2 } }, 'Did you mean "count"?'],
    [{ retries: { count: 2, delay: '1s' } }, 'Write delay: 1000 (milliseconds).'],
    [{ timeout: '0s' }, undefined],
    [{ timeout: 'long' }, undefined],
  ] as const)('%o says how it is written', (meta, hint) => {
    expect(checkMeta(meta, 't').map((problem) => problem.hint)).toEqual([hint]);
  });
});

describe('the address of a task', () => {
  const addressIn = (runnable: Parameters<typeof definitionOf>[0]) => addressOf(definitionOf(runnable));

  it('is known for tasks made while their module loads, also in a loop and after an await', () => {
    const ids = [made.exported, ...made.looped, made.afterAwait].map((each) => addressIn(each));
    expect(ids.map((address) => address?.kind === 'made' && address.id)).toEqual([
      'exported',
      'loop-a',
      'loop-b',
      'after-await',
    ]);
  });

  it('is not known for closures made later', () => {
    expect(addressIn(made.later())).toBeUndefined();
    expect(addressIn(() => 1)).toBeUndefined();
  });

  it('comes with the location of the call, for messages', () => {
    expect(locationOf(definitionOf(made.later()).site)?.file).toMatch(/made\.ts$/);
  });
});

describe('helpers', () => {
  it('formats requirements', () => {
    expect(describeRequirement(atLeast(2, 'a', key('b')))).toBe('at least 2 of "a", key "b"');
    expect(describeRequirement(anyOf('a', { name: 'disk' }))).toBe('any of "a", Object "disk"');
    const many = describeRequirement(every(...Array.from({ length: 20_000 }, (_, at) => `c${at}`)));
    expect(many).toMatch(/^every "c0", .*, "c11" and 19988 more$/);
  });

  it('describes resources of any kind', () => {
    const bare: object = Object.create(null);
    const described = ['db', 7, Symbol('s'), { name: 'disk' }, bare].map(describeResource);
    expect(described).toEqual(['"db"', '7', 'Symbol(s)', 'disk', 'an object without a name']);
  });

  it('finds the name that was meant, and none if no name is near', () => {
    expect(nearest('bin', ['sbin', 'lib'])).toBe('sbin');
    expect(didYouMean('database', ['databse', 'x'])).toBe('Did you mean "databse"?');
    expect(nearest('retry', ['reporters', 'retries'])).toBe('retries');
    expect(nearest('bin', ['something else', 'lib'])).toBeUndefined();
    expect(nearest('b', ['a', 'db'])).toBeUndefined();
  });

  it('never formats two call paths alike', () => {
    expect(formatCallPath(['a/b', 'c'])).not.toBe(formatCallPath(['a', 'b', 'c']));
    expect(formatCallPath(['a\\', 'b'])).not.toBe(formatCallPath(['a\\/b']));
  });

  it('merges dictionaries without ever touching a prototype', () => {
    const merged = mergeShared({ a: 1 }, JSON.parse('{ "__proto__": { "polluted": true }, "b": 2 }'), {
      a: 3,
    });
    expect({ ...merged }).toEqual({ a: 3, b: 2 });
    expect(Object.getPrototypeOf(merged)).toBeNull();
  });

  it('formats a reason chain, the origin last', () => {
    expect(
      formatReason([
        { task: 'test', why: 'requires "bin"' },
        { task: 'link', why: 'threw' },
      ]),
    ).toBe('requires "bin"; link threw');
  });

  it('lists every problem in one error', () => {
    const error = new PexenError([
      { code: 'PEXEN_A', message: 'first', task: 't', location: { file: 'f.ts', line: 3 }, hint: 'Fix it.' },
      { code: 'PEXEN_B', message: 'second' },
    ]);
    expect(error.message).toBe('PEXEN_A t (f.ts:3): first\n    Fix it.\nPEXEN_B: second');
    expect(error.code).toBe('PEXEN_A');
  });

  it('distinguishes what a body may throw', () => {
    const controller = new AbortController();
    const reason = new Error('stop');
    controller.abort(reason);
    expect(outcomeOfError(new SkipSignal('not here')).kind).toBe('skipped-itself');
    expect(outcomeOfError(new TaskFailError('x', { locksOk: false }))).toMatchObject({
      kind: 'failed',
      locksOk: false,
    });
    expect(outcomeOfError(reason, controller.signal)).toEqual({ kind: 'stopped', how: 'aborted' });
    expect(outcomeOfError(new Error('other'), controller.signal).kind).toBe('threw');
  });

  it('makes plain data of any error, cycles and all', () => {
    const error: Error = new Error('outer');
    error.cause = error;
    expect(JSON.parse(JSON.stringify(errorInfo(error))).cause.cause.message).toBe('outer');
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect(errorInfo(cyclic)).toEqual({ name: 'object', message: '[object Object]' });
  });

  it('includes the errors of an AggregateError, up to a number and a depth', () => {
    const inner = new AggregateError([new Error('deep', { cause: 'x' }), 'a text'], 'inner');
    const error = new AggregateError([inner, ...Array.from({ length: 99 }, () => new Error('e'))], 'outer');
    const { errors = [] } = errorInfo(error);
    expect(errors).toHaveLength(8);
    expect(errors[0]).toMatchObject({
      message: 'inner',
      errors: [{ message: 'deep' }, { message: 'a text' }],
    });
    error.errors.splice(0, 1, error);
    expect(JSON.stringify(errorInfo(error)).length).toBeLessThan(100_000);
  });

  it('represents errors that cannot be read', () => {
    const hidden = Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(errorInfo(hidden)).toEqual({ name: 'Error', message: 'an error that cannot be read' });
    const withCause = errorInfo(new Error('outer', { cause: hidden }));
    expect(withCause).toMatchObject({ message: 'outer', cause: { message: 'an error that cannot be read' } });
    expect(errorInfo(Object.create(null))).toEqual({ name: 'object', message: '{}' });
  });

  it('validates the updates of a body where it reports them', () => {
    const updates: unknown[] = [];
    const ticket = {
      signal: new AbortController().signal,
      report: (update: unknown) => void updates.push(update),
    };
    const parts = { args: {}, shared: {}, received: [], attempt: 1, path: 't' };
    const context = new OwnContext({}, parts, ticket);
    const wrong: (() => unknown)[] = [
      () => context.report(null as never),
      () => context.report({ name: 'a', status: 'odd' as never }),
      () => context.report({ name: 5 as never, status: 'pass' }),
      () => context.progress({ done: Number.NaN }),
      () => context.attach({} as never),
    ];
    for (const say of wrong) expect(say).toThrow(TypeError);
    context.report({ name: '', status: 'warn', data: 1n });
    context.log(5 as never);
    expect(updates).toEqual([
      { kind: 'finding', finding: { name: '', status: 'warn', data: 1n } },
      { kind: 'log', message: '5', data: undefined },
    ]);
  });
});

describe('a required task without a name', () => {
  it('is described by the place where it was made', () => {
    const unnamed = [task({}, () => {}), () => {}];
    Object.defineProperty(unnamed[1], 'name', { value: '' });
    const [made, plain] = unnamed.map((each) => describeRequirement(each));
    expect(made).toMatch(/^the task without a name made at words\.test\.ts:\d+:\d+$/);
    expect(plain).toBe('a function without a name');
  });
});
