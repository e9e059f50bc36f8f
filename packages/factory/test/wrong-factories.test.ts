/** Proves the conformance kit of factories: it passes a right factory, and finds each of those that break a rule. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ExecutableBody,
  executableTask,
  PexenError,
  type PlacedTask,
  type Problem,
  place,
  type TaskMeta,
  task,
} from '@pexen/core';
import { describe, expect, it } from 'vitest';
import { sampled } from '#sample';
import { type FactoryConformanceOptions, factoryConformance, factoryContract } from '../src/conformance.ts';
import { type Factory, type FactoryContext, interpreter } from '../src/index.ts';

/** A line of a list, and where it stands. */
interface Line {
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

/** The parts of a factory that makes a task of each line of each list in a folder; wrong ones replace some of them. */
class Lists {
  readonly kind: string = 'lists';
  readonly describe: string = 'all lists';
  readonly #parts: Partial<Parts>;

  constructor(parts: Partial<Parts> = {}) {
    this.#parts = parts;
  }

  async *make(context: FactoryContext): AsyncGenerator<PlacedTask, void> {
    const parts: Parts = { ...right, ...this.#parts };
    const problems: Problem[] = [];
    for (const line of parts.lines(context, problems)) {
      if (/^\w+$/.test(line.text)) yield parts.task(line, context);
      else problems.push(parts.problem(line));
    }
    parts.end(problems);
  }
}

interface Parts {
  lines(context: FactoryContext, problems: Problem[]): Iterable<Line>;
  task(line: Line, context: FactoryContext): PlacedTask;
  problem(line: Line): Problem;
  end(problems: readonly Problem[]): void;
}

const body: ExecutableBody = {
  ...{ file: '/bin/true', argv: [], cwd: '/', env: {} },
  interpret: interpreter(),
};

const nameOf = ({ file }: Line): string => file.replace(/^.*\/|\.list$/g, '');

function program(line: Line, { under = [] }: FactoryContext, meta: TaskMeta = {}): PlacedTask {
  const { file, line: number, text } = line;
  const source = { location: { file, line: number }, nameKind: 'explicit' } as const;
  return place([...under, nameOf(line)], executableTask({ name: text, ...meta }, body, source));
}

const right: Parts = {
  *lines({ root }, problems) {
    const names = existsSync(root) ? readdirSync(root).filter((name) => name.endsWith('.list')) : [];
    for (const name of names.sort()) yield* linesOf(join(root, name), problems);
  },
  task: program,
  problem: ({ text, file, line }) => ({
    ...{ code: 'LISTS_SYNTAX', message: `"${text}" is not a name`, hint: 'Write a word.' },
    location: { file, line },
  }),
  end(problems) {
    const [first, ...rest] = problems;
    if (first !== undefined) throw new PexenError([first, ...rest]);
  },
};

function linesOf(file: string, problems: Problem[]): Line[] {
  try {
    const texts = readFileSync(file, 'utf8').trim().split('\n');
    return texts.map((text, index) => ({ text, file, line: index + 1 }));
  } catch (error) {
    const message = `it cannot be read: ${(error as Error).message}`;
    problems.push({ code: 'LISTS_UNREADABLE', message, location: { file }, hint: 'See its permissions.' });
    return [];
  }
}

const input: Omit<FactoryConformanceOptions, 'test' | 'make'> = {
  files: { 'a.list': 'one\ntwo\n', 'b.list': 'three\n' },
  more: { 'aa.list': 'four\n' },
  broken: [
    { name: 'no word', files: { 'a.list': 'one\n-\n' }, at: [{ file: 'a.list' }] },
    { name: 'two words', files: { 'b.list': 'x\ny z\n' }, at: [{ file: 'b.list', line: 2 }] },
  ],
  timeoutMs: 100,
};

/** The cases that fail, as `title: rule`. */
async function failing(make: () => Factory, given = input): Promise<string[]> {
  const cases: (readonly [name: string, body: () => Promise<void>])[] = [];
  factoryConformance({ ...given, make, test: (name, run) => cases.push([name, run]) });
  const failed: string[] = [];
  for (const [name, run] of cases) await run().catch(() => failed.push(name));
  return failed;
}

let uses = 0;
/** Shared by uses at the same time. */
let open: Line[] = [];
let leftOpen: ReturnType<typeof setInterval> | undefined;

/** What the factory does wrong, the rules that it breaks, and the factory. */
const wrong: readonly (readonly [does: string, breaks: readonly string[], make: () => Factory])[] = [
  [
    'describes itself in two lines',
    ['has a kind and a description, each a line of text'],
    () => Object.assign(new Lists(), { describe: 'all\nlists' }),
  ],
  [
    'makes one task',
    [
      'reports each mistake with its code, its place and a next step',
      'reports the mistakes of all its files in one error',
      'makes two tasks or more, without a problem',
      'sees files that have appeared since its last use, and that have gone',
    ],
    () => new Lists({ lines: (...given) => [...right.lines(...given)].slice(0, 1) }),
  ],
  [
    'yields metadata that is wrong',
    ['yields tasks with their places, with valid metadata'],
    () => new Lists({ task: (line, context) => program(line, context, { timeout: -1 }) }),
  ],
  [
    'gives two tasks one name',
    ['gives each task a name and a call path of its own'],
    () => new Lists({ task: (line, context) => program(line, context, { name: nameOf(line) }) }),
  ],
  [
    'does not say where tasks are',
    ['says in which file each task is'],
    () =>
      new Lists({
        task: ({ text, ...line }, { under = [] }) =>
          place([...under, nameOf({ text, ...line })], executableTask({ name: text }, body)),
      }),
  ],
  [
    'counts lines from 0',
    ['says in which file each task is', 'reports each mistake with its code, its place and a next step'],
    () =>
      new Lists({
        lines: (...given) => [...right.lines(...given)].map((line) => ({ ...line, line: line.line - 1 })),
      }),
  ],
  [
    'makes closures',
    ['makes bodies that other processes find'],
    () =>
      new Lists({
        task: (line, { under = [] }) =>
          place(
            [...under, nameOf(line)],
            task({ name: line.text }, () => {}),
          ),
      }),
  ],
  [
    'ignores the path of the context',
    ['puts its tasks below the path of the context'],
    () => new Lists({ task: (line, context) => program(line, { ...context, under: [] }) }),
  ],
  [
    'changes the path of the context',
    ['leaves the context as it is, and needs no more of it than the root'],
    () =>
      new Lists({
        lines: (context, problems) => {
          if (context.under !== undefined && Object.isFrozen(context.under))
            (context.under as string[]).push('x');
          return right.lines(context, problems);
        },
      }),
  ],
  [
    'needs a listener for warnings',
    [
      'leaves the context as it is, and needs no more of it than the root',
      'may be used twice at the same time',
      'may be left after its first task, and used again',
      'ends with tasks or problems where its input vanishes meanwhile',
    ],
    () =>
      new Lists({
        lines: (context, problems) => {
          context.warn?.call(undefined, { code: 'LISTS_OLD', message: 'old' });
          if (context.warn === undefined) throw new TypeError('warn is not a function');
          return right.lines(context, problems);
        },
      }),
  ],
  [
    'remembers the first root',
    ['reads its input at the root, wherever that is'],
    () => {
      let first: string | undefined;
      return new Lists({
        lines: ({ root }, problems) => {
          first ??= root;
          return right.lines({ root: existsSync(first) ? first : root }, problems);
        },
      });
    },
  ],
  [
    'makes other tasks each time',
    [
      'makes the same tasks in the same order each time',
      'may be used twice at the same time',
      'may be left after its first task, and used again',
    ],
    () => new Lists({ task: (line, context) => program(line, context, { priority: uses++ }) }),
  ],
  [
    'keeps its state between uses at the same time',
    ['may be used twice at the same time'],
    () =>
      new Lists({
        *lines(...given) {
          open = [...right.lines(...given)];
          while (open.length > 0) yield open.shift() as Line;
        },
      }),
  ],
  [
    'takes files in the order in which they were written',
    ['makes them in the same order, in whatever order the files were written'],
    () =>
      new Lists({
        lines: (...given) =>
          [...right.lines(...given)].sort((a, b) => statSync(a.file).mtimeMs - statSync(b.file).mtimeMs),
      }),
  ],
  [
    'keeps the input of its first use',
    [
      'reads its input at the root, wherever that is',
      'sees files that have appeared since its last use, and that have gone',
      'reports each mistake with its code, its place and a next step',
    ],
    () => {
      let kept: readonly Line[] | undefined;
      return new Lists({
        lines: (...given) => {
          kept ??= [...right.lines(...given)];
          return kept;
        },
      });
    },
  ],
  [
    'leaves a timer behind when it is left',
    ['may be left after its first task, and used again'],
    () =>
      new Lists({
        *lines(...given) {
          clearInterval(leftOpen);
          leftOpen = setInterval(() => {}, 1e6);
          yield* right.lines(...given);
          clearInterval(leftOpen);
        },
      }),
  ],
  [
    'throws what the disk throws',
    [
      'ends with tasks or problems where its input vanishes meanwhile',
      'ends with tasks or problems where a file is something else, or cannot be read',
    ],
    () =>
      new Lists({
        *lines({ root }) {
          for (const name of existsSync(root) ? readdirSync(root).sort() : []) {
            const file = join(root, name);
            const texts = readFileSync(file, 'utf8').trim().split('\n');
            yield* texts.map((text, index) => ({ text, file, line: index + 1 }));
          }
        },
      }),
  ],
  [
    'throws where there is no folder',
    ['ends with tasks or problems where there is no input'],
    () =>
      new Lists({
        lines: (context, problems) => {
          readdirSync(context.root);
          return right.lines(context, problems);
        },
      }),
  ],
  [
    'has codes of pexen',
    ['reports each mistake with its code, its place and a next step'],
    () => new Lists({ problem: (line) => ({ ...right.problem(line), code: 'PEXEN_SYNTAX' }) }),
  ],
  [
    'reports no place',
    [
      'reports each mistake with its code, its place and a next step',
      'reports the mistakes of all its files in one error',
    ],
    () =>
      new Lists({ problem: ({ text }) => ({ code: 'LISTS_X', message: `"${text}" is wrong`, hint: 'No.' }) }),
  ],
  [
    'stops at its first problem',
    ['reports the mistakes of all its files in one error'],
    () =>
      new Lists({
        problem: (line) => {
          throw new PexenError([right.problem(line)]);
        },
      }),
  ],
  [
    'ignores mistakes',
    [
      'reports each mistake with its code, its place and a next step',
      'reports the mistakes of all its files in one error',
    ],
    () => new Lists({ end: () => {} }),
  ],
];

describe('the kit', () => {
  it('passes a right factory', async () => {
    expect(await failing(() => new Lists())).toEqual([]);
  });

  it.each(sampled(wrong))('finds a factory that %s', async (_, breaks, make) => {
    const rules = (await failing(make)).map((name) => name.replace(/^[\w ]+: /, ''));
    clearInterval(leftOpen);
    expect(rules.toSorted()).toEqual(breaks.toSorted());
  });

  it('has a factory that breaks it for every rule', () => {
    const rules = factoryContract.flatMap(({ cases }) => cases.map(({ name }) => name));
    const broken = new Set(wrong.flatMap(([, breaks]) => breaks));
    expect([...broken].toSorted()).toEqual(rules.toSorted());
  });

  it('says so where a factory never ends', async () => {
    const endless = new Lists({
      *lines(context, problems) {
        for (;;) yield* right.lines(context, problems);
      },
    });
    const first = (
      await failing(() => ({ ...endless, kind: 'x', describe: 'x', make: neverEnding }), {
        ...input,
        timeoutMs: 20,
      })
    ).length;
    expect(first).toBeGreaterThan(5);
  });

  it('removes its folders', async () => {
    const roots = new Set<string>();
    await failing(
      () =>
        new Lists({
          lines: (context, problems) => {
            roots.add(context.root);
            return right.lines(context, problems);
          },
        }),
    );
    expect(roots.size).toBeGreaterThan(10);
    expect([...roots].filter((root) => existsSync(root))).toEqual([]);
  });
});

async function* neverEnding(): AsyncGenerator<PlacedTask, void> {
  await new Promise(() => {});
}
