/** Conditions as text, and what is wrong with them. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { longestExpression, readExpression } from '../../src/conditions/expression.ts';
import { scriptedFacts } from './scripted-machine.ts';

const facts = Object.defineProperties(
  {},
  {
    ...Object.getOwnPropertyDescriptors(
      scriptedFacts({
        env: { PATH: '/usr/bin', HOME: '/root' },
        files: { '/usr/bin/git': '', '/dev/kvm': '' },
      }),
    ),
    docker: { value: { version: '27.1', plugins: ['buildx', 'compose'] }, enumerable: true },
    load: { value: 0.5, enumerable: true },
  },
) as ReturnType<typeof scriptedFacts>;
const names = Object.keys(facts);

/** The answer for these facts. */
function answer(text: string): boolean | string {
  const read = readExpression(text, { names });
  if ('fault' in read) throw new Error(`${read.fault.at}: ${read.fault.message}`);
  return read.condition(facts);
}

test.each([
  'true',
  'os.id == "debian" && os.version.isAtLeast("12")',
  'kernel.release.isAtLeast("6.1") && !kernel.release.isAtLeast("6.2")',
  'os.id in ["debian", "ubuntu"]',
  'memory.totalMb >= 2048 && memory.totalMb / 1024 == 8',
  'cpus * 2 > 7 && load < 1.0',
  'user.isRoot || ci',
  'hasProgram("git") && !hasProgram("docker")',
  'hasFile("/dev/kvm") && !hasKernelModule("zfs")',
  'disk("/tmp").freeMb > 1024',
  'has(env.HOME) && !has(env.NOPE) && env.HOME.startsWith("/")',
  '"HOME" in env',
  'docker.plugins.exists(name, name == "compose") && docker.plugins.all(name, size(name) > 2)',
  'container == "" ? cpus == 4 : false',
  'platform.contains("nux") && arch.endsWith("64")',
])('%s', (text) => expect(answer(text)).toBe(true));

test('the reason is the expression, or another text', () => {
  expect(answer('cpus > 64')).toBe('not so here: cpus > 64');
  const read = readExpression('cpus > 64', { because: 'needs a large machine' });
  expect('condition' in read && read.condition(facts)).toBe('needs a large machine');
});

test('a fact is read only if the answer depends on it', () => {
  const asked: string[] = [];
  const lazy = new Proxy(facts, {
    get: (target, name) => {
      asked.push(String(name));
      return Reflect.get(target, name);
    },
  });
  const read = readExpression('platform == "linux" || docker.version == "1" || memory.totalMb > 1');
  expect('condition' in read && read.condition(lazy)).toBe(true);
  expect(asked).toEqual(['platform']);
});

test('an error of a fact is thrown as it is', () => {
  const broken = Object.defineProperty({}, 'docker', {
    get: () => {
      throw new Error('no daemon');
    },
    enumerable: true,
  });
  const read = readExpression('docker.version == "1"');
  expect(() => 'condition' in read && read.condition(broken as typeof facts)).toThrow(/^no daemon$/);
});

test('facts may be any values, also such that contain themselves', () => {
  const cyclic: Record<string, unknown> = { n: 1, list: [] };
  cyclic.self = cyclic;
  (cyclic.list as unknown[]).push(cyclic.list, 2);
  let wide: unknown = 1;
  for (let level = 0; level < 40; level++) wide = [wide, wide];
  class Board {
    readonly pins = 40;
  }
  const odd = {
    cyclic,
    wide,
    board: new Board(),
    when: new Date(0),
    nothing: null,
    map: new Map([['a', 1]]),
  };
  const asked = (text: string): unknown => {
    const read = readExpression(text);
    return 'condition' in read && read.condition(odd as never);
  };
  expect(asked('cyclic.self.self.n == 1 && cyclic.list[1] == 2 && cyclic.n + 1 == 2')).toBe(true);
  expect(asked('size(wide) == 2 && nothing == null')).toBe(true);
  expect(() => asked('board.pins > 1')).toThrow(/^"board.pins > 1": /);
});

describe('what is wrong is named, with its position', () => {
  test.each([
    ['os.id ==', 8, 'ends too early', undefined],
    ['ci && memry.totalMb > 1', 6, 'has the unknown fact "memry"', 'Did you mean "memory"?'],
    ['ci && hasProgramm("git")', 6, 'has the unknown function "hasProgramm"', 'Did you mean "hasProgram"?'],
    [
      'kernel.release.matches("(a+)+$")',
      0,
      'has the unknown function "matches"',
      'Regular expressions may take very long. Use contains, startsWith, endsWith or isAtLeast.',
    ],
    [
      '[1].map(x, x) == [1]',
      0,
      'has the unknown function "map"',
      expect.stringMatching(/^There are: size, /),
    ],
    ['cel.bind(x, 1, x == 1)', 0, 'has the unknown function "bind"', expect.any(String)],
    ['[1].exists(x, [1].exists(y, x == y))', 14, 'has exists inside of another', undefined],
    ['"text"', 0, 'is of the type string, and must be true or false', undefined],
    ['1 + 1', 0, 'is of the type int, and must be true or false', undefined],
    ['hasProgram(3)', 0, "is wrong: found no matching overload for 'hasProgram(int)'", undefined],
    ['1 < "a"', 0, 'is wrong: no such overload: int < string', undefined],
    ['x'.repeat(longestExpression + 1), 0, 'is longer than 1000 characters', undefined],
    ['', 0, 'ends too early', undefined],
  ])('%s', (text, at, message, hint) => {
    const read = readExpression(text, { names });
    const fault = 'fault' in read ? read.fault : undefined;
    expect(fault).toMatchObject({ at, message });
    expect(fault?.hint).toEqual(hint);
  });

  test.each(['!', '(', '['])('an expression that is nested very deep: 500 of %s', (sign) => {
    const read = readExpression(`${sign.repeat(500)}true`);
    expect('fault' in read && read.fault.message).toMatch(/^is wrong: /);
  });

  test.each([
    ['cpus', '"cpus": its value is 4, not true or false'],
    ['os.ide == "x"', '"os.ide == "x"": is wrong: no such key: ide'],
    ['cpus + 0.5 > 1.0', '"cpus + 0.5 > 1.0": is wrong: no such overload: dyn<int> + double'],
    ['docker.plugins', '"docker.plugins": its value is ["buildx","compose"], not true or false'],
  ])('when it is asked: %s', (text, message) => {
    expect(() => answer(text)).toThrow(message);
  });

  test('a fact that the run does not have', () => {
    const read = readExpression('memry.totalMb > 1');
    expect(() => 'condition' in read && read.condition(facts)).toThrow(
      '"memry.totalMb > 1": has the unknown fact "memry". Did you mean "memory"?',
    );
  });
});

/** Pieces of expressions, and of what is none. */
const pieces = fc.constantFrom(
  ...[
    'os',
    '.id',
    'memory.totalMb',
    'cpus',
    'docker.plugins',
    'env',
    'ci',
    'nothing',
    '__proto__',
    'constructor',
  ],
  ...['==', '!=', '<', '>=', '&&', '||', '!', '-', '+', '*', '/', '%', ' in ', '?', ':', '.', ',', ' '],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '"""',
    'r"',
    'b"',
    '\\',
    '\n',
    '//',
    '0',
    '1',
    '9'.repeat(30),
    '1e999',
    '0x',
    '1u',
  ],
  ...[
    '.exists(x, ',
    '.all(x, ',
    '.map(x, ',
    'has(',
    'size(',
    'int(',
    'string(',
    'double(',
    'hasProgram(',
    'disk(',
  ],
  ...[
    '.isAtLeast(',
    '.matches(',
    '.contains(',
    '.trim()',
    'cel.bind(',
    'timestamp(',
    'true',
    'false',
    'null',
    'é',
    '\0',
    '\u{1f600}',
  ],
);
/** Expressions that are mostly valid, up to the longest ones. */
const { truth: valid } = fc.letrec<Readonly<Record<'truth' | 'number' | 'word' | 'list', string>>>((tie) => {
  const of = (form: string, ...parts: fc.Arbitrary<string>[]) =>
    fc.tuple(...parts).map((texts) => texts.reduce((text, part) => text.replace('_', () => part), form));
  const { truth, number, word, list } = {
    ...{ truth: tie('truth'), number: tie('number'), word: tie('word'), list: tie('list') },
  };
  const small = { maxDepth: 6, depthSize: 'small' } as const;
  return {
    truth: fc.oneof(
      small,
      fc.constantFrom('ci', 'user.isRoot', 'true', 'has(env.HOME)', 'x'),
      ...[of('(_ && _)', truth, truth), of('(_ || _)', truth, truth), of('!_', truth)],
      ...[of('(_ ? _ : _)', truth, truth, truth), of('_ >= _', number, number), of('_ == _', word, word)],
      ...[of('_.contains(_)', word, word), of('_.isAtLeast(_)', word, word), of('hasFile(_)', word)],
      ...[of('_ in _', word, list), of('_.exists(x, _)', list, truth), of('_.all(x, _)', list, truth)],
    ),
    number: fc.oneof(
      small,
      fc.constantFrom('cpus', 'memory.totalMb', '0', '9223372036854775807', '-1', 'load', '1.5', 'x'),
      ...[of('(_ + _)', number, number), of('(_ * _)', number, number), of('(_ / _)', number, number)],
      ...[of('size(_)', list), of('size(_)', word), of('int(_)', word), of('disk(_).freeMb', word)],
    ),
    word: fc.oneof(
      small,
      fc.constantFrom('os.id', 'env.PATH', '"6.1"', "''", 'container', 'x', 'string(cpus)'),
      ...[
        of('(_ + _)', word, word),
        of('_.trim()', word),
        of('string(_)', number),
        of('_.upperAscii()', word),
      ],
    ),
    list: fc.oneof(
      small,
      fc.constantFrom('docker.plugins', 'os.like', '[]', '[1, "a", true]'),
      ...[of('[_, _]', word, word), of('(_ + _)', list, list)],
    ),
  };
});

const texts = fc.oneof(
  { arbitrary: valid, weight: 2 },
  { arbitrary: fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')), weight: 1 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 60 }), weight: 1 },
);

test('reading and evaluating end at once, and nothing else is thrown, whatever the text', {
  timeout: 600_000,
}, () => {
  const runs = Number(process.env.PEXEN_EXPRESSIONS ?? 3_000);
  let slowest = 0;
  let evaluated = 0;
  fc.assert(
    fc.property(texts, (text) => {
      const start = performance.now();
      const read = readExpression(text);
      if ('condition' in read) {
        evaluated++;
        try {
          expect(['boolean', 'string']).toContain(typeof read.condition(facts));
        } catch (error) {
          expect((error as Error).message.startsWith(`"${text}": `)).toBe(true);
        }
      } else expect(read.fault.at).toBeGreaterThanOrEqual(0);
      slowest = Math.max(slowest, performance.now() - start);
    }),
    { numRuns: runs },
  );
  expect(evaluated).toBeGreaterThan(runs / 10);
  expect(slowest).toBeLessThan(1_000);
  if (runs > 3_000) console.log(`${runs} texts, ${evaluated} evaluated, slowest ${slowest.toFixed(1)} ms`);
});
