/** Files that a command runs, and the presets against the real tools. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ExecutableBody, Interpretation, PlacedTask } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import {
  bats,
  type Factory,
  goTest,
  nodeTest,
  type ProgramsOptions,
  programs,
  prove,
  pytest,
  vitest,
} from '../src/index.ts';
import { output } from './facts.ts';
import { brief, definition, type Layout, made, paths, scratch } from './scratch.ts';

function bodyOf(placed: PlacedTask | undefined): ExecutableBody {
  if (placed === undefined) throw new Error('task not found');
  return definition(placed).body as ExecutableBody;
}

/** Runs the program as a pool would, in the simplest way. */
function start(placed: PlacedTask): Interpretation {
  const { file, argv, cwd, env, interpret } = bodyOf(placed);
  const { PATH = '', HOME = '' } = process.env;
  const { status, signal, stdout, stderr } = spawnSync(file, argv, {
    cwd,
    env: { PATH: `${dirname(process.execPath)}:${PATH}`, HOME, ...env },
    encoding: 'utf8',
  });
  const outputs = { stdout: output(stdout), stderr: output(stderr) };
  return interpret({ exitCode: status, signal, ...outputs, report: '', leaked: 0 });
}

/** The outcome of each task, and its findings as `status name`. */
async function played(factory: Factory, layout: Layout, PATH = process.env.PATH ?? ''): Promise<object> {
  const dir = scratch(layout);
  const got = await made(factory, dir, { env: { PATH: `${dirname(process.execPath)}:${PATH}` } });
  expect(got.problems).toEqual([]);
  const ends = got.tasks.map((placed) => {
    const { outcome, findings } = start(placed);
    return [outcome.kind, ...findings.map(({ status, name }) => `${status} ${name}`)];
  });
  return Object.fromEntries(paths(got).map((path, at) => [path, ends[at]]));
}

const tests = { 't/a.t': '', 't/sub/b.x.t': '', 't/lib.pm': '', 'other/c.t': '' };
const echo = ['/bin/echo', '{file}'] as const;

describe('a command', () => {
  test('has the file where the placeholders are; the call path is the path', async () => {
    const dir = scratch(tests);
    const command = ['/bin/echo', '-x', '{file}', '{path}', '--in={dir}', '^{name}$', '{other}'] as const;
    const got = await made(programs({ files: 't/**/*.t', command, argv: ['-y'] }), dir, { under: ['p'] });
    expect(got.problems).toEqual([]);
    expect(paths(got)).toEqual(['p/t/a.t', 'p/t/sub/b.x.t']);
    expect(got.tasks.map(bodyOf)).toMatchObject([
      {
        file: '/bin/echo',
        cwd: dir,
        argv: ['-x', 't/a.t', join(dir, 't/a.t'), '--in=t', '^a$', '{other}', '-y'],
      },
      { argv: ['-x', 't/sub/b.x.t', join(dir, 't/sub/b.x.t'), '--in=t/sub', '^b.x$', '{other}', '-y'] },
    ]);
  });

  test('runs in `dir`, in that of the file, or elsewhere; call paths start at `dir`', async () => {
    const dir = scratch(tests);
    const placed = async (options: Partial<ProgramsOptions>) => {
      const got = await made(programs({ files: '**/*.t', command: echo, dir: 't', ...options }), dir);
      return [paths(got)[1], bodyOf(got.tasks[1]).cwd.replace(dir, ''), bodyOf(got.tasks[1]).argv[0]];
    };
    expect(await placed({})).toEqual(['sub/b.x.t', '/t', 'sub/b.x.t']);
    expect(await placed({ cwd: 'file' })).toEqual(['sub/b.x.t', '/t/sub', 'b.x.t']);
    expect(await placed({ cwd: 'copy' })).toEqual(['sub/b.x.t', '/t/sub', 'b.x.t']);
    expect(await placed({ cwd: 'private' })).toEqual(['sub/b.x.t', '/t/sub', join(dir, 't/sub/b.x.t')]);
    expect(await placed({ cwd: 'other' })).toEqual(['sub/b.x.t', '/other', '../t/sub/b.x.t']);
  });

  test('may depend on the file', async () => {
    const dir = scratch({ 'a.t': '#!x -T\n', '-b.t': '' });
    const command: ProgramsOptions['command'] = ({ head, parts }) => [
      '/bin/echo',
      `${parts.length}${head.includes('-T')}`,
      '{file}',
    ];
    const got = await made(programs({ files: '*.t', command }), dir);
    expect(got.tasks.map((each) => bodyOf(each).argv)).toEqual([
      ['1false', './-b.t'],
      ['1true', 'a.t'],
    ]);
  });

  test('metadata is in headers and side files', async () => {
    const dir = scratch({
      'a.js': '// pexen: { tags: [slow], argv: [--fast], timeout: 1s }\n',
      'b.js': '',
      'b.js.pexen.yaml': 'name: bee\n',
      'c.js': '// pexen: { timeuot: 1s }\n',
    });
    const got = await made(programs({ files: '*.js', command: echo, meta: { tags: ['js'] } }), dir);
    expect(paths(got)).toEqual(['a.js', 'bee', 'c.js']);
    expect(got.tasks.map((each) => definition(each).meta.tags)).toEqual([['slow'], ['js'], ['js']]);
    expect(bodyOf(got.tasks[0]).argv).toEqual(['a.js', '--fast']);
    expect(brief(got.problems, dir)).toEqual(['PEXEN_UNKNOWN_META | c.js:1:13 | unknown metadata "timeuot"']);
  });

  test('is looked up among the installed packages, then in PATH; a missing one is one problem', async () => {
    const bin = { text: '#!/bin/sh\n', mode: 0o755 };
    const dir = scratch({ 'a.t': '', 'b.t': '', 'node_modules/.bin/x': bin, 'path/x': bin, 'path/y': bin });
    const env = { PATH: join(dir, 'path') };
    const find = async (name: string) =>
      made(programs({ files: '*.t', command: [name, '{file}'] }), dir, { env });
    expect(bodyOf((await find('x')).tasks[0]).file).toBe(join(dir, 'node_modules/.bin/x'));
    expect(bodyOf((await find('y')).tasks[0]).file).toBe(join(dir, 'path/y'));
    expect((await find('z')).problems.map(({ code }) => code)).toEqual(['PEXEN_NO_PROGRAM']);
  });

  test('may run once for each directory', async () => {
    const dir = scratch({ 'a_test.go': '', 'x/a_test.go': '', 'x/b_test.go': '' });
    const got = await made(
      programs({ files: '**/*_test.go', command: ['/bin/echo', './{dir}'], per: 'dir' }),
      dir,
    );
    expect(paths(got)).toEqual([dir.split('/').at(-1), 'x']);
    expect(got.tasks.map((each) => bodyOf(each).argv)).toEqual([['./.'], ['./x']]);
  });
});

describe('several files in one start', () => {
  const options = { files: '**/*.t', command: echo, tap: true } as const;

  test('are one task; one with metadata is alone', async () => {
    const dir = scratch({
      'a.t': '',
      'b.t': '',
      'c.t': '# pexen: { exclusive: true }\n',
      'd/e.t': '',
      'd/f.t': '',
    });
    const got = await made(programs({ ...options, batch: 3 }), dir);
    expect(paths(got)).toEqual(['a.t and 2 more', 'c.t', 'd/f.t']);
    expect(got.tasks.map((each) => bodyOf(each).argv)).toEqual([['a.t', 'b.t', 'd/e.t'], ['c.t'], ['d/f.t']]);
  });

  test.each([
    [{ tap: false }, 'with batch, the output has to name the file of each result, and it is not described'],
    [
      { command: ['echo', '--file={file}'] },
      'with batch, "{file}" or "{path}" must be an argument of its own',
    ],
    [{ per: 'dir' }, 'with per: "dir", batch has no meaning'],
    [{ meta: () => ({}) }, 'with batch, meta must be an object'],
    [{ batch: 0 }, 'batch must be a whole number, 1 or more, not 0'],
    [{ command: ['echo'], batch: 1 }, 'the command does not name the file'],
    [
      { command: 'echo' },
      'command must be a list of a program and its arguments, or a function that returns it',
    ],
    [{ files: [] }, 'files must be a glob or a list of globs'],
    [{ lines: 'tapp' }, 'lines is none of automake, pytest, go'],
    [{ lines: { fail: 'FAIL' } }, 'lines.fail lacks the placeholder {name}'],
    [{ lines: { fail: '{nmae}' } }, 'lines.fail has the unknown placeholder {nmae}'],
    [{ lines: { failed: '{name}' } }, 'lines.failed is not a status'],
    [{ exitCodes: { 5: 'skipped' } }, 'exitCodes.5 must be'],
  ])('%j is refused', (wrong, message) => {
    const make = (): unknown => programs({ ...options, batch: 3, ...wrong } as ProgramsOptions);
    expect(make).toThrow(`programs: ${message}`);
  });

  test.each([
    ['prove', prove],
    ['nodeTest', nodeTest],
    ['bats', bats],
    ['goTest', goTest],
  ] as const)('%s cannot do it', (name, preset) => {
    expect(() => preset({ batch: 2 } as object)).toThrow(
      `${name}: it has no option "batch", since its output`,
    );
  });
});

function lacks(command: string, ...argv: readonly string[]): boolean {
  return spawnSync(command, argv).status !== 0;
}

describe('the real tools', () => {
  test.skipIf(lacks('perl', '-MTest::More', '-e', '1'))("Perl's tests (skipped without Perl)", async () => {
    const layout = {
      'lib/Mine.pm': 'package Mine; sub one { 1 } 1;\n',
      't/a.t': '#!perl -T\nuse Test::More tests => 2;\nuse Mine;\nok 1, "fine";\nis Mine::one(), 2, "two";\n',
      't/many.t': 'use Test::More; ok 0, "n" for 1..77; done_testing;\n',
      't/none.t': 'use Test::More skip_all => "no net";\n',
      't/dies.t': 'use Test::More; ok 1, "x"; die "lost";\n',
    };
    const ends = await played(prove(), layout);
    expect(ends).toMatchObject({
      't/a.t': ['failed', 'pass fine', 'fail two'],
      't/dies.t': ['failed', 'pass x', expect.stringMatching(/^fail plan/)],
      't/none.t': ['skipped-itself'],
    });
    expect((ends as Record<string, string[]>)['t/many.t']?.[0]).toBe('failed');
    const { tasks } = await made(prove(), scratch(layout));
    expect(start(tasks[0] as PlacedTask).findings[1]).toMatchObject({
      location: { line: 5, file: expect.stringMatching(/\/t\/a\.t$/) },
      data: { expected: "'2'", actual: "'1'" },
    });
  });

  test('tests of node:test', async () => {
    const text = (body: string) =>
      `import { test } from 'node:test';\nimport assert from 'node:assert';\n${body}`;
    const ends = await played(nodeTest(), {
      'test/a.test.mjs': text(
        "test('one', () => {}); test('two', () => assert.equal(1, 2)); test.skip('three');",
      ),
      'test/b.test.mjs': text("test('one', () => {});"),
      'test/util.mjs': '',
    });
    expect(ends).toEqual({
      'test/a.test.mjs': ['failed', 'pass one', 'fail two', 'skip three'],
      'test/b.test.mjs': ['returned', 'pass one'],
    });
  });

  test('tests of Vitest, one by one and together', async () => {
    const modules = join(import.meta.dirname, '../../../node_modules');
    const text = (body: string) => `import { describe, expect, test } from 'vitest';\n${body}`;
    const layout = {
      'package.json': '{"type":"module"}',
      node_modules: { link: modules },
      'src/a.test.js': text(
        "test('one', () => {}); describe('in', () => test('two', () => expect({ a: 1 }).toEqual({ a: 2 }))); test.todo('later');",
      ),
      'src/xa.test.js': text("test('one', () => {});"),
    };
    expect(await played(vitest({ files: 'src/*.js' }), layout)).toEqual({
      'src/a.test.js': ['failed', 'pass one', 'fail in › two', 'todo later'],
      'src/xa.test.js': ['returned', 'pass one'],
    });
    expect(await played(vitest({ files: 'src/*.js', batch: 2 }), layout)).toEqual({
      'src/a.test.js and 1 more': [
        'failed',
        ...['pass src/a.test.js › one', 'fail src/a.test.js › in › two', 'todo src/a.test.js › later'],
        'pass src/xa.test.js › one',
      ],
    });
  });

  test.skipIf(lacks('bash', '-c', ''))('tests of bats (skipped without bash)', async () => {
    const layout = {
      'node_modules/.bin/bats': {
        link: join(dirname(createRequire(import.meta.url).resolve('bats/package.json')), 'bin/bats'),
      },
      'test/a.bats':
        '@test "adds" { [ $((1+1)) -eq 2 ]; }\n@test "fails" {\n  false\n}\n@test "skips" { skip "no net"; }\n',
      'test/b.bats': '@test "fine" { true; }\n',
    };
    expect(await played(bats(), layout)).toEqual({
      'test/a.bats': ['failed', 'pass adds', 'fail fails', 'skip skips'],
      'test/b.bats': ['returned', 'pass fine'],
    });
  });

  test.skipIf(lacks('pytest', '--version'))('tests of pytest (skipped without pytest)', async () => {
    const layout = {
      'tests/test_a.py': `import pytest
def test_ok(): pass
def test_bad(): assert 1 == 2
@pytest.mark.skip(reason='no net')
def test_skip(): pass
@pytest.mark.xfail(reason='later')
def test_x(): assert 0
class TestC:
    def test_n(self): pass
`,
      'tests/test_b.py': 'def test_b(): pass\n',
      'tests/test_none.py': 'x = 1\n',
      'tests/test_broken.py': 'import nothing_like_this\n',
    };
    const ends = (await played(pytest(), layout)) as Record<string, string[]>;
    expect(ends['tests/test_a.py']?.toSorted()).toEqual(
      [
        ...['failed', 'fail test_bad', 'pass test_ok', 'pass TestC::test_n', 'todo test_x'],
        'skip tests/test_a.py:4',
      ].toSorted(),
    );
    expect(ends).toMatchObject({
      'tests/test_b.py': ['returned', 'pass test_b'],
      'tests/test_none.py': ['skipped-itself', 'warn lines'],
      'tests/test_broken.py': ['failed', 'fail tests/test_broken.py'],
    });
    const together = await played(pytest({ batch: 9 }), layout);
    expect(together).toEqual({ 'tests/test_a.py and 3 more': expect.arrayContaining(['failed']) });
    expect(Object.values(together)[0]).toContain('fail tests/test_none.py');
  });

  test.skipIf(lacks('go', 'version'))('tests of Go (skipped without go)', async () => {
    const layout = {
      'go.mod': 'module example.com/x\n\ngo 1.18\n',
      'x/a_test.go':
        'package x\nimport "testing"\nfunc TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { t.Error("no") }\nfunc TestC(t *testing.T) { t.Skip("no net") }\n',
    };
    expect(await played(goTest(), layout)).toEqual({
      x: ['failed', 'pass TestA', 'fail TestB', 'skip TestC'],
    });
  });
});
