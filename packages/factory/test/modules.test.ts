/** Modules as tasks: which exports are tasks, their names, and their addresses. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Address, addressOf, describeRequirement, type PlacedTask, type Task } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { modules } from '../src/index.ts';
import { brief, definition, type Layout, made, paths, scratch } from './scratch.ts';

const fixtures = join(import.meta.dirname, 'fixtures/modules');

function one(tasks: readonly PlacedTask[], path: string): PlacedTask {
  const found = tasks.find((each) => paths({ tasks: [each] })[0] === path);
  if (found === undefined) throw new Error(`${path} is not among ${paths({ tasks }).join(', ')}`);
  return found;
}

function addressIn(tasks: readonly PlacedTask[], path: string): Address | undefined {
  return addressOf(definition(one(tasks, path)));
}

test('seed: exported tasks, functions with metadata and functions of a matching name are tasks, in the order of the source', async () => {
  const got = await made(modules({ file: 'kinds.task.ts', match: 'check*' }), fixtures, { under: ['top'] });
  expect(got.problems).toEqual([]);
  expect(paths(got)).toEqual([
    ...['top/zebra', 'top/own name', 'top/seven'],
    ...['top/list/one', 'top/list/(two)', 'top/list/2', 'top/list/deep/er/four', 'top/made/a', 'top/made/b'],
    ...['top/called/c', 'top/called/d', 'top/generated/later', 'top/checkThis', 'top/plain'],
  ]);
  const values = await Promise.all(got.tasks.map(({ task }) => (task as Task)()));
  expect(values).toEqual(['zebra', 'apple', 7, 1, 2, 3, 4, 'a', 'b', 'c', 'd', 'later', 'check', 'plain']);
});

test('without match, only tasks and functions with metadata are tasks', async () => {
  const got = await made(modules({ file: 'kinds.task.ts' }), fixtures);
  expect(paths(got)).not.toContain('checkThis');
  expect(paths(got)).toContain('plain');
});

test.each([[['check*', 'help*']], [/^(?:check|help)/g]])('match may be %s', async (match) => {
  const got = await made(modules({ file: 'kinds.task.ts', match }), fixtures);
  expect(paths(got).filter((path) => /^(?:check|help)/i.test(path))).toEqual(['checkThis', 'helper']);
});

test('seed: the modules of a tree give the call path; a default export has the name of its module', async () => {
  const got = await made(modules({ dir: fixtures }), '/');
  expect(got.problems).toEqual([]);
  const outside = paths(got).filter((path) => !path.startsWith('kinds/'));
  expect(outside).toEqual([
    'common/one',
    'common/two',
    'net/ping',
    'net/ping/other',
    'tests/three',
    'tests/two',
  ]);
});

test('a task that several modules export is one task, of the module that made it', async () => {
  const got = await made(modules({ dir: fixtures }), '/');
  expect(paths(got).filter((path) => path.endsWith('zebra'))).toEqual(['kinds/zebra']);
  const again = await made(modules({ dir: fixtures, include: ['net/all.task.ts'] }), '/');
  expect(paths(again).sort()).toEqual(['net/all', 'net/all/another', 'net/all/zebra']);
});

test('include selects modules of any name, but only modules', async () => {
  const got = await made(modules({ dir: fixtures, include: ['lib/**', '../**/*.md', '**/*.mjs'] }), '/');
  expect(paths(got)).toEqual(['lib/helpers/hidden', 'tests/three', 'tests/two']);
});

test('the options provide metadata that a task does not have itself', async () => {
  const meta = ({ parts }: { readonly parts: readonly string[] }): object => ({
    tags: [parts.join('/')],
    timeout: 5,
  });
  const { tasks } = await made(
    modules({ dir: fixtures, include: ['kinds.task.ts', 'tests.mjs'], meta }),
    '/',
  );
  expect(definition(one(tasks, 'kinds/zebra')).meta).toMatchObject({
    name: 'zebra',
    tags: ['first'],
    timeout: 5,
  });
  expect(definition(one(tasks, 'tests/two')).meta).toEqual({
    name: 'two',
    provides: ['two'],
    tags: ['tests.mjs'],
    timeout: 5,
  });
});

test('every task has an address, except for closures', async () => {
  const { tasks } = await made(modules({ dir: fixtures, match: 'check*' }), '/');
  const url = pathToFileURL(join(fixtures, 'kinds.task.ts')).href;
  const exported = (path: string, ...exportPath: string[]): void =>
    expect(addressIn(tasks, path)).toMatchObject({ kind: 'export', url, exportPath });
  exported('kinds/zebra', 'zebra');
  exported('kinds/own name', 'apple');
  exported('kinds/seven', 'seven');
  exported('kinds/checkThis', 'checkThis');
  exported('kinds/list/2', 'list', '2');
  exported('kinds/list/deep/er/four', 'list', '3', 'task');
  expect(addressIn(tasks, 'kinds/made/b')).toMatchObject({ kind: 'maker', url, maker: 'every', id: 'b' });
  expect(addressIn(tasks, 'kinds/called/d')).toMatchObject({
    kind: 'maker',
    url,
    maker: 'some',
    input: ['c', 'd'],
    id: 'd',
  });
  expect(addressIn(tasks, 'kinds/generated/later')).toBeUndefined();
  expect(addressIn(tasks, 'net/ping')).toMatchObject({
    url: url.replace('kinds', 'net/ping'),
    exportPath: ['default'],
  });
  expect(addressIn(tasks, 'common/two')).toMatchObject({
    url: url.replace('kinds.task.ts', 'common.task.cjs'),
  });
});

test('the address leads to the same function', async () => {
  const { tasks } = await made(modules({ dir: fixtures, match: 'check*' }), '/');
  for (const placed of tasks) {
    const { address, body, madeFrom } = definition(placed);
    if (address?.kind !== 'export') continue;
    const namespace = (await import(address.url)) as object;
    const end = address.exportPath.reduce<unknown>(
      (at, name) => (at as Record<string, unknown>)[name],
      namespace,
    );
    expect(end).toBe(madeFrom);
    expect(typeof body).toBe('function');
  }
});

test('Node alone finds the same tasks in the same order, and every address has a fingerprint', async () => {
  const { tasks } = await made(modules({ dir: fixtures }), '/');
  const names = tasks.map((placed) => definition(placed).meta.name ?? null);
  expect(askNode(fixtures, 'definitions.map(({ meta }) => meta.name ?? null)')).toEqual(names);
  const addresses = askNode(
    fixtures,
    'definitions.map(({ address }) => address ?? null)',
  ) as (Address | null)[];
  expect(addresses.filter((address) => address === null)).toHaveLength(1);
  expect(
    addresses.filter((each) => each !== null && 'fingerprint' in each && each.fingerprint === ''),
  ).toEqual([]);
  expect(addresses.find((each) => each?.kind === 'export' && each.exportPath.at(-1) === 'two')).toMatchObject(
    {
      exportPath: ['default', 'two'],
    },
  );
});

test('a task without a name gets the name of its export in messages', async () => {
  const dir = linked({
    'a.task.mjs': `import { task, withMeta } from '@pexen/core';
      export const build = task({}, () => 1);
      export const own = task({ name: 'its own' }, () => 1);
      export const list = [task({}, () => 1)];
      export const use = task({ requires: [build, own, list[0]] }, () => 1);
      export default task({ salvages: [use] }, () => 1);`,
  });
  const { tasks } = await made(modules({ dir: '.' }), dir);
  const described = tasks.flatMap((each) => definition(each).meta.requires ?? []).map(describeRequirement);
  expect(described).toEqual(['task "build"', 'task "its own"', 'task "list/0"']);
});

test('a warning names a template that is never bound, but not one that is', async () => {
  const dir = linked({
    'a.task.mjs': `import { task, type } from '@pexen/core';
      export const bound = task({ args: type() }, () => 1);
      export const one = bound.with(1);
      export const lonely = task({ name: 'lonely', args: type() }, () => 2);
      export const nameless = task({ args: type() }, () => 3);`,
  });
  const { tasks, warnings } = await made(modules({ dir: '.' }), dir);
  expect(paths({ tasks })).toEqual(['a/one']);
  expect(brief(warnings, dir)).toEqual([
    expect.stringMatching(
      /^PEXEN_UNBOUND \| .*a\.task\.mjs:4:\d+ \| the task "lonely" has no args; skipped$/,
    ),
    expect.stringMatching(/the task "nameless" has no args; skipped$/),
  ]);
});

test('a list of tasks with something else in it is a problem', async () => {
  const dir = linked({
    'a.task.mjs': `import { task } from '@pexen/core';
      export const mixed = [task({ name: 'x' }, () => 1), 'oops', task({ name: 'y' }, () => 2)];`,
  });
  const got = await made(modules({ dir: '.' }), dir);
  expect(paths(got)).toEqual(['a/mixed/x', 'a/mixed/y']);
  expect(brief(got.problems, dir)).toEqual([
    'PEXEN_NOT_A_TASK | a.task.mjs | mixed[1] is not a task, though the list has tasks',
  ]);
});

test('modules without tasks cause a warning, and a problem if no module has tasks', async () => {
  const dir = linked({
    'a.task.mjs': 'export const x = 1;',
    'sub/b.task.mjs': "import { task } from '@pexen/core'; export const y = task({}, () => 1);",
  });
  const got = await made(modules({ dir: '.' }), dir);
  expect(paths(got)).toEqual(['sub/b/y']);
  expect(brief(got.warnings, dir)).toEqual(['PEXEN_NO_TASK | a.task.mjs | the module exports no task']);
  const none = await made(modules({ dir: '.', include: ['a.*'] }), dir);
  expect(none.problems).toMatchObject([
    { code: 'PEXEN_NOTHING_FOUND', hint: 'Export tasks: export const ping = task({ … }, () => …).' },
  ]);
  const file = await made(modules({ file: 'a.task.mjs' }), dir);
  expect(brief(file.problems, dir)).toEqual([
    'PEXEN_NOTHING_FOUND | a.task.mjs | the module exports no task',
  ]);
  const gone = await made(modules({ file: 'gone.mjs' }), dir);
  expect(brief(gone.problems, dir)).toEqual(['PEXEN_MODULE_FAILED | gone.mjs | no such file']);
});

test('a module that is named like one with tasks but only exports functions is a problem', async () => {
  const dir = linked({
    'a.task.mjs':
      'export const add = () => 1; export function divide() {} export class Helper {} export const n = 1;',
    'b.task.mjs':
      "import { task } from '@pexen/core'; export const y = task({}, () => 1); export const help = () => 1;",
    'helpers.mjs': 'export const help = () => 1;',
  });
  const got = await made(modules({ dir: '.', include: ['*.mjs'] }), dir);
  expect(paths(got)).toEqual(['b/y']);
  expect(got.problems).toMatchObject([
    {
      code: 'PEXEN_FUNCTIONS_ONLY',
      location: { file: join(dir, 'a.task.mjs') },
      message: 'the module exports no task, only the functions add, divide',
      hint: expect.stringMatching(/export const add = task\(\{\}, \(\) => …\).*"match"/),
    },
  ]);
  expect(brief(got.warnings, dir)).toEqual(['PEXEN_NO_TASK | helpers.mjs | the module exports no task']);
  expect(paths(await made(modules({ dir: '.', match: ['add', 'divide'] }), dir))).toEqual([
    'a/add',
    'a/divide',
    'b/y',
  ]);
  const file = await made(modules({ file: 'a.task.mjs' }), dir);
  expect(brief(file.problems, dir)).toEqual([
    'PEXEN_FUNCTIONS_ONLY | a.task.mjs | the module exports no task, only the functions add, divide',
  ]);
});

test('tasks in an exported object are tasks', async () => {
  const dir = linked({
    'a.task.mjs': `import { place, task, withMeta } from '@pexen/core';
      export const net = { ping: task({}, () => 1), own: task({ name: 'named' }, () => 2), help: () => 3, n: 4,
        plain: withMeta(() => 5, { tags: ['x'] }), deep: place(['ipv4'], task({}, () => 6)) };
      export const settings = { help: () => 7 };
      export const zed = task({}, () => 8);
      export const all = { zed };`,
  });
  const got = await made(modules({ dir: '.' }), dir);
  expect(got.problems).toEqual([]);
  expect(paths(got).sort()).toEqual([
    ...['a/net/ipv4/deep', 'a/net/named', 'a/net/ping', 'a/net/plain', 'a/zed'],
  ]);
  expect(addressIn(got.tasks, 'a/net/ping')).toMatchObject({ kind: 'export', exportPath: ['net', 'ping'] });
  expect(addressIn(got.tasks, 'a/net/ipv4/deep')).toMatchObject({ exportPath: ['net', 'deep', 'task'] });
});

test('an export with a place in the tree is a task at that place', async () => {
  const dir = linked({
    'a.task.mjs': `import { place, task } from '@pexen/core';
      export const one = place(['net', 'ipv4'], task({ name: 'ping' }, () => 1));
      export const two = place(['net'], task({}, () => 2));
      export default place(['deep'], task({}, () => 2));`,
  });
  const got = await made(modules({ dir: '.' }), dir);
  expect(paths(got)).toEqual(['a/net/ipv4/ping', 'a/net/two', 'deep/a']);
  expect(got.tasks.map((placed) => definition(placed).address)).toMatchObject([
    { kind: 'export', exportPath: ['one', 'task'] },
    { kind: 'export', exportPath: ['two', 'task'] },
    { kind: 'export', exportPath: ['default', 'task'] },
  ]);
});

test('options are checked', () => {
  expect(() => modules({} as never)).toThrow('modules: needs the option "dir"');
  expect(() => modules({ file: 'a', dir: 'b' } as never)).toThrow('modules: "file" does not go with "dir"');
  expect(() => modules({ file: 'a', include: ['b'], exclude: [] } as never)).toThrow(
    '"file" does not go with "include", "exclude"',
  );
  expect(() => modules({ dir: 'a', mach: 'b' } as never)).toThrow('Did you mean "match"?');
  expect(() => modules({ dir: 'a', match: 7 } as never)).toThrow('must be a pattern');
});

describe('a module that cannot be loaded is a problem with a location and a hint', () => {
  test.each<[name: string, layout: Layout, problem: RegExp, hint: RegExp | undefined]>([
    [
      'an error while it loads',
      { 'a.task.mjs': '\n\n  throw new RangeError("too big\\nreally");' },
      /^PEXEN_MODULE_FAILED \| a\.task\.mjs:3:9 \| it cannot be loaded: RangeError: too big$/,
      undefined,
    ],
    [
      'a thrown value that is not an error',
      { 'a.task.mjs': 'throw 7;' },
      /it cannot be loaded: 7$/,
      undefined,
    ],
    [
      'a mistake in the syntax',
      { 'a.task.mjs': '\nlet 5;\n' },
      /a\.task\.mjs:2 \| it cannot be loaded: SyntaxError: Unexpected strict mode reserved word$/,
      undefined,
    ],
    [
      'a mistake in the syntax of TypeScript',
      { 'a.task.ts': 'const a: number = [1;\n' },
      /a\.task\.ts:1 \| it cannot be loaded: SyntaxError: /,
      /^Check for a typo\. .* Or load it with tsx/,
    ],
    [
      'a mistake in what it imports',
      { 'a.task.mjs': "import './b.mjs';", 'b.mjs': '\nlet 5;\n' },
      /a\.task\.mjs \| .*SyntaxError.*, in a module that it imports$/,
      /^To see where, run it: node .*a\.task\.mjs$/,
    ],
    [
      'an enum',
      { 'a.task.ts': '\nenum A { B }\nexport const x = A.B;' },
      /a\.task\.ts:2 \| .*enum/,
      /without enum, namespace and parameter properties/,
    ],
    [
      'a parameter property',
      { 'a.task.ts': 'class A { constructor(readonly x: number) {} }' },
      /a\.task\.ts:1 \| /,
      /without enum/,
    ],
    [
      'a decorator',
      { 'a.task.ts': '\nconst x: number = 1;\n@(() => {}) class A {}' },
      /^PEXEN_MODULE_FAILED \| a\.task\.ts:3 \| it cannot be loaded: SyntaxError: Invalid or unexpected token$/,
      /Decorators, for one.* loader: 'tsx' in the configuration/,
    ],
    [
      'a decorator in a module that it imports',
      {
        'a.task.ts': "const x: number = 1;\nimport './b.ts';",
        'b.ts': '@(() => {}) class A {}',
      },
      /^PEXEN_MODULE_FAILED \| a\.task\.ts \| .*, in b\.ts:1$/,
      /Decorators, for one/,
    ],
    [
      'one that would end everything',
      { 'a.task.mjs': '\nprocess.exit(0);' },
      /^PEXEN_MODULE_FAILED \| a\.task\.mjs:2:9 \| it cannot be loaded: Error: it called process\.exit\(0\)$/,
      /^At its top level a module makes tasks/,
    ],
    [
      'one that waits for what never comes',
      { 'a.task.mjs': 'await new Promise(() => {});' },
      /^PEXEN_MODULE_FAILED \| a\.task\.mjs \| .* a promise at its top level never settles$/,
      /^At its top level a module makes tasks/,
    ],
    [
      'a maker that throws',
      {
        'a.task.mjs':
          "import { maker } from '@pexen/core';\nexport const all = maker(() => { throw new RangeError('no'); });",
      },
      /^PEXEN_MODULE_FAILED \| a\.task\.mjs:2:\d+ \| .*RangeError: no$/,
      undefined,
    ],
    [
      'a maker of something else',
      { 'a.task.mjs': "import { maker } from '@pexen/core';\nexport const all = maker(() => 5);" },
      /^PEXEN_NOT_A_TASK \| .*a\.task\.mjs:2:\d+ \| a maker returned a number instead of tasks$/,
      /^Return a list/,
    ],
    [
      'an import without its ending',
      { 'a.task.ts': "import './lib/b';", 'lib/b.ts': '' },
      /Cannot find module/,
      /^Write the import with its extension: b\.ts$/,
    ],
    [
      'an import of nothing',
      { 'a.task.ts': "import './gone.ts';" },
      /Cannot find module/,
      /^Check the spelling of the import/,
    ],
    [
      'a package that is not there',
      { 'a.task.mjs': "import 'no-such-package/x';" },
      /Cannot find package/,
      /^Install it: npm i -D no-such-package$/,
    ],
    [
      'an import of a type',
      { 'a.task.ts': "import { T } from './b.ts';\nexport const x = 1;", 'b.ts': 'export type T = 1;' },
      /does not provide an export named 'T'/,
      /import type/,
    ],
    [
      'CommonJS in an ES module',
      { 'a.task.mjs': "const fs = require('node:fs');" },
      /require is not defined/,
      /name it \.cjs/,
    ],
    ...(
      [
        ['an import', "import 'node:fs';", /Cannot use import statement outside a module/],
        ['an export', 'export const x = 1;', /Unexpected token 'export'/],
        ['import.meta', 'console.log(import.meta.url);', /Cannot use 'import\.meta' outside a module/],
        ['an await at its top level', 'await 1;', /await is only valid/],
      ] as const
    ).map(
      ([what, text, message]) =>
        [
          `${what} in a module that package.json makes CommonJS`,
          { 'a.task.ts': text, 'package.json': '{ "type": "commonjs" }' },
          message,
          /^Its package\.json makes it a CommonJS module: write "type": "module" there, or rename it to a\.task\.mts\.$/,
        ] as [string, Record<string, string>, RegExp, RegExp],
    ),
    [
      'an import in a module that its name makes CommonJS',
      { 'a.task.cts': "import fs from 'node:fs';\nawait fs;", 'b.task.ts': '' },
      /await is only valid|Cannot use import statement/,
      /^Its name makes it a CommonJS module: rename it to a\.task\.mts\.$/,
    ],
    [
      'types below node_modules',
      {
        'a.task.mjs': "import 'p';",
        'node_modules/p/index.ts': 'export {};',
        'node_modules/p/package.json': '{"exports":"./index.ts"}',
      },
      /Stripping types/,
      /below node_modules/,
    ],
  ])('%s', (_name, layout, problem, hint) => {
    const dir = linked(layout);
    const [first, ...more] = makeInNode(dir);
    expect(more).toEqual([]);
    expect(brief([first as never], dir)[0]).toMatch(problem);
    if (hint === undefined) expect(first?.hint).toBeUndefined();
    else expect(first?.hint).toMatch(hint);
  });

  test('problems that it throws itself are passed on, and all modules are tried', () => {
    const dir = linked({
      'a.task.mjs': `import { PexenError } from '@pexen/core';
        throw new PexenError([{ code: 'PEXEN_X', message: 'mine' }, { code: 'PEXEN_Y', message: 'too', location: { file: '/y' } }]);`,
      'b.task.mjs': 'throw new Error("b");',
    });
    expect(brief(makeInNode(dir) as never, dir)).toEqual([
      'PEXEN_X | a.task.mjs | mine',
      'PEXEN_Y | /y | too',
      'PEXEN_MODULE_FAILED | b.task.mjs:1:7 | it cannot be loaded: Error: b',
    ]);
  });
});

/** A directory whose modules find the packages of this repository. */
function linked(layout: Layout): string {
  const dir = scratch(layout);
  mkdirSync(join(dir, 'node_modules/@pexen'), { recursive: true });
  symlinkSync(join(import.meta.dirname, '../../core'), join(dir, 'node_modules/@pexen/core'));
  return dir;
}

/** The problems of the modules of a directory in Node itself, without a module runner. */
function makeInNode(dir: string): readonly { readonly hint?: string }[] {
  return askNode(dir, 'problems') as readonly { readonly hint?: string }[];
}

/** The value, as JSON, of an expression over the collected modules of a directory. */
function askNode(dir: string, expression: string): unknown {
  const source = pathToFileURL(join(dirname(import.meta.dirname), 'src/index.ts')).href;
  const script = `
    const { collect, modules } = await import(${JSON.stringify(source)});
    const { tasks, problems } = await collect(modules({ dir: '.' }), { root: process.cwd() });
    const definitions = tasks.map(({ task }) => task[Symbol.for('pexen.task')]);
    console.log(JSON.stringify(${expression}));`;
  const argv = ['--conditions=@pexen/source', '--no-warnings', '--input-type=module', '-e', script];
  const env = { PATH: process.env.PATH };
  return JSON.parse(execFileSync(process.execPath, argv, { cwd: dir, encoding: 'utf8', env }));
}
