/** Mistakes in suite files: each is reported at its place, and all of them together. */
import { describe, expect, test } from 'vitest';
import { yaml } from '../../src/index.ts';
import { brief, type Layout, made, program, scratch } from '../scratch.ts';

async function mistakes(text: string, others: Layout = {}): Promise<string[]> {
  const dir = scratch({ 'suite.yaml': text, ...others });
  const { problems } = await made(yaml({ file: 'suite.yaml' }), dir);
  return brief(problems, dir).map((line) => line.replace(/^PEXEN_/, ''));
}

/** Line 2 is `  a: { command: x, …`: the entries begin at column 19. */
const task = (entries: string): string => `tasks:\n  a: { command: x, ${entries} }\n`;

test.each([
  ['tsks: { a: x }', 'BAD_SUITE_FILE | suite.yaml:1:1 | unknown entry "tsks"'],
  ['- a', 'BAD_SUITE_FILE | suite.yaml:1:1 | the suite is not a map'],
  ['tasks: [a]', 'BAD_SUITE_FILE | suite.yaml:1:8 | tasks must be a map'],
  ['tasks: { a: }', 'BAD_SUITE_FILE | suite.yaml:1:10 | the task "a" is empty'],
  ['tasks: { a: {} }', 'BAD_SUITE_FILE | suite.yaml:1:10 | it has no command'],
  ['tasks: { a: [] }', 'BAD_META | suite.yaml:1:13 | command names no program'],
  ['tasks: { a: " " }', 'BAD_META | suite.yaml:1:13 | command is empty'],
  [
    'tasks: { a: { command: { x: y } } }',
    'BAD_META | suite.yaml:1:24 | command must be a list of a program and its arguments, or text',
  ],
  [
    'tasks: { a: [no-such-program] }',
    'NO_PROGRAM | suite.yaml:1:14 | the program "no-such-program" was not found',
  ],
  ['tasks: { "": x }', 'BAD_SUITE_FILE | suite.yaml:1:10 | its name is empty'],
  [task('timeuot: 1s'), 'UNKNOWN_META | suite.yaml:2:20 | unknown metadata "timeuot"'],
  [task('name: b'), 'UNKNOWN_META | suite.yaml:2:20 | unknown metadata "name"'],
  [task('timeout: 1 sec'), /^BAD_META \| suite.yaml:2:29 \| timeout must be a duration/],
  [task('exitCodes: { 5: skpi }'), /^BAD_META \| suite.yaml:2:36 \| exitCodes must be/],
  [task('lines: { faild: x }'), /^BAD_META \| suite.yaml:2:36 \| lines is not a status/],
  [task('template: t'), 'BAD_SUITE_FILE | suite.yaml:2:30 | there is no template "t"'],
  [task(`argv: ["\${{ x }}"]`), 'BAD_SUITE_FILE | suite.yaml:2:27 | argv has the unknown value "x"'],
  [
    task(`with: { l: [1] }, argv: ["a\${{ l }}"]`),
    'BAD_SUITE_FILE | suite.yaml:2:45 | argv has the value "l" within a text, which is not a text',
  ],
  [task('matrix: { x: [] }'), 'BAD_SUITE_FILE | suite.yaml:2:20 | matrix has no combination of values'],
  [
    task('matrix: { x: [[1]] }'),
    'BAD_SUITE_FILE | suite.yaml:2:34 | matrix has "x", which has a value without a name',
  ],
  [
    task('matrix: { x: [1, 1] }'),
    'BAD_SUITE_FILE | suite.yaml:2:37 | matrix has "x", which has the value "1" twice',
  ],
  [
    task('matrix: { x: [1] }, exclude: [{ x: 2 }]'),
    'BAD_SUITE_FILE | suite.yaml:2:55 | exclude has the unknown value "2" of "x"',
  ],
  [
    task('matrix: { x: [1] }, exclude: [{ y: 1 }]'),
    'BAD_SUITE_FILE | suite.yaml:2:52 | exclude has the unknown name "y"',
  ],
  [
    task('matrix: { x: [1] }, exclude: [{ x: 1 }]'),
    'BAD_SUITE_FILE | suite.yaml:2:20 | matrix has no combination of values',
  ],
  [task('exclude: []'), 'BAD_SUITE_FILE | suite.yaml:2:20 | exclude has no meaning without a matrix'],
  [
    task(
      `matrix: { ${['x', 'y', 'z'].map((axis) => `${axis}: [${Array.from({ length: 30 }, (_, n) => n)}]`)} }`,
    ),
    /has 27000 combinations, and at most 10000 are possible$/,
  ],
  [task('restarts: 1'), 'BAD_META | suite.yaml:2:20 | restarts is of services only'],
  [
    task('service: true'),
    'BAD_META | suite.yaml:2:20 | service needs "ready", which says when it can be used',
  ],
  [task('service: true, ready: { prot: 1 }'), 'BAD_META | suite.yaml:2:42 | ready must be a condition'],
  [
    task('service: true, ready: { port: no }'),
    'BAD_META | suite.yaml:2:50 | ready has "port", which must be a port or "{port}", not "no"',
  ],
  [
    task('service: true, ready: { port: 1 }, exclusive: true'),
    'UNKNOWN_META | suite.yaml:2:55 | a service has no metadata "exclusive"',
  ],
  [
    "programs: { service: 'x', ready: { fd: 3 } }",
    'BAD_SUITE_FILE | suite.yaml:1:13 | programs has "service": here, a service is a task',
  ],
  [
    'capacities: { a: 0 }\ntasks: { a: x }',
    'BAD_SUITE_FILE | suite.yaml:1:18 | the capacity of "a" must be above 0',
  ],
  ['include: no.yaml', 'UNREADABLE_FILE | suite.yaml:1:10 | no.yaml cannot be read (ENOENT)'],
  ['include: [suite.yaml]', 'BAD_SUITE_FILE | suite.yaml:1:11 | it includes itself: suite.yaml → suite.yaml'],
  ['from: { p: { templates: {} } }', 'BAD_SUITE_FILE | suite.yaml:1:14 | unknown entry "templates"'],
  ['from: { p: x }', 'BAD_SUITE_FILE | suite.yaml:1:12 | "p" must be a map of what it contains'],
  ['executables: tests', 'BAD_SUITE_FILE | suite.yaml:1:14 | executables must be a map of its options'],
  [
    'executables: { dir: t, inclde: [] }',
    'BAD_OPTION | suite.yaml:1:24 | executables: has no option "inclde"',
  ],
  [
    'executables: { dir: 5 }',
    'BAD_OPTION | suite.yaml:1:21 | executables: dir must be a non-empty string, not 5',
  ],
  [
    'executables: { dir: t, exclude: [a, 5] }',
    'BAD_OPTION | suite.yaml:1:37 | executables: exclude.1 must be a non-empty string, not 5',
  ],
  [
    'executables: { dir: t, meta: { timeuot: 1s } }',
    'UNKNOWN_META | suite.yaml:1:32 | unknown metadata "timeuot"',
  ],
  ['executables: { dir: no }', 'UNREADABLE_DIRECTORY | no | '],
  ['tasks: {a: x}\ntasks: {b: x}', 'BAD_YAML | suite.yaml:2:1 | "tasks" is there twice: keys must be unique'],
  ['tasks:\n\ta: x', 'BAD_YAML | suite.yaml:2:1 | a tab is used for indentation'],
  ['a: 1\n---\nb: 1', 'BAD_YAML | suite.yaml:3:1 | it contains more than one document'],
  ['tasks: !!set { a }', 'BAD_YAML | suite.yaml:1:8 | it has the tag "!!set": write the value without it'],
  ['tasks: { a: *b }', 'BAD_YAML | suite.yaml:1:13 | "*b" refers to "&b", which does not end before it'],
  ['tasks: &a { b: *a }', 'BAD_YAML | suite.yaml:1:16 | "*a" refers to "&a", which does not end before it'],
  ['tasks: { <<: x }', 'BAD_YAML | suite.yaml:1:14 | "<<" merges maps, and this is none'],
  ['? [a]\n: b', 'BAD_YAML | suite.yaml:1:3 | it has a key that is not a text'],
  ['tasks: { a: "x }', 'BAD_YAML | suite.yaml:1:17 | it ends within a double quoted scalar'],
])('%.60s', async (text, complaint) => {
  const found = await mistakes(text, { 't/a': program() });
  if (typeof complaint === 'string') expect(found[0]).toContain(complaint);
  else expect(found[0]).toMatch(complaint);
  expect(found.filter((line) => !/MADE_NOTHING|NOTHING_FOUND/.test(line))).toHaveLength(1);
});

test('within brackets, values have to be in quotes, and the hint says so', async () => {
  const dir = scratch({ 'suite.yaml': `tasks: { a: { command: \${{ x }} } }` });
  const { problems } = await made(yaml({ file: 'suite.yaml' }), dir);
  expect(problems[0]?.hint).toBe(`Within [ ] and { }, put \${{ … }} in quotes.`);
  const other = await mistakes('tasks: { a: { command: echo b: c } }');
  expect(other).toEqual(['BAD_YAML | suite.yaml:1:30 | a comma is missing within [ ] or { }']);
});

test('entries as other tools call them', async () => {
  const dir = scratch({
    'suite.yaml': 'tasks: { a: { run: x, depends_on: [b], environment: { A: a }, if: true, name: b } }',
  });
  const { problems } = await made(yaml({ file: 'suite.yaml' }), dir);
  expect(problems.map(({ hint }) => hint)).toEqual([
    ...['command', 'requires', 'env', 'when'].map((name) => `Did you mean "${name}"?`),
    'The name of a task is its key.',
  ]);
});

test('all of them come together, in the order of the file, and what tasks have in common once', async () => {
  const found = await mistakes(
    `defaults: { timeuot: 1s, retries: x }
tasks:
  a: { command: x, tags: b }
  b: { template: nix, timeout: x }
templates: { t: { comand: x }, u: { command: x, when: { if: cpus >> 1 } } }
include: [one.yaml]
`,
    { 'one.yaml': 'tasks: { c: { template: t, argv: x } }\n' },
  );
  expect(found.map((line) => line.replace(/ \| [^|]*$/, ''))).toEqual([
    'UNKNOWN_META | suite.yaml:1:13',
    'BAD_META | suite.yaml:1:35',
    'BAD_META | suite.yaml:3:26',
    'BAD_SUITE_FILE | suite.yaml:4:18',
    'BAD_META | suite.yaml:4:32',
    'UNKNOWN_META | suite.yaml:5:19',
    'BAD_META | suite.yaml:5:67',
    'BAD_SUITE_FILE | one.yaml:1:25',
    'BAD_META | one.yaml:1:34',
  ]);
});

test('files that include each other in a circle, and templates that use each other', async () => {
  const one = await mistakes('include: a.yaml', { 'a.yaml': 'include: b.yaml', 'b.yaml': 'include: a.yaml' });
  expect(one).toEqual(['BAD_SUITE_FILE | b.yaml:1:10 | it includes itself: a.yaml → b.yaml → a.yaml']);
  const two = await mistakes(
    'templates: { a: { template: b }, b: { template: a } }\ntasks: { x: { template: a } }',
  );
  expect(two).toEqual(['BAD_SUITE_FILE | suite.yaml:1:49 | the template "a" uses itself']);
  const twice = await mistakes('include: a.yaml\ntemplates: { t: { command: x } }', {
    'a.yaml': 'templates: { t: { command: y } }',
  });
  expect(twice).toContain('BAD_SUITE_FILE | suite.yaml:2:14 | the template "t" is also in a.yaml');
});

test('a program that is not found may be missing where the task has a condition', async () => {
  expect(
    await mistakes('tasks: { a: { command: [no-such-program], needs: { programs: no-such-program } } }'),
  ).toEqual([]);
});

describe('what is too large is refused quickly', () => {
  const laughs = `a: &a [x, x, x, x, x, x, x, x, x, x]
${'bcdefghij'.replaceAll(/./g, (name) => {
  const before = String.fromCharCode(name.charCodeAt(0) - 1);
  return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]\n`;
})}tasks: { t: { command: *j } }`;
  const doubled = `templates: { t: { command: x, matrix: { a: [${Array.from({ length: 9_999 }, (_, n) => n)}] }, argv: [${`"\${{ a }}", `.repeat(2_000)}] } }
tasks: { t: { template: t } }`;

  test.each([
    ['aliases of aliases', laughs, /BAD_YAML .* more than 2000000 parts/],
    ['100,000 levels of brackets', `a: ${'['.repeat(100_000)}`, /BAD_YAML .* nested deeper than 40 levels/],
    ['100,000 levels of lists', '- '.repeat(100_000), /BAD_YAML .* nested deeper than 40 levels/],
    ['10 MB', `tasks: { a: "${'x'.repeat(10_000_000)}" }`, /BAD_YAML .* is larger than 8 MiB/],
    ['a matrix of large tasks', doubled, /the entries of all tasks together have more than/],
    [
      'files that include each other many times',
      `include: [${'a.yaml, '.repeat(50)}]`,
      /includes more than 1000 files/,
    ],
  ])('%s', async (_name, text, complaint) => {
    const start = performance.now();
    const many = 'bcd'.replaceAll(/./g, (name) => name);
    const others = Object.fromEntries(
      ['a', ...many].map((name) => [
        `${name}.yaml`,
        name === 'd'
          ? 'tasks: {}'
          : `include: [${`${String.fromCharCode(name.charCodeAt(0) + 1)}.yaml, `.repeat(50)}]`,
      ]),
    );
    const found = await mistakes(text, others);
    expect(
      found.some((line) => complaint.test(line)),
      found.slice(0, 3).join('\n'),
    ).toBe(true);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});
