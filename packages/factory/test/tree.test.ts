/** Any mix of files in one walk: the tests of a folder without a configuration. */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isTask } from '@pexen/core';
import { expect, test } from 'vitest';
import { tree } from '../src/index.ts';
import { brief, definition, type Layout, made, paths, program, scratch } from './scratch.ts';

const threeTasks = `import { task } from '@pexen/core';
export const server = task({ provides: ['server'] }, () => 'up');
export const ping = task({ requires: ['server'] }, () => 'pong');
export const load = task({ requires: ['server'] }, () => 'ok');
`;

function linked(layout: Layout): string {
  const dir = scratch(layout);
  mkdirSync(join(dir, 'node_modules/@pexen'), { recursive: true });
  symlinkSync(join(import.meta.dirname, '../../core'), join(dir, 'node_modules/@pexen/core'));
  return dir;
}

test('a folder with only three shell scripts', async () => {
  const dir = scratch({
    'one.sh': program(),
    'two.sh': { text: 'exit 0\n', mode: 0o755 },
    'three.sh': program('# pexen: { requires: [one.sh] }'),
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect([...got.problems, ...got.warnings]).toEqual([]);
  expect(paths(got)).toEqual(['one.sh', 'three.sh', 'two.sh']);
});

test('a folder with one tests.ts of three exported tasks', async () => {
  const dir = linked({
    'tests.ts': threeTasks,
    'package.json': '{"type":"module"}',
    'pexen.config.ts': 'throw 1;',
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect([...got.problems, ...got.warnings]).toEqual([]);
  expect(paths(got)).toEqual(['tests/server', 'tests/ping', 'tests/load']);
  expect(got.tasks.every(({ task }) => isTask(task))).toBe(true);
});

test('a project of many kinds: only files that look like tests run; the others are counted', async () => {
  const dir = linked({
    ...{
      'build.sh': program('exit 9'),
      'scripts/deploy': program('exit 9'),
      'bin/cli': program('exit 9'),
      'README.md': '',
    },
    ...{
      'src/server.ts': 'throw 1;',
      'src/server.test.ts': 'throw 1;',
      'src/server.task.ts': threeTasks,
      'src/types.d.ts': '',
    },
    ...{
      'test/net.sh': program(),
      'test/lib.sh': '. ./x',
      'test/data.json': { text: '{}', mode: 0o755 },
      'check-all.sh': program(),
    },
    ...{
      'node_modules/x/tests.ts': 'throw 1;',
      '.husky/pre-commit': program('exit 9'),
      'a.out': { text: '\u007fELF\0', mode: 0o755 },
    },
    ...{
      'install.sh': program('# pexen: {}'),
      'release.sh': program(),
      'release.sh.pexen.yaml': 'timeout: 5s',
    },
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect(got.problems).toEqual([]);
  expect(paths(got)).toEqual([
    'install.sh',
    'release.sh',
    'src/server/server',
    'src/server/ping',
    'src/server/load',
    'test/net.sh',
  ]);
  expect(brief(got.warnings, dir)).toEqual([
    `PEXEN_LEFT_OUT | ${dir} | 5 programs do not look like tests and were left out: a.out, bin/cli, build.sh and 2 more`,
    `PEXEN_OTHER_RUNNER | ${dir} | 1 file is a test of node --test and was left out: src/server.test.ts`,
  ]);
});

test('a module is a module, with or without an executable bit', async () => {
  const dir = linked({ 'tests.ts': `#!/usr/bin/env node\n${threeTasks}` });
  chmodSync(join(dir, 'tests.ts'), 0o755);
  expect(paths(await made(tree({ dir: '.' }), dir))).toEqual(['tests/server', 'tests/ping', 'tests/load']);
});

test('the problems of all kinds come in one error', async () => {
  const dir = linked({
    'a.task.ts': 'throw new Error("no"); // of pexen',
    'b.sh': program('# pexen: { tag: [x] }'),
    'c.sh': program(),
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect(brief(got.problems, dir).map((line) => line.split(' | ', 2).join(' '))).toEqual([
    expect.stringMatching(/^PEXEN_MODULE_FAILED a\.task\.ts/),
    'PEXEN_UNKNOWN_META b.sh:2:12',
  ]);
});

test('options reach the files of their kind', async () => {
  const dir = linked({ 'a.task.mjs': 'export function checkA() {}', 'b.sh': program(), 'c.sh': program() });
  const got = await made(
    tree({ dir: '.', exclude: ['c.sh'], match: 'check*', cwd: '/', argv: ['x'], meta: { tags: ['t'] } }),
    dir,
    { under: ['u'] },
  );
  expect(paths(got)).toEqual(['u/a/checkA', 'u/b.sh']);
  expect(got.tasks.map((each) => definition(each).meta.tags)).toEqual([['t'], ['t']]);
  expect(definition(got.tasks[1] as never).body).toMatchObject({ cwd: '/', argv: ['x'] });
  expect(() => tree({ dir: '.', command: ['node'] } as never)).toThrow('tree: has no option "command"');
});

test('the problem of a folder without tests explains what would be a test', async () => {
  const hintOf = async (layout: Layout): Promise<string | undefined> =>
    (await made(tree({ dir: '.' }), scratch(layout))).problems[0]?.hint;
  const named = 'Modules with tasks are named like ping.task.ts or tests.ts, or match include.';
  expect(await hintOf({})).toBe(named);
  expect(await hintOf({ 'build.sh': program() })).toBe(
    `${named} To run it, configure from: { '': executables({ dir: '.', include: ['build.sh'] }) }. For a single one, add this line to it: # pexen: {}`,
  );
  expect(await hintOf({ 'a.sh': '', 'b.sh': '' })).toBe(
    `${named} Scripts must be executable: chmod +x a.sh b.sh`,
  );
});

test('a project with build files: scripts at its top are left out, and the warning has the line that includes them', async () => {
  const layout = { Makefile: '', 'one.sh': program(), "it's.sh": program(), 'tests/a.sh': program() };
  const got = await made(tree({ dir: '.' }), scratch(layout));
  expect(paths(got)).toEqual(['tests/a.sh']);
  expect(got.warnings[0]).toMatchObject({
    code: 'PEXEN_LEFT_OUT',
    message: "2 programs do not look like tests and were left out: it's.sh, one.sh",
    hint: `To run them, configure from: { '': executables({ dir: '.', include: ['it\\'s.sh', 'one.sh'] }) }. For a single one, add this line to it: # pexen: {}`,
  });
});

test('a package of npm is a project, unless it depends on pexen', async () => {
  const of = async (manifest: string): Promise<string[]> =>
    paths(await made(tree({ dir: '.' }), scratch({ 'package.json': manifest, 'one.sh': program() })));
  expect(await of('{ "name": "left-pad" }')).toEqual([]);
  expect(await of('{ "type": "module" }')).toEqual(['one.sh']);
  expect(await of('{ "devDependencies": { "pexen": "^1" } }')).toEqual(['one.sh']);
});

test('a module that does not mention pexen is not imported', async () => {
  const dir = linked({
    'test/tests.js': 'throw 1;',
    'gulp.task.js': 'throw 1;',
    'a.task.ts': threeTasks.replace('@pexen/core', './x.mjs'),
    'package.json': '{}',
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect(got.problems.map(({ code }) => code)).toEqual(['PEXEN_NOTHING_FOUND']);
  expect(got.warnings.map(({ message }) => message)).toEqual([
    '3 modules do not mention pexen and were left out: a.task.ts, gulp.task.js, test/tests.js',
  ]);
  expect(got.warnings[0]?.hint).toContain(
    "modules({ dir: '.', include: ['a.task.ts', 'gulp.task.js', 'test/tests.js'] })",
  );
});

test('tests of other runners are named, with the line that runs them', async () => {
  const dir = scratch({
    't/a.t': '#!perl',
    'b.bats': '',
    'c_test.py': '',
    'd.test.js': '',
    'e.sh': program(),
    't/f.t': program(),
  });
  const got = await made(tree({ dir: '.' }), dir);
  expect(paths(got)).toEqual(['e.sh', 't/f.t']);
  expect(got.warnings.map(({ message, hint }) => `${message} | ${hint}`)).toEqual([
    "1 file is a test of bats and was left out: b.bats | To run it, configure from: { '': bats({ files: '**/*.bats' }) }.",
    "1 file is a test of pytest and was left out: c_test.py | To run it, configure from: { '': pytest({ files: '**/{test_*,*_test}.py' }) }.",
    "1 file is a test of node --test and was left out: d.test.js | To run it, configure from: { '': nodeTest({ files: '**/*.test.*' }) }.",
    "1 file is a test of Perl's prove and was left out: t/a.t | To run it, configure from: { '': prove({ files: '**/*.t' }) }.",
  ]);
});
