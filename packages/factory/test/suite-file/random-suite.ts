/** Random suite files without mistakes, and such files with one mistake at a known place. */
import * as fc from 'fast-check';

/** One mistake: where it is, and how it shows. */
export interface Planted {
  readonly text: string;
  /** `line:column` of the mistake; of one of syntax, only the line is known. */
  readonly place: string;
  readonly kind: Mistake;
}

/** A piece of a file; of some pieces it is known what a mistake in them would be. */
interface Piece {
  readonly text: string;
  readonly is?: 'entry' | 'value' | 'template' | 'indent';
}

type Mistake = 'unknown entry' | 'wrong value' | 'unknown template' | 'tab' | 'entry twice';

/** Entry → values that it may have. None of them may be a map with other entries than it has. */
const entries: Readonly<Record<string, readonly string[]>> = {
  requires: ['[a]', '[a, { anyOf: [b, c] }]', '[{ atLeast: [2, a, b] }]', '["x y"]'],
  after: ['[a]', '[]'],
  before: ['[b]'],
  salvages: ['[c]'],
  provides: ['[a, b]', '["é"]'],
  uses: ['[/net]', '[{ memory-mb: 512 }, /srv/db]'],
  claims: ['[port]'],
  exclusive: ['true', 'false'],
  priority: ['-1', '2.5'],
  weight: ['1.5s', '20'],
  timeout: ['20s', 'off', '5m', '"100ms"'],
  idleTimeout: ['1h'],
  grace: ['0', '10s'],
  slowAfter: ['2h'],
  retries: ['2', '{ count: 1, delay: 1s }'],
  rerunnable: ['true'],
  scope: ['run', 'boot'],
  inputs: ['[src, "**/*.c"]'],
  digestEnv: ['[TOKEN]'],
  tags: ['[slow, net]', '["#1"]'],
  when: ['true', 'no network', "{ if: 'cpus > 1', because: too small }"],
  needs: ['{ memory: 1K }', '{ programs: [sh], os: [linux] }'],
  argv: ['[1, "two words", 1.10]'],
  env: ['{ LANG: C, N: 1.10 }'],
  cwd: ['sub', 'private'],
  tap: ['true', 'perl'],
  lines: ['automake', "{ fail: 'not {name}' }"],
  exitCodes: ['{ 5: skip }'],
};

/** A value that no entry may have. */
const wrong = '{ "no such": { thing: [1] } }';

const entryNames = Object.keys(entries);

const someEntries: fc.Arbitrary<Piece[][]> = fc
  .subarray(entryNames, { maxLength: 5 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .constantFrom(...(entries[name] as readonly string[]))
          .map((value): Piece[] => [
            { text: name, is: 'entry' },
            { text: ': ' },
            { text: value, is: 'value' },
          ]),
      ),
    ),
  );

const command: fc.Arbitrary<Piece[]> = fc
  .constantFrom("'true'", '[sh, -c, "exit 0"]', '/bin/true', '"echo {a: b}, [c]"')
  .map((value) => [{ text: 'command', is: 'entry' }, { text: ': ' }, { text: value, is: 'value' }]);

/** A task, with its name, in braces or in lines of their own. */
function taskAt(indent: string, name: string, templates: readonly string[]): fc.Arbitrary<Piece[]> {
  const template: fc.Arbitrary<Piece[]> =
    templates.length === 0
      ? command
      : fc
          .constantFrom(...templates)
          .map((each): Piece[] => [
            { text: 'template', is: 'entry' },
            { text: ': ' },
            { text: each, is: 'template' },
          ]);
  const matrix: fc.Arbitrary<Piece[] | undefined> = fc.option(
    fc
      .constantFrom('{ x: [1, 2] }', '{ x: { one: 1, two: [2] }, y: [a] }')
      .map((value): Piece[] => [{ text: 'matrix', is: 'entry' }, { text: ': ' }, { text: value }]),
    { nil: undefined, freq: 4 },
  );
  return fc
    .tuple(fc.oneof(command, template), someEntries, matrix, fc.boolean())
    .map(([first, others, cells, isFlow]) => {
      const all = [first, ...others, ...(cells === undefined ? [] : [cells])];
      const head: Piece[] = [{ text: indent, is: 'indent' }, { text: `${name}:` }];
      if (isFlow)
        return [
          ...head,
          { text: ' { ' },
          ...all.flatMap((entry, at) => [...(at > 0 ? [{ text: ', ' }] : []), ...entry]),
          { text: ' }\n' },
        ];
      const lines = all.flatMap((entry) => [
        { text: `${indent}  `, is: 'indent' } as const,
        ...entry,
        { text: '\n' },
      ]);
      return [...head, { text: '\n' }, ...lines];
    });
}

function tasksAt(indent: string, prefix: string, templates: readonly string[]): fc.Arbitrary<Piece[]> {
  return fc
    .integer({ min: 1, max: 4 })
    .chain((count) =>
      fc.tuple(...Array.from({ length: count }, (_, at) => taskAt(indent, `${prefix}${at}`, templates))),
    )
    .map((tasks) => tasks.flat());
}

const pieces: fc.Arbitrary<Piece[]> = fc
  .tuple(
    tasksAt('  ', 'template-', []),
    tasksAt('  ', 'task ', ['template-0']),
    someEntries,
    fc.option(tasksAt('      ', 'part', ['template-0']), { nil: undefined }),
    fc.constantFrom('', '# a comment\n', '\n'),
  )
  .map(([templates, tasks, defaults, part, first]) => [
    { text: first },
    { text: 'templates:\n' },
    ...templates,
    ...(defaults.length === 0 ? [] : [{ text: 'defaults:\n' }]),
    ...defaults.flatMap((entry) => [{ text: '  ', is: 'indent' } as const, ...entry, { text: '\n' }]),
    { text: 'tasks:\n' },
    ...tasks,
    ...(part === undefined ? [] : [{ text: 'from:\n  net/v6:\n    tasks:\n' }, ...part]),
  ]);

/** Files without mistakes. */
export const suites: fc.Arbitrary<string> = pieces.map(textOf);

/** Files with one mistake. */
export const planted: fc.Arbitrary<Planted> = fc
  .tuple(pieces, fc.nat(), fc.boolean())
  .map(([all, choice, other]) => {
    const targets = all.flatMap(({ is }, at) => (is === undefined ? [] : [at]));
    return plant(all, targets[choice % targets.length] as number, other);
  });

function plant(all: readonly Piece[], at: number, other: boolean): Planted {
  const { is, text } = all[at] as Piece;
  const replaced = (by: string): string => textOf(all.with(at, { text: by }));
  const place = placeAfter(textOf(all.slice(0, at)));
  switch (is) {
    case 'entry': {
      if (!other) return { text: replaced(`${text}x`), place, kind: 'unknown entry' };
      const twice = all.slice(0, at + 3);
      const between = isInBraces(all, at) ? ', ' : `\n${indentOf(all, at)}`;
      return {
        text: textOf([...twice, { text: between }, ...all.slice(at)]),
        place: placeAfter(textOf([...twice, { text: between }])),
        kind: 'entry twice',
      };
    }
    case 'template':
      return { text: replaced('no-such'), place, kind: 'unknown template' };
    case 'indent':
      return { text: replaced(`\t${text}`), place, kind: 'tab' };
    default:
      return { text: replaced(wrong), place, kind: 'wrong value' };
  }
}

function isInBraces(all: readonly Piece[], at: number): boolean {
  const before = all.slice(0, at).findLast(({ text, is }) => is === 'indent' || text === ' { ');
  return before?.is !== 'indent';
}

function indentOf(all: readonly Piece[], at: number): string {
  return all.slice(0, at).findLast(({ is }) => is === 'indent')?.text ?? '';
}

function textOf(all: readonly Piece[]): string {
  return all.map(({ text }) => text).join('');
}

function placeAfter(text: string): string {
  const lines = text.split('\n');
  return `${lines.length}:${(lines.at(-1) ?? '').length + 1}`;
}
