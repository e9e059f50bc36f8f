import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseQuery } from '../src/query/parse.ts';
import { type LastResult, TaskSelector } from '../src/query/select-tasks.ts';
import { pick, type Selectable, type Selection, type SelectionPlace } from '../src/query/selection.ts';
import { meets, type Term, textOf } from './support/naive-query.ts';

const root = '/suite';
const place: SelectionPlace = {
  directory: root,
  root,
  lastResults: new Map([
    ['sys/net/ping.sh', { verdict: 'pass', durationMs: 40 }],
    ['sys/net/ipv6/ping.sh', { verdict: 'timeout', durationMs: 5000 }],
    ['sys/disk/fill.sh', { verdict: 'flaky', durationMs: 1500 }],
    ['api/login', { verdict: 'fail', durationMs: 3 }],
  ]),
};
const tasks: Selectable[] = [
  { path: 'sys/net/ping.sh', tags: ['quick'], file: '/suite/tests/net/ping.sh' },
  { path: 'sys/net/ipv6/ping.sh', tags: [], file: '/suite/tests/net/ipv6/ping.sh' },
  { path: 'sys/disk/fill.sh', tags: ['slow', 'root'], file: '/suite/tests/disk/fill.sh' },
  { path: 'api/login', tags: ['quick'], file: '/suite/tests/api.task.ts', line: 12 },
  { path: 'api/logout', tags: [], file: '/suite/tests/api.task.ts', line: 30 },
  { path: 'api/[id].sh', tags: [], file: '/suite/tests/[id].sh' },
  { path: 'api/i.sh', tags: [], file: '/suite/tests/i.sh' },
  { path: 'two words/or', tags: ['odd tag'] },
];

function paths(selection: Selection, given: Partial<SelectionPlace> = {}): string[] {
  return pick(tasks, selection, { ...place, ...given }).map(({ path }) => path);
}
const of = (...queries: string[]): string[] => paths({ queries });

const pings = ['sys/net/ping.sh', 'sys/net/ipv6/ping.sh'];

describe('a word', () => {
  it('is a call path or the beginning of one, up to a slash', () => {
    expect(of('api/login')).toEqual(['api/login']);
    expect(of('sys/net')).toEqual(pings);
    expect(of('sys/net/')).toEqual(pings);
    expect(() => of('sys/ne')).toThrow('no task matches "sys/ne"');
  });

  it('is a file or a folder, relative to the current directory, to the root, or absolute', () => {
    expect(of('tests/net')).toEqual(pings);
    expect(of('./tests/net/ping.sh')).toEqual(['sys/net/ping.sh']);
    expect(of('/suite/tests/net/ping.sh')).toEqual(['sys/net/ping.sh']);
    expect(of('tests/api.task.ts')).toEqual(['api/login', 'api/logout']);
    const directory = '/suite/tests/disk';
    expect(paths({ queries: ['fill.sh'] }, { directory })).toEqual(['sys/disk/fill.sh']);
    expect(paths({ queries: ['../net'] }, { directory })).toEqual(pings);
    expect(paths({ queries: ['tests/net'] }, { directory })).toEqual(pings);
    expect(() => paths({ queries: ['./tests/net'] }, { directory })).toThrow('no task matches');
  });

  it('is the current directory as a shell writes it', () => {
    expect(of('.')).toHaveLength(tasks.length);
    expect(paths({ queries: ['.'] }, { directory: '/suite/tests/net' })).toEqual(pings);
    expect(of('./api/login')).toEqual(['api/login']);
    expect(of('./')).toHaveLength(tasks.length);
  });

  it('is a line of a file: the task that the line belongs to', () => {
    expect(of('tests/api.task.ts:12')).toEqual(['api/login']);
    expect(of('tests/api.task.ts:29:7')).toEqual(['api/login']);
    expect(of('./tests/api.task.ts:99')).toEqual(['api/logout']);
    expect(of('tests/disk/fill.sh:3')).toEqual(['sys/disk/fill.sh']);
    expect(() => of('tests/api.task.ts:11')).toThrow('no task matches "tests/api.task.ts:11"');
  });

  it('is the name of a task', () => {
    expect(of('ping.sh')).toEqual(pings);
    expect(of('login')).toEqual(['api/login']);
  });

  it('is a glob over call paths and files, and over names if it has no slash', () => {
    expect(of('sys/**/ping.sh')).toEqual(pings);
    expect(of('tests/net/*.sh')).toEqual(['sys/net/ping.sh']);
    expect(of('log*')).toEqual(['api/login', 'api/logout']);
    expect(of('api/@(login|logout)')).toEqual(['api/login', 'api/logout']);
    expect(of('/suite/tests/*/fill.sh')).toEqual(['sys/disk/fill.sh']);
  });

  it('is what it is exactly before it is a glob', () => {
    expect(of('tests/[id].sh')).toEqual(['api/[id].sh']);
    expect(of('[id].sh')).toEqual(['api/[id].sh']);
    expect(of('[i].sh')).toEqual(['api/i.sh']);
  });

  it('that is a whole argument may have blanks, or be a keyword', () => {
    expect(of('two words')).toEqual(['two words/or']);
    expect(of('"two words" "or"')).toEqual(['two words/or']);
    expect(of('"or"')).toEqual(['two words/or']);
  });

  it('in quotes is not a glob', () => {
    expect(() => of('"log*"')).toThrow('no task matches "log*"');
  });
});

describe('conditions', () => {
  it('ask for tags and texts', () => {
    expect(of('tag:quick')).toEqual(['sys/net/ping.sh', 'api/login']);
    expect(of('tag:"odd tag"')).toEqual(['two words/or']);
    expect(of('text:LOG')).toEqual(['api/login', 'api/logout']);
  });

  it('ask how a task ended when it ran last', () => {
    expect(of('status:failed')).toEqual(['sys/net/ipv6/ping.sh', 'api/login']);
    expect(of('status:timeout')).toEqual(['sys/net/ipv6/ping.sh']);
    expect(of('status:passed')).toEqual(['sys/net/ping.sh', 'sys/disk/fill.sh']);
    expect(of('status:not-run sys or api/i.sh')).toEqual(['api/i.sh']);
  });

  it('ask how long it took', () => {
    expect(of('duration:>1s')).toEqual(['sys/net/ipv6/ping.sh', 'sys/disk/fill.sh']);
    expect(of('duration:>=1.5s duration:<1m !status:failed')).toEqual(['sys/disk/fill.sh']);
    expect(of('duration:<=3')).toEqual(['api/login']);
  });

  it('that no result matches are not an error by themselves', () => {
    expect(of('status:crashed', 'api/login')).toEqual(['api/login']);
    expect(() => of('status:crashed')).toThrow('no task meets "status:crashed"');
    expect(() => paths({ queries: ['status:failed'] }, { lastResults: new Map() })).toThrow(
      'No results of an earlier run are known',
    );
  });
});

describe('a query', () => {
  it('joins terms by and, or, ! and parentheses', () => {
    expect(of('sys/net tag:quick')).toEqual(['sys/net/ping.sh']);
    expect(of('sys/net and !tag:quick')).toEqual(['sys/net/ipv6/ping.sh']);
    expect(of('login or tag:slow tag:root')).toEqual(['sys/disk/fill.sh', 'api/login']);
    expect(of('(login or tag:slow) !api')).toEqual(['sys/disk/fill.sh']);
    expect(of('!(sys or api)')).toEqual(['two words/or']);
    expect(of('!!login')).toEqual(['api/login']);
  });

  it('is one of several: a task that any of them selects is selected', () => {
    expect(of('login', 'tag:slow')).toEqual(['sys/disk/fill.sh', 'api/login']);
  });

  it('may stand beside tags and texts, which narrow it', () => {
    expect(paths({ queries: ['sys'], tags: ['quick', 'slow'] })).toEqual([
      'sys/net/ping.sh',
      'sys/disk/fill.sh',
    ]);
    expect(paths({ tags: ['quick'], texts: ['PING'] })).toEqual(['sys/net/ping.sh']);
  });

  it.each([
    ['a (b', 'column 3: this "(" is not closed'],
    ['a) b', 'column 2: this ")" closes nothing'],
    ['"a', 'column 1: this quote is not closed'],
    ['a or', 'column 5: the query ends where a path'],
    ['!', 'column 2: the query ends where a path'],
    ['and b', 'column 1: "and" stands where a path'],
    ['tag:', 'column 5: tag: needs a value'],
    ['status:fialed', 'column 8: there is no status "fialed"'],
    ['duration:5s', 'column 10: "5s" does not compare a duration'],
    ['', 'column 1: the query ends'],
    ['('.repeat(101), 'more than 100 parentheses'],
  ])('that is wrong names the column: %j', (query, message) => {
    expect(() => of(query)).toThrow(message);
    expect(() => of(query)).toThrow('PEXEN_BAD_QUERY');
  });
});

describe('what no task meets', () => {
  it('is refused, each term by itself, with the nearest by name', () => {
    expect(() => paths({ queries: ['sys/net/pong.sh', 'sys'], tags: ['quik'] })).toThrow(
      /no task matches "sys\/net\/pong.sh"\n\s+Did you mean "sys\/net\/ping.sh"\?\n.*no task has the tag "quik"\n\s+Did you mean "quick"/,
    );
    expect(() => of('logon')).toThrow('Did you mean "api/login"?');
    expect(() => of('login OR logout')).toThrow('Write or,');
    expect(() => of('api/logon')).toThrow('Did you mean "api/login"?');
  });

  it('is suggested by the beginning of its name', () => {
    const numbered = ['opt-2.sh', 'opt-10.sh', 'opt-1.sh'].map((name) => ({ path: `t/${name}`, tags: [] }));
    expect(() => pick(numbered, { queries: ['opt-1'] }, place)).toThrow('Did you mean "t/opt-1.sh"?');
  });

  it('is named once, however often it is asked for', () => {
    expect(() => paths({ tags: ['x', 'x'], queries: ['y', 'y'] })).toThrow(
      /^PEXEN_NOTHING_SELECTED: no task matches "y"\n.*\nPEXEN_NOTHING_SELECTED: no task has the tag "x"\n.*$/,
    );
  });

  it('is a warning where it is negated', () => {
    const codes: string[] = [];
    const picked = pick(tasks, { queries: ['api !tag:sloow'] }, place, ({ code }) => codes.push(code));
    expect(picked).toHaveLength(4);
    expect(codes).toEqual(['PEXEN_UNUSED_QUERY']);
  });

  it('is refused when all terms are met, but never by one task', () => {
    expect(() => of('sys/disk tag:quick')).toThrow('no task meets "sys/disk tag:quick"');
    expect(() => pick([], {}, place)).toThrow('there are no tasks');
    expect(paths({})).toHaveLength(tasks.length);
  });
});

const names = ['a', 'b', 'ab', 'x.sh', '[a].sh', 'a b', '(c)', 'or'];
const someTask = fc.record({
  segments: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }),
  tags: fc.subarray(['s', 't u', 'a']),
  place: fc.option(
    fc.record({ file: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }), line: fc.nat(6) }),
  ),
  last: fc.option(
    fc.record({
      verdict: fc.constantFrom(
        'pass' as const,
        'fail' as const,
        'skip' as const,
        'cancelled' as const,
        'flaky' as const,
      ),
      durationMs: fc.nat(3000),
    }),
  ),
});
const word = fc.oneof(
  fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/')),
  fc
    .tuple(
      fc.constantFrom('', '', './', '../', '/r/'),
      fc.array(fc.constantFrom('a', 'b', '*', 'a*', '?', 'x.sh', '*.sh', '**', '[a].sh'), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom('', '', '/', ':2'),
    )
    // What a glob with ** at its end means is the matter of the library.
    .map(
      ([before, segments, after]) =>
        `${before}${segments.join('/')}${segments.at(-1) === '**' ? '/a' : ''}${after}`,
    ),
);
const { term } = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 4 },
    fc.record({ is: fc.constant('word' as const), text: word, quoted: fc.boolean() }),
    fc.record({ is: fc.constant('tag' as const), text: fc.constantFrom('s', 't u', 'a') }),
    fc.record({ is: fc.constant('text' as const), text: fc.constantFrom('a', 'B', ' ', 'x.S') }),
    fc.record({
      is: fc.constant('status' as const),
      text: fc.constantFrom('failed', 'passed', 'not-run', 'skip', 'flaky'),
    }),
    fc.record({ is: fc.constant('duration' as const), text: fc.constantFrom('>1s', '<=500', '<2s', '>=0') }),
    fc.record({ is: fc.constant('not' as const), of: tie('term') }),
    fc.record({
      is: fc.constantFrom('all' as const, 'any' as const),
      of: fc.array(tie('term'), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));

test('a query selects what a naive reading of its page selects', () => {
  fc.assert(
    fc.property(
      fc.array(someTask, { minLength: 1, maxLength: 8 }),
      term,
      fc.constantFrom('/r', '/r/a'),
      (made, asked, directory) => {
        const lastResults = new Map<string, LastResult>();
        const all = made.map(({ segments, tags, place, last }) => {
          const path = segments.join('/');
          if (last !== null) lastResults.set(path, last);
          const where = place === null ? {} : { file: `/r/${place.file.join('/')}`, line: place.line };
          return { path, name: segments.at(-1) ?? '', tags, ...where };
        });
        const suite = { tasks: all, directory, root: '/r', lastResults };
        const selected = new TaskSelector(suite).select(parseQuery(textOf(asked)));
        const isAsked = (task: (typeof all)[number]): boolean => meets(task, asked, { ...suite, all });
        expect(all.filter((_, number) => selected.has(number))).toEqual(all.filter(isAsked));
      },
    ),
    { numRuns: 5_000 },
  );
});
