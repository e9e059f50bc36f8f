/** Metadata in the comments at the head of a file, with its lines and columns. */
import { Buffer } from 'node:buffer';
import { amount, anyOf, atLeast, every } from '@pexen/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as language from '../src/conditions/language.ts';
import type { FileMeta } from '../src/file-meta.ts';
import { findHeader, headBytes } from '../src/file-meta.ts';
import { readFileMeta } from '../src/read-file-meta.ts';
import { scriptedFacts } from './conditions/scripted-machine.ts';

/** The metadata of a file with this text. */
function read(text: string | Buffer): FileMeta | 'nothing' {
  const header = findHeader(Buffer.from(text), '/x/a.sh');
  if (header.kind === 'none') return 'nothing';
  if (header.kind === 'broken') return { meta: {}, program: {}, problems: [header.problem] };
  const at = { file: '/x/a.sh', line: header.line, column: header.column };
  return readFileMeta(header.text, '/x/a.sh', { at, language });
}

function metaIn(text: string): unknown {
  const got = read(text);
  if (got === 'nothing') return got;
  expect(got.problems).toEqual([]);
  return { ...got.meta, ...got.program };
}

/** `line:column message`, and the hint after an arrow. */
function complaints(text: string | Buffer): string[] {
  const got = read(text);
  const problems = got === 'nothing' ? [] : got.problems;
  return problems.map(({ code, location, message, hint }) => {
    expect(location?.file).toBe('/x/a.sh');
    return `${code} ${location?.line}:${location?.column} ${message}${hint === undefined ? '' : ` → ${hint}`}`;
  });
}

describe('the place of a header', () => {
  const meta = { claims: ['/proc/sys/net'], timeout: 20_000 };

  test.each([
    ['shell', '#!/bin/sh\n# pexen: { claims: [/proc/sys/net], timeout: 20s }\ntrue\n'],
    ['C and JavaScript', '// pexen: { claims: [/proc/sys/net], timeout: 20s }'],
    ['a byte order mark', '\ufeff# pexen: { claims: [/proc/sys/net], timeout: 20s }\ntrue\n'],
    ['SQL and Lua', '-- pexen: { claims: [/proc/sys/net], timeout: 20s }'],
    ['Lisp and assembler', ';; pexen: { claims: [/proc/sys/net], timeout: 20s }'],
    ['indented, without a blank before', '\t##pexen:{ claims: [/proc/sys/net], timeout: 20s }'],
    [
      'carriage returns',
      '#!/bin/sh\r\n# pexen: {\r\n#  claims: [/proc/sys/net],\r\n#  timeout: 20s }\r\ntrue\r\n',
    ],
    [
      'over several lines',
      '# pexen: { claims:\n# [/proc/sys/net],   # all of it\n#timeout: 20s\n#}\n#   not this',
    ],
    ['a block', '# pexen:\n#   claims:\n#     - /proc/sys/net\n#   timeout: 20s\n# not this\n#   nor this'],
    ['something behind it', '# pexen: { claims: [/proc/sys/net], timeout: 20s } # for a reason'],
  ])('%s', (_name, text) => expect(metaIn(text)).toEqual(meta));

  test.each([
    ['no comment', 'pexen: { timeout: 1s }'],
    ['prose', '# Pexen is what runs this: {}\n# pexen (see above): x\n# pexen'],
    ['something before it', '# see pexen: { timeout: 1s }'],
    ['another word', '# pexen:x { timeout: 1s }'],
    ['another sign', '* pexen: { timeout: 1s }'],
    ['an empty file', ''],
    ['a binary', 'ELF\0\n# pexen: { timeout: 1s }'],
    ['beyond the head', `${'#'.repeat(headBytes)}\n# pexen: { timeout: 1s }`],
  ])('not with %s', (_name, text) => expect(read(text)).toBe('nothing'));

  test('it may be empty: it then only makes the file a test', () => {
    expect(metaIn('# pexen: {}')).toEqual({});
  });

  test('brackets and quotes in text do not end it', () => {
    expect(metaIn(`# pexen: { when: "no } here \\" {", tags: ['it''s }', a'b],\n# group: x }`)).toEqual({
      ...{ when: 'no } here " {', tags: ["it's }", "a'b"], group: 'x' },
    });
  });

  test.each([
    [
      'a second one',
      '# pexen: {}\ntrue\n  # pexen: {}',
      '3:5 the header: it is the second header of the file → Keep one of them.',
    ],
    [
      'neither form',
      '# pexen: timeout 20s',
      '1:3 the header: what follows "pexen:" is neither { … } nor an indented block → Write # pexen: { claims: [/proc/sys/net], timeout: 20s }, or # pexen: {} for none.',
    ],
    [
      'nothing at all',
      '// pexen:\ncode',
      '1:4 the header: it is empty → Write // pexen: { claims: [/proc/sys/net], timeout: 20s }, or // pexen: {} for none.',
    ],
    [
      'not closed',
      '#!/bin/sh\n# pexen: { tags: [a\n# ]\ncode }',
      '2:3 the header: its { is not closed before the comment ends → Close it, or move the metadata to a side file.',
    ],
    [
      'cut off',
      `# pexen: { tags: [\n${'# a,\n'.repeat(headBytes)}# ] }`,
      `1:3 the header: its { is not closed within the first ${headBytes} bytes → Close it, or move the metadata to a side file.`,
    ],
    ...['# Pexen: { timeout: 1s }', '# pexen { timeout: 1s }', '# pexen = {', '# PEXEN:\n#  timeout: 1s'].map(
      (text) => [
        `misspelled: ${text}`,
        text,
        '1:3 the header: it must begin with "pexen:", in small letters and with a colon → Write # pexen: { claims: [/proc/sys/net], timeout: 20s }, or # pexen: {} for none.',
      ],
    ),
  ] as [string, string, string][])('broken: %s', (_name, text, complaint) => {
    expect(complaints(Buffer.from(text).subarray(0, headBytes))).toEqual([`PEXEN_BAD_HEADER ${complaint}`]);
  });
});

describe('the entries of metadata', () => {
  test('a limit in the configuration can be turned off; 0 is refused, since it would end each test immediately', () => {
    expect(metaIn('# pexen: { timeout: off, idleTimeout: off }')).toEqual({
      ...{ timeout: Number.POSITIVE_INFINITY, idleTimeout: Number.POSITIVE_INFINITY },
    });
    expect(complaints('# pexen: { timeout: 0, idleTimeout: 0s }')).toEqual([
      'PEXEN_BAD_META 1:21 timeout must be above 0 → For none, write off.',
      'PEXEN_BAD_META 1:37 idleTimeout must be above 0 → For none, write off.',
    ]);
  });

  test('messages of the YAML parser are replaced where they are about the parser itself', () => {
    expect(complaints('# pexen: { timeout: 1s } and more')).toEqual([
      'PEXEN_BAD_HEADER 1:26 it continues after its end',
    ]);
    const { problems } = readFileMeta('timeout: 1s\n---\ntags: [a]\n', '/x/a.pexen.yaml');
    expect(problems.map(({ message }) => message)).toEqual(['it contains more than one document']);
  });

  test('every entry', () => {
    const text = `# pexen:
#   name: ping
#   requires: [server, { anyOf: [a, b] }, { every: [c] }, { atLeast: [2, d, e, f] }]
#   after: [x]
#   before: [y]
#   salvages: [z]
#   tearsDown: [server, x]
#   provides: [pinged]
#   uses: [/proc/sys, { memory-mb: 512 }]
#   claims: [port]
#   exclusive: true
#   priority: -2.5
#   weight: 1.5s
#   group: vm
#   timeout: 5m
#   idleTimeout: 100ms
#   grace: 0
#   slowAfter: 2h
#   retries: { count: 2, delay: 1s, factor: 3, maxDelay: 1m, jitter: 0.5 }
#   rerunnable: false
#   tags: [slow, net]
#   when: needs a network
#   argv: [--level, 1.10, true]
#   env: { LANG: C, VERSION: 1.10, EMPTY: "" }
#   cwd: ../data
#   tap: false
`;
    expect(metaIn(text)).toEqual({
      name: 'ping',
      requires: ['server', anyOf('a', 'b'), every('c'), atLeast(2, 'd', 'e', 'f')],
      ...{ after: ['x'], before: ['y'], salvages: ['z'], tearsDown: ['server', 'x'], provides: ['pinged'] },
      uses: ['/proc/sys', amount('memory-mb', 512)],
      ...{ claims: ['port'], exclusive: true, priority: -2.5, weight: 1_500, group: 'vm' },
      ...{ timeout: 300_000, idleTimeout: 100, grace: 0, slowAfter: 7_200_000 },
      retries: { count: 2, delay: 1_000, factor: 3, maxDelay: 60_000, jitter: 0.5 },
      ...{ rerunnable: false, tags: ['slow', 'net'], when: 'needs a network' },
      ...{
        argv: ['--level', '1.10', 'true'],
        env: { LANG: 'C', VERSION: '1.10', EMPTY: '' },
        cwd: '../data',
        tap: false,
      },
    });
  });

  test.each([
    ['{ timeuot: 1s }', 'PEXEN_UNKNOWN_META 2:12 unknown metadata "timeuot" → Did you mean "timeout"?'],
    [
      '{ args: [a] }',
      'PEXEN_UNKNOWN_META 2:12 unknown metadata "args" → Write argv for the arguments of a program.',
    ],
    [
      '{ cleanup: x }',
      'PEXEN_UNKNOWN_META 2:12 unknown metadata "cleanup" → Only tasks in modules can have it.',
    ],
    ['{ __proto__: { timeout: 1 } }', /^PEXEN_UNKNOWN_META 2:12 unknown metadata "__proto__" → The entries/],
    ['{ timeout: 20 s x }', /^PEXEN_BAD_META 2:21 timeout must be a duration such as 100ms, 20s/],
    ['{ timeout: -1 }', /^PEXEN_BAD_META 2:21 timeout must be a duration/],
    ['{ timeout: .inf }', /^PEXEN_BAD_META 2:21 timeout must be a duration/],
    ['{ timeout }', 'PEXEN_BAD_META 2:12 timeout has no value'],
    ['{ timeout: }', 'PEXEN_BAD_META 2:12 timeout has no value'],
    ['{ requires: server }', 'PEXEN_BAD_META 2:22 requires must be a list → Write [server].'],
    ['{ requires: [a, [b]] }', 'PEXEN_BAD_META 2:26 requires must be text'],
    [
      '{ requires: [{ anyof: [a] }] }',
      /^PEXEN_BAD_META 2:23 requires is not a requirement → Write a name, \{ anyOf/,
    ],
    [
      '{ requires: [{ atLeast: [a, b] }] }',
      /^PEXEN_BAD_META 2:34 requires is not a number followed by names/,
    ],
    ['{ provides: [a, 7] }', 'PEXEN_BAD_META 2:26 provides must be text → Write it in quotes: "7".'],
    ['{ claims: [{ x: 1 }] }', 'PEXEN_BAD_META 2:21 claims must be text'],
    ['{ uses: [{ x: 0 }] }', /^PEXEN_BAD_META 2:19 uses is not an amount/],
    ['{ uses: [{ x: 1, y: 1 }] }', /^PEXEN_BAD_META 2:19 uses is not an amount/],
    ['{ exclusive: yes }', 'PEXEN_BAD_META 2:23 exclusive must be true or false'],
    ['{ retries: 1.5 }', 'PEXEN_BAD_META 2:21 retries must be a whole number, 0 or more'],
    ['{ retries: { cuont: 2 } }', /^PEXEN_BAD_META 2:23 retries has an unknown entry "cuont"/],
    ['{ env: { A: [b] } }', 'PEXEN_BAD_META 2:22 env must be text'],
    ['{ env: { A: } }', 'PEXEN_BAD_META 2:19 env has no value'],
    ['{ env: { __proto__: b } }', 'PEXEN_BAD_META 2:19 env is not a valid name of a variable'],
    [
      '{ uses: [a, b], claims: [b] }',
      'PEXEN_USED_AND_CLAIMED 2:26 "b" is both used and claimed → A claim includes the use: remove it from uses.',
    ],
    ['{ group: a, pool: b }', /^PEXEN_GROUP_AND_POOL 2:22 /],
    ['{ tags: [&a x, *a] }', 'PEXEN_BAD_HEADER 2:25 "*a" refers to another place: write it out'],
    ['{ tags: [a }', /^PEXEN_BAD_HEADER 2:3 the header: its \{ is not closed before the comment ends/],
    ['{ tags: a] }', /^PEXEN_BAD_HEADER 2:\d+ /],
    ['{ name: a, name: b }', /^PEXEN_BAD_HEADER 2:21 "name" is there twice: keys must be unique/],
  ])('%s', (text, complaint) => {
    const got = complaints(`#!/bin/sh\n# pexen: ${text}\n`);
    if (typeof complaint === 'string') expect(got).toEqual([complaint]);
    else expect(got[0]).toMatch(complaint);
  });

  test('all problems come together, each at its own location', () => {
    const text = '#!/bin/sh\n\n# pexen: { timeuot: 1s,\n#   claims: x,\n#   tags: [a, 1, 2] }\n';
    expect(complaints(text).map((line) => line.split(' ', 2).join(' '))).toEqual([
      'PEXEN_UNKNOWN_META 3:12',
      'PEXEN_BAD_META 4:13',
      'PEXEN_BAD_META 5:15',
      'PEXEN_BAD_META 5:18',
    ]);
  });
});

describe('conditions', () => {
  const facts = scriptedFacts({ files: { '/x/data': '', '/usr/bin/git': '' } });

  /** What the condition in a header answers. */
  function answer(header: string): unknown {
    const { when } = metaIn(`# pexen: ${header}`) as { when: (known: typeof facts) => unknown };
    return when(facts);
  }

  test('an expression, and the reason where it is false', () => {
    expect(answer(`{ when: { if: 'os.id == "debian"' } }`)).toBe(true);
    expect(answer(`{ when: { if: cpus > 64 } }`)).toBe('not so here: cpus > 64');
    expect(answer(`{ when: { if: cpus > 64, because: needs a large machine } }`)).toBe(
      'needs a large machine',
    );
  });

  test('needs; relative paths start at the directory of the file', () => {
    expect(
      answer(
        '{ needs: { memory: 2G, disk: { .: 1G }, programs: git, files: [data], user: root, os: [linux] } }',
      ),
    ).toBe(true);
    expect(answer('{ needs: { programs: [git, docker], files: nothing } }')).toBe(
      'needs docker, which is not on PATH; nothing, which does not exist',
    );
  });

  test('both together', () => {
    expect(answer(`{ needs: { memory: 1T }, when: { if: ci, because: only in CI } }`)).toBe(
      'needs 1T of memory, and there are 8G; only in CI',
    );
    expect(answer(`{ needs: { memory: 1G }, when: needs a network }`)).toBe('needs a network');
    expect(answer(`{ needs: { memory: 1G }, when: false }`)).toBe(false);
  });

  test('mistakes are reported with their place, in expressions to the character', () => {
    expect(complaints(`# pexen: { when: { if: 'ci && memry.totalMb > 1' } }`)).toEqual([]);
    expect(complaints(`# pexen: { when: { if: 'ci && hasProgramm("git")' } }`)).toEqual([
      'PEXEN_BAD_META 1:31 when has an expression that has the unknown function "hasProgramm" → Did you mean "hasProgram"?',
    ]);
    expect(complaints(`# pexen:\n#   when:\n#     if: cpus >\n`)).toEqual([
      'PEXEN_BAD_META 3:17 when has an expression that ends too early',
    ]);
    expect(complaints(`# pexen: { when: { because: x }, needs: { memory: 2, programms: git } }`)).toEqual([
      'PEXEN_BAD_META 1:18 when has no "if" → Write { if: \'os.id == "debian"\', because: it uses apt }.',
      'PEXEN_BAD_META 1:51 needs has "memory", which must be a size such as 512M, 2G or 1.5T',
      'PEXEN_BAD_META 1:54 needs has an unknown entry "programms" → Did you mean "programs"?',
    ]);
    expect(complaints(`# pexen: { when: { if: 5 }, needs: git }`)).toEqual([
      'PEXEN_BAD_META 1:24 when has "if", which must be text → Write it in quotes: "5".',
      'PEXEN_BAD_META 1:36 needs must be a map → Write { programs: [docker], memory: 2G }.',
    ]);
  });

  test('a condition on nodes is a text, and its mistakes are reported to the character', () => {
    expect(metaIn(`# pexen: { on: 'arch=arm64 && has=kvm', perNode: true }`)).toEqual({
      on: 'arch=arm64 && has=kvm',
      perNode: true,
    });
    expect(complaints(`# pexen:\n#   on: arch=arm64 && hasFile("/dev/kvm")\n`)).toEqual([
      expect.stringMatching(
        /^PEXEN_BAD_META 2:23 on has an expression that has the unknown function "hasFile"/,
      ),
    ]);
    expect(complaints(`# pexen: { "on": cpus > }`)).toEqual([
      'PEXEN_BAD_META 1:24 on has an expression that ends too early',
    ]);
  });

  test('facts that the suite does not have are reported as well', () => {
    const { problems } = readFileMeta("when: { if: 'ci && memry > 1' }", '/x/a.pexen.yaml', {
      ...{ language, facts: ['ci', 'memory'] },
    });
    expect(problems).toMatchObject([
      {
        location: { line: 1, column: 20 },
        message: 'when has an expression that has the unknown fact "memry"',
        hint: 'Did you mean "memory"?',
      },
    ]);
  });

  test('where the text of an expression is written with escapes, its start is the place', () => {
    expect(complaints(`# pexen: { when: { if: "ci\\x20&& boom(" } }`)).toEqual([
      'PEXEN_BAD_META 1:24 when has an expression that ends too early',
    ]);
  });
});

describe('side files', () => {
  test('are YAML, and may be empty', () => {
    expect(readFileMeta('claims: [x]\ntimeout: 3\n', '/x/a.pexen.yaml').meta).toEqual({
      claims: ['x'],
      timeout: 3,
    });
    expect(readFileMeta('# nothing yet\n', '/x/a.pexen.yaml')).toEqual({
      meta: {},
      program: {},
      problems: [],
    });
  });

  test.each([
    ['- a', 'the metadata is not a map'],
    ['a', 'the metadata is not a map'],
    ['a: [', /flow|unexpected|\[/i],
    ['a: 1\n---\nb: 2', /document/],
    [`a: ${'['.repeat(50)}${']'.repeat(50)}`, 'it is nested deeper than 16 levels'],
    [`${'- '.repeat(40_000)}a`, /longer|deeper/],
    [`a: ${'x'.repeat(70_000)}`, 'it is longer than 65536 characters'],
    ['a: &a [*a]', /refers to another place/],
  ])('%.30s', (text, message) => {
    const { problems } = readFileMeta(text, '/x/a.pexen.yaml');
    expect(problems[0]?.code).toBe('PEXEN_BAD_HEADER');
    expect(problems[0]?.message).toMatch(message);
  });
});

describe('reading ends and does not throw, whatever the input', () => {
  const words = fc.constantFrom(
    ...[
      '# ',
      '#',
      '// ',
      '-- ',
      '; ',
      'pexen:',
      ' ',
      '\n',
      '\r\n',
      '\t',
      '{',
      '}',
      '[',
      ']',
      ',',
      ': ',
      "'",
      '"',
      '\\',
      '- ',
      '? ',
    ],
    ...[
      'timeout',
      '20s',
      'claims',
      'when',
      'if',
      'because',
      'needs',
      'memory',
      'programs',
      'user',
      'retries',
      'requires',
      'anyOf',
      '&a',
      '*a',
      '!!set',
      '|',
      '>',
      '%YAML 1.1',
      '<<',
      '\0',
      '\ufeff',
      'é',
      '\u{1f600}',
    ],
  );
  const text = fc.oneof(
    fc.array(words, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 200 }),
  );

  /** Conditions in quotes and without, whole and broken. */
  const conditions = fc
    .tuple(
      fc.constantFrom(
        'when',
        'needs',
        'when: { if',
        "when: {if: 'ci', because",
        'needs: { memory',
        'needs: {disk',
      ),
      fc.constantFrom("'", '"', ''),
      fc.array(words, { maxLength: 8 }),
      fc.constantFrom('os.id == "debian"', 'ci && ', 'hasProgram("git")', '2G', '[a, b]', '{ /: 2G }', ''),
      fc.constantFrom('', '}', ' } }', ' }, timeout: 3s }'),
    )
    .map(
      ([entry, quote, parts, value, end]) => `{ ${entry}: ${quote}${value}${parts.join('')}${quote}${end}`,
    );

  test('headers', { timeout: 600_000 }, () => {
    const numRuns = Number(process.env.PEXEN_HEADERS ?? 3_000);
    let slowest = 0;
    fc.assert(
      fc.property(fc.oneof(text, conditions), (rest) => {
        const start = performance.now();
        const got = read(`#!/bin/sh\n# pexen: ${rest}`);
        slowest = Math.max(slowest, performance.now() - start);
        if (got === 'nothing') return rest.includes('\0');
        return got.problems.every(({ code, message }) => code.startsWith('PEXEN_') && message !== '');
      }),
      { numRuns },
    );
    expect(slowest).toBeLessThan(1_000);
    if (numRuns > 3_000) console.log(`${numRuns} headers, slowest ${slowest.toFixed(1)} ms`);
  });

  test('bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        read(Buffer.concat([Buffer.from('# pexen: {'), bytes]));
        read(Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('side files', () => {
    fc.assert(
      fc.property(text, (content) => {
        const { meta, problems } = readFileMeta(content, '/x/a.pexen.yaml');
        expect(problems.length > 0 || Object.getPrototypeOf(meta) === Object.prototype).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('a block and braces are read alike, with the same locations', () => {
    const value = fc.record({
      timeout: fc.integer({ min: 1 }),
      tags: fc.array(fc.stringMatching(/^[a-z]{1,5}$/)),
      when: fc.boolean(),
    });
    fc.assert(
      fc.property(value, fc.nat({ max: 20 }), (meta, blanks) => {
        const above = '\n'.repeat(blanks);
        expect(metaIn(`${above}# pexen: ${JSON.stringify(meta)}`)).toEqual(meta);
        const block = Object.entries(meta).map(([name, each]) => `#    ${name}: ${JSON.stringify(each)}\n`);
        expect(metaIn(`${above}# pexen:\n${block.join('')}`)).toEqual(meta);
      }),
    );
  });
});
