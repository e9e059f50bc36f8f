/** Directories of executables as tasks, with real files and real programs. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ExecutableBody, type Interpretation, isTask, type PlacedTask } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { executables, type Factory, tree } from '../src/index.ts';
import { output } from './facts.ts';
import { brief, definition, made, paths, program, scratch } from './scratch.ts';

function bodyOf(placed: PlacedTask | undefined): ExecutableBody {
  if (placed === undefined) throw new Error('task not found');
  return definition(placed).body as ExecutableBody;
}

/** Runs the program as a pool would, in the simplest way. */
function start(placed: PlacedTask | undefined): Interpretation {
  const { file, argv, cwd, env, interpret } = bodyOf(placed);
  const {
    status,
    signal,
    stdout,
    stderr,
    output: all,
  } = spawnSync(file, argv, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const report = String(all?.[3] ?? '');
  return interpret({
    exitCode: status,
    signal,
    stdout: output(stdout),
    stderr: output(stderr),
    report,
    leaked: 0,
  });
}

test('seed: executable files are tasks, their paths are their call paths, they run in their own directory', async () => {
  const dir = scratch({
    ...{ 'b.sh': program(), 'net/ping': program(), 'net/ipv4/a.py': program(), 'README.md': 'no test' },
    ...{ '.hidden/x': program(), 'net/.y': program(), node_modules: '', 'lib.sh': '#!/bin/sh\n' },
  });
  const got = await made(executables({ dir: '.' }), dir, { under: ['sys'] });
  expect(got.problems).toEqual([]);
  expect(paths(got)).toEqual(['sys/b.sh', 'sys/net/ipv4/a.py', 'sys/net/ping']);
  expect(got.tasks.map((each) => isTask(each.task) && bodyOf(each))).toMatchObject([
    { file: join(dir, 'b.sh'), argv: [], cwd: dir, env: {} },
    { file: join(dir, 'net/ipv4/a.py'), argv: [], cwd: join(dir, 'net/ipv4'), env: {} },
    { file: join(dir, 'net/ping'), argv: [], cwd: join(dir, 'net'), env: {} },
  ]);
});

test('three shell scripts are three tasks that end as they say', async () => {
  const dir = scratch({
    'a.sh': program(
      'echo "1..2"; echo "ok 1 - x"; echo "not ok 2 - y # TODO later"\necho "warn disk: full" >&3',
    ),
    'b.sh': program('echo no network; exit 77'),
    'c.sh': program('echo broken >&2; exit 3'),
  });
  const { tasks } = await made(executables({ dir: '.' }), dir);
  expect(tasks.map(start)).toMatchObject([
    {
      outcome: { kind: 'returned', value: { findings: { pass: 1, todo: 1, warn: 1 } } },
      findings: [{ name: 'x' }, { name: 'y' }, { name: 'disk', message: 'full' }],
    },
    { outcome: { kind: 'skipped-itself', reason: 'no network' }, findings: [] },
    { outcome: { kind: 'failed', error: { message: 'exit code 3: broken' } }, findings: [] },
  ]);
});

test('the shell runs text without a `#!` line, as shells do', async () => {
  const dir = scratch({ a: { text: 'test "$1" = x && exit 77\nexit 3', mode: 0o755 } });
  const { tasks } = await made(executables({ dir: '.', argv: ['x'] }), dir);
  expect(bodyOf(tasks[0])).toMatchObject({ file: '/bin/sh', argv: [join(dir, 'a'), 'x'] });
  expect(start(tasks[0]).outcome.kind).toBe('skipped-itself');
});

describe('through a command', () => {
  const layout = {
    'test/a.js': 'process.exit(77)',
    'test/b.js': 'console.log(process.cwd())',
    'test/util/c.js': '',
    'test/d.txt': '',
  };

  test('every file that include names is run, executable or not', async () => {
    const dir = scratch(layout);
    const options = {
      dir: 'test',
      include: ['*.js'],
      command: [process.execPath, '--no-warnings'],
      cwd: '.',
      argv: ['-x'],
    } as const;
    const got = await made(executables(options), dir);
    expect(paths(got)).toEqual(['a.js', 'b.js']);
    const body = { file: process.execPath, argv: ['--no-warnings', join(dir, 'test/b.js'), '-x'], cwd: dir };
    expect(bodyOf(got.tasks[1])).toMatchObject(body);
    expect(start(got.tasks[0]).outcome.kind).toBe('skipped-itself');
  });

  test('it is looked up in PATH, or relative to the root', async () => {
    const dir = scratch({ ...layout, 'bin/run': program('exit 77'), 'bin/dir/x': '', 'other/run': '' });
    const find = async (command: string, PATH: string): Promise<string | undefined> => {
      const factory = executables({ dir: 'test', include: ['a.js'], command: [command] });
      const { tasks, problems } = await made(factory, dir, { env: { PATH } });
      expect(problems.map(({ code }) => code)).toEqual(tasks.length === 1 ? [] : ['PEXEN_NO_PROGRAM']);
      return tasks[0] && bodyOf(tasks[0]).file;
    };
    expect(await find('run', `/nowhere:other:${dir}/bin`)).toBe(join(dir, 'bin/run'));
    expect(await find('./bin/run', '')).toBe(join(dir, 'bin/run'));
    expect(await find('run', '/nowhere')).toBeUndefined();
    expect(await find('dir', join(dir, 'bin'))).toBeUndefined();
  });

  test('cwd is that of the file, the walked one, or a path', async () => {
    const dir = scratch({ 'test/sub/a.sh': program(), 'data/x': '' });
    const cwd = async (where: string): Promise<string> =>
      bodyOf((await made(executables({ dir: 'test', cwd: where }), dir)).tasks[0]).cwd;
    expect(await cwd('file')).toBe(join(dir, 'test/sub'));
    expect(await cwd('dir')).toBe(join(dir, 'test'));
    expect(await cwd('data')).toBe(join(dir, 'data'));
    expect(await cwd('/')).toBe('/');
  });

  test('private and copy are workspaces, in the options and in the metadata, which takes precedence', async () => {
    const layout = {
      'a.sh': program(),
      'b.sh': program('# pexen: { cwd: private }'),
      'c.sh': program('# pexen: { cwd: ./copy }'),
    };
    const dir = scratch(layout);
    const bodies = async (options: object): Promise<unknown[]> =>
      (await made(executables({ dir: '.', ...options }), dir)).tasks.map((each) => {
        const { cwd, workspace } = bodyOf(each);
        return [cwd, workspace];
      });
    const inFolder = [join(dir, 'copy'), undefined];
    expect(await bodies({})).toEqual([[dir, undefined], [dir, 'private'], inFolder]);
    expect(await bodies({ cwd: 'copy' })).toEqual([[dir, 'copy'], [dir, 'private'], inFolder]);
  });
});

describe('metadata', () => {
  test('comes from the options and from the file, whose entries take precedence', async () => {
    const dir = scratch({
      'a.sh': program(
        '# pexen: { name: ping, timeout: 20s, env: { B: file }, argv: [one], cwd: .., tap: true }',
      ),
      'b.sh': program(),
      'c.sh': program(),
      'c.sh.pexen.yaml': 'claims: [/proc/sys/net]\ntimeout: 5\n',
    });
    const options = {
      env: { A: 'option', B: 'option' },
      argv: ['two'],
      meta: { timeout: 7, tags: ['slow'] },
    };
    const got = await made(executables({ dir: '.', ...options }), dir);
    expect(got.problems).toEqual([]);
    expect(got.tasks.map((each) => definition(each).meta)).toEqual([
      { name: 'ping', timeout: 20_000, tags: ['slow'] },
      { name: 'b.sh', timeout: 7, tags: ['slow'] },
      { name: 'c.sh', timeout: 5, tags: ['slow'], claims: ['/proc/sys/net'] },
    ]);
    expect(bodyOf(got.tasks[0])).toMatchObject({
      argv: ['one'],
      cwd: dirname(dir),
      env: { A: 'option', B: 'file' },
    });
    expect(bodyOf(got.tasks[1])).toMatchObject({
      argv: ['two'],
      cwd: dir,
      env: { A: 'option', B: 'option' },
    });
    expect(start(got.tasks[0]).findings).toMatchObject([{ name: 'TAP', status: 'fail' }]);
  });

  test('may be a function of the file and the facts', async () => {
    const dir = scratch({ 'a/x.sh': program(), 'b.sh': program() });
    const factory = executables({
      dir: '.',
      meta: ({ parts, path }, facts) =>
        parts.length > 1 ? { when: facts.net === true || 'no net', name: path.slice(-4) } : undefined,
    });
    const got = await made(factory, dir, { facts: { net: false } });
    expect(got.tasks.map((each) => definition(each).meta)).toEqual([
      { name: 'x.sh', when: 'no net' },
      { name: 'b.sh' },
    ]);
  });

  test('what the function throws is a problem of the file', async () => {
    const dir = scratch({ 'a.sh': program(), 'b.sh': program() });
    const factory = executables({
      dir: '.',
      meta: ({ parts }) => {
        if (parts[0] === 'a.sh') throw new Error('no idea');
        return {};
      },
    });
    expect(brief((await made(factory, dir)).problems, dir)).toEqual([
      'PEXEN_META_FAILED | a.sh | the function "meta" threw: no idea',
    ]);
  });

  test('is not searched for in binaries, nor beyond the head', async () => {
    const dir = scratch({
      bin: { text: 'ELF\0\n# pexen: { timeuot: 1 }\n', mode: 0o755 },
      late: program(`${'# x\n'.repeat(2_000)}# pexen: { timeuot: 1 }`),
    });
    const got = await made(executables({ dir: '.' }), dir);
    expect(got.problems).toEqual([]);
    expect(bodyOf(got.tasks[0]).file).toBe(join(dir, 'bin'));
  });
});

test('all problems of a walk come in one error, each with its location', async () => {
  const dir = scratch({
    'a.sh': program('# pexen: { timeuot: 20s, claims: [x], uses: [x] }'),
    'b.sh': program('# pexen: { tags: ['),
    'c/d.sh': program('# pexen: {}'),
    'c/d.sh.pexen.yaml': '',
    'e.sh.pexen.yaml': '',
    'f.sh': '',
    'f.sh.pexen.yaml': '',
    'g.sh': program(),
    'g.sh.pexen.yaml': 'timeout: soon\n',
    'h.sh': program(),
    'h.sh.pexen.yaml/x': '',
  });
  const factory = executables({ dir: '.' });
  const got = await made(factory, dir);
  expect(paths(got)).toEqual(['a.sh', 'b.sh', 'c/d.sh', 'g.sh', 'h.sh']);
  expect(brief(got.problems, dir)).toEqual([
    'PEXEN_UNKNOWN_META | a.sh:2:12 | unknown metadata "timeuot"',
    'PEXEN_USED_AND_CLAIMED | a.sh:2:26 | "x" is both used and claimed',
    'PEXEN_BAD_HEADER | b.sh:2:3 | the header: its { is not closed before the comment ends',
    'PEXEN_BAD_HEADER | c/d.sh:2:3 | there is metadata in the header and in c/d.sh.pexen.yaml',
    'PEXEN_BAD_META | g.sh.pexen.yaml:1:10 | timeout must be a duration such as 100ms, 20s, 5m or 2h, or a number of milliseconds',
    'PEXEN_LONELY_SIDE_FILE | e.sh.pexen.yaml | e.sh does not exist',
    'PEXEN_LONELY_SIDE_FILE | f.sh.pexen.yaml | it belongs to f.sh, which is not a test here',
  ]);
});

test('the problem of a lonely side file proposes its name', async () => {
  const dir = scratch({
    ...{ 'a.sh': program(), 'a.pexen.yaml': '', 'b.sh': program(), 'b.sh.pexen.yml': '' },
    ...{ 'deep/ping': program(), 'deep/pinng.pexen.yaml': '' },
  });
  const { problems } = await made(executables({ dir: '.' }), dir);
  expect(brief(problems, dir)).toEqual([
    'PEXEN_LONELY_SIDE_FILE | b.sh.pexen.yml | it is not a side file: their names end with .pexen.yaml',
    'PEXEN_LONELY_SIDE_FILE | a.pexen.yaml | a does not exist',
    'PEXEN_LONELY_SIDE_FILE | deep/pinng.pexen.yaml | deep/pinng does not exist',
  ]);
  expect(problems.map(({ hint }) => hint)).toEqual([
    'Rename it.',
    'If it belongs to a.sh, name it a.sh.pexen.yaml.',
    'If it belongs to ping, name it ping.pexen.yaml.',
  ]);
});

test('a warning names scripts that have lost their executable bit, but not the files that scripts read', async () => {
  const layout = {
    ...{
      'test/a.sh': program(),
      'test/b.sh': '#!/bin/sh\n',
      'test/c': '#!/bin/sh\n',
      'test/d.py': 'import x\n',
    },
    ...{ 'test/lib.sh': '#!/bin/sh\n', 'test/net-helpers.bash': '#!/bin/bash\n', 'test/notes.md': '#! no' },
    ...{ 'deploy.sh': '#!/bin/sh\n', 'e.sh': '# pexen: { tags: [x] }\n' },
  };
  const dir = scratch(layout);
  const warningsOf = async (factory: Factory) => brief((await made(factory, dir)).warnings, dir);
  const warning = `PEXEN_NOT_EXECUTABLE | ${dir} | these scripts are not executable and were skipped:`;
  expect(await warningsOf(executables({ dir: '.' }))).toEqual([
    `${warning} deploy.sh, e.sh, test/b.sh, test/c`,
  ]);
  expect(await warningsOf(tree({ dir: '.' }))).toEqual([`${warning} e.sh, test/b.sh, test/c`]);
  expect(await warningsOf(executables({ dir: '.', command: ['sh'], include: ['**/*.sh'] }))).toEqual([]);
});

test('side files of excluded files are ignored', async () => {
  const dir = scratch({ 'a.sh': program(), 'b.sh': program(), 'b.sh.pexen.yaml': 'nonsense' });
  expect((await made(executables({ dir: '.', exclude: ['b.sh'] }), dir)).problems).toEqual([]);
});

test('nothing found is a problem; scripts that are not executable are named', async () => {
  const dir = scratch({ 'a.sh': '', 'b.py': '', 'c.txt': '' });
  const { problems } = await made(executables({ dir: '.' }), dir);
  expect(problems).toEqual([
    {
      code: 'PEXEN_NOTHING_FOUND',
      location: { file: dir },
      message: 'looked at 3 files, found no tests (executables)',
      hint: 'Scripts must be executable: chmod +x a.sh b.py',
    },
  ]);
  const gone = await made(executables({ dir: 'gone' }), dir);
  expect(gone.problems.map(({ code }) => code)).toEqual(['PEXEN_UNREADABLE_DIRECTORY']);
});

test('a warning names programs that run as another user', async () => {
  const dir = scratch({ 'a.sh': program(), 'b.sh': program(), 'c.sh': program() });
  chmodSync(join(dir, 'b.sh'), 0o4755);
  chmodSync(join(dir, 'c.sh'), 0o2755);
  const { warnings } = await made(executables({ dir: '.' }), dir);
  expect(brief(warnings, dir)).toEqual([
    'PEXEN_SET_USER_ID | b.sh | it runs with the rights of its owner or group (and 1 more like it)',
  ]);
});

test.runIf(process.getuid?.() === 0)('a warning names programs of another user', async () => {
  const dir = scratch({ 'a.sh': program(), 'b.sh': program() });
  chownSync(join(dir, 'b.sh'), 12_345, 12_345);
  const { warnings } = await made(executables({ dir: '.' }), dir);
  expect(brief(warnings, dir)).toEqual(['PEXEN_OTHER_OWNER | b.sh | it belongs to another user']);
});

test('a warning names a script whose first line is hidden by a byte order mark', async () => {
  const dir = scratch({
    'a.sh': { text: '\ufeff#!/bin/bash\ntrue\n', mode: 0o755 },
    'b.sh': { text: '\ufefftrue\n', mode: 0o755 },
    'c.sh': program(),
  });
  const { warnings, tasks } = await made(executables({ dir: '.' }), dir);
  expect(tasks).toHaveLength(3);
  expect(brief(warnings, dir)).toEqual([
    'PEXEN_BYTE_ORDER_MARK | a.sh:1 | it begins with a byte order mark, so its #! line is ignored: /bin/sh runs it',
  ]);
});

test('hostile names become tasks that run, and never options of a command', async () => {
  const names = [
    '-rf',
    '--eval=process.exit(9)',
    'new\nline',
    '$(exit 9)',
    'x'.repeat(255),
    '\u001b[2J',
    'quo\'te"s',
    'back\\slash',
    'a b',
  ];
  const dir = scratch(Object.fromEntries(names.map((name) => [name, program('exit 77')])));
  const got = await made(executables({ dir: '.' }), dir);
  expect(paths(got).sort()).toEqual([...names].sort());
  expect(got.tasks.map((each) => start(each).outcome.kind)).toEqual(names.map(() => 'skipped-itself'));
  for (const name of names) writeFileSync(join(dir, name), 'process.exit(77)');
  const byNode = await made(executables({ dir: '.', include: ['*'], command: [process.execPath] }), dir);
  expect(byNode.tasks.map((each) => start(each).outcome.kind)).toEqual(names.map(() => 'skipped-itself'));
});

describe('options', () => {
  const refused =
    (options: unknown): (() => unknown) =>
    () =>
      executables(options as never);

  test.each([
    [{}, 'needs the option "dir"'],
    [{ dir: '' }, 'dir must be a non-empty string, not ""'],
    [{ dir: 'x', inculde: [] }, 'has no option "inculde"\n    Did you mean "include"?'],
    [
      { dir: 'x', include: '*.sh' },
      'include must be a list of patterns, not "*.sh"\n    Write include: [\'*.sh\'].',
    ],
    [{ dir: 'x', exclude: [''] }, 'exclude.0 must be a non-empty string, not ""'],
    [{ dir: 'x', env: { A: 1 } }, 'env.A must be a string, not 1'],
    [{ dir: 'x', tap: 'yes' }, 'tap must be true or false or "perl" or "vitest", not "yes"'],
    [{ dir: 'x', meta: 7 }, 'meta must be metadata or a function that returns it, not 7'],
    [{ dir: 'x', command: [] }, 'command must be a list of a program and its arguments, not a list'],
    [{ dir: 'x', command: ['node'] }, 'with "command" it needs the option "include"'],
  ])('%j', (options, message) => {
    expect(refused(options)).toThrow(`PEXEN_BAD_OPTION: executables: ${message}`);
  });

  test('all problems are reported together', () => {
    expect(refused({ tap: 1, env: 2 })).toThrow(/dir.*\n.*env.*\n.*tap/);
  });
});
