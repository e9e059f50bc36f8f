/** What the factory makes of the answer of CTest. The answer is that of a script, so that no CMake is needed; properties of newer CMakes are as its manual says. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutableBody, ExecutableFacts, TaskMeta } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { factoryConformance } from '../../src/conformance.ts';
import type { CTestOptions } from '../../src/ctest/ctest.ts';
import { ctest, type FactoryContext } from '../../src/index.ts';
import { brief, definition, made, paths, program, scratch } from '../scratch.ts';

/** A test as CTest describes it. */
interface Answered {
  readonly name: string;
  readonly command?: readonly string[];
  readonly backtrace?: number;
  readonly [property: string]: unknown;
}

function answerOf(tests: readonly Answered[], backtraceGraph: object = {}): string {
  const listed = tests.map(({ name, command = ['/bin/true'], backtrace, ...properties }) => ({
    ...{ name, backtrace, ...(command.length > 0 && { command }) },
    properties: Object.entries(properties).map(([key, value]) => ({ name: key, value })),
  }));
  const graph = { files: [], nodes: [], commands: [], ...backtraceGraph };
  return JSON.stringify({ kind: 'ctestInfo', tests: listed, backtraceGraph: graph });
}

/** A build with the tests, and a `ctest` that answers with them. */
function build(
  tests: readonly Answered[],
  more: Readonly<Record<string, string>> = {},
  graph: object = {},
): string {
  return scratch({
    'ctest.sh': program(
      'cd "$(dirname "$0")"; case $* in *json*) cat answer.json ;; *) cat verbose.txt ;; esac\n',
    ),
    'answer.json': answerOf(tests, graph),
    'verbose.txt': '',
    'b/CTestTestfile.cmake': '',
    ...more,
  });
}

async function madeOf(
  tests: readonly Answered[],
  options: Partial<CTestOptions> = {},
  context: Partial<FactoryContext> = {},
  more: Readonly<Record<string, string>> = {},
) {
  const dir = build(tests, more);
  const collected = await made(ctest({ buildDir: 'b', program: './ctest.sh', ...options }), dir, context);
  const metas = collected.tasks.map((each): TaskMeta => definition(each).meta);
  const bodies = collected.tasks.map((each) => definition(each).body as ExecutableBody);
  return { dir, ...collected, metas, bodies };
}

const nothing: ExecutableFacts = {
  ...{ exitCode: 0, signal: null, report: '', leaked: 0 },
  ...{ stdout: { head: '', tail: '', totalBytes: 0 }, stderr: { head: '', tail: '', totalBytes: 0 } },
};

describe('names and places', () => {
  test('a name is a path; the second of a name has a number', async () => {
    const collected = await madeOf(
      [{ name: 'a' }, { name: 'Suite.Case/0' }, { name: '/odd' }, { name: 'a' }],
      {},
      { under: ['x'] },
    );
    expect(collected.problems).toEqual([]);
    expect(paths(collected)).toEqual(['x/a', 'x/Suite.Case/0', 'x//odd', 'x/a (2)']);
  });

  test('a test is where CMakeLists.txt adds it, though a function does', async () => {
    const nodes = [{ file: 0 }, { file: 0, line: 7, parent: 0 }, { file: 1, line: 3, parent: 1 }];
    const dir = build(
      [{ name: 'a', backtrace: 2 }, { name: 'b' }],
      {},
      { files: ['/src/CMakeLists.txt', '/src/add.cmake'], nodes },
    );
    const { tasks } = await made(ctest({ buildDir: 'b', program: './ctest.sh' }), dir);
    expect(tasks.map((each) => definition(each).location)).toEqual([
      { file: '/src/CMakeLists.txt', line: 7 },
      { file: join(dir, 'b/CTestTestfile.cmake') },
    ]);
  });
});

describe('metadata', () => {
  test('order, and fixtures as CTest orders them', async () => {
    const { metas } = await madeOf([
      { name: 'up', FIXTURES_SETUP: ['db'] },
      { name: 'use', FIXTURES_REQUIRED: ['db'], DEPENDS: ['up', 'unknown'] },
      { name: 'down', FIXTURES_CLEANUP: ['db'], DEPENDS: ['use', 'up'] },
    ]);
    const [up, use, down] = metas;
    expect(up?.provides).toEqual(['test/up', 'fixture/db', 'users of fixture/db']);
    expect(use?.requires?.map((each) => (each as { capabilities?: unknown }).capabilities)).toEqual([
      ['fixture/db'],
    ]);
    expect(use).toMatchObject({ after: ['test/up'], provides: ['test/use', 'users of fixture/db'] });
    expect(down).toMatchObject({ after: ['test/use', 'test/up'], tearsDown: ['users of fixture/db'] });
  });

  test('labels, costs, locks, serial, disabled; lists of the options are added', async () => {
    const { metas, capacities } = await madeOf(
      [
        { name: 'a', LABELS: ['x'], COST: 2.5, RESOURCE_LOCK: ['l'], RUN_SERIAL: true, DISABLED: true },
        { name: 'b', COST: -1 },
      ],
      { meta: { tags: ['cpp'], retries: 1 } },
    );
    expect(metas[0]).toMatchObject({
      ...{ tags: ['cpp', 'x'], weight: 2500, exclusive: true, when: 'DISABLED is set', retries: 1 },
      uses: [{ resource: 'l', count: 1 }],
    });
    expect(metas[1]).toMatchObject({ weight: 0, tags: ['cpp'] });
    expect([...capacities]).toEqual([['l', 1]]);
  });

  test('processors are counted where one test takes several, up to the number of workers', async () => {
    const { metas, capacities } = await madeOf(
      [{ name: 'a' }, { name: 'b', PROCESSORS: 64 }],
      {},
      { workers: 3 },
    );
    expect(metas.map(({ uses }) => uses)).toEqual([
      [expect.objectContaining({ resource: 'processors', count: 1 })],
      [expect.objectContaining({ resource: 'processors', count: 3 })],
    ]);
    expect(capacities.get('processors')).toBe(3);
  });

  test('limits: the own one, that of the options, that of the build, none', async () => {
    const tests = [{ name: 'a', TIMEOUT: 2 }, { name: 'b' }, { name: 'c', TIMEOUT: 0 }];
    const limits = async (options: Partial<CTestOptions>, more: Readonly<Record<string, string>> = {}) =>
      (await madeOf(tests, options, {}, more)).metas.map(({ timeout }) => timeout);
    const settings = { 'b/DartConfiguration.tcl': 'Site: x\nTimeOut: 1500\n' };
    expect(await limits({})).toEqual([2000, Infinity, Infinity]);
    expect(await limits({}, settings)).toEqual([2000, 1_500_000, Infinity]);
    expect(await limits({ meta: { timeout: 9 } }, settings)).toEqual([2000, 9, Infinity]);
  });

  test('a signal before the end, with its grace period (from the manual of CMake 3.27)', async () => {
    const signal = { TIMEOUT: 1, TIMEOUT_SIGNAL_NAME: 'SIGUSR1' };
    const { metas, bodies } = await madeOf([
      { name: 'a', ...signal, TIMEOUT_SIGNAL_GRACE_PERIOD: 2.5 },
      { name: 'b', ...signal },
      { name: 'c', TIMEOUT: 1 },
    ]);
    expect(metas.map(({ grace }) => grace)).toEqual([2500, 1000, 0]);
    expect(bodies.map(({ stopSignal }) => stopSignal)).toEqual(['SIGUSR1', 'SIGUSR1', undefined]);
  });

  test('resources: each test gets units, and gets the names of them', async () => {
    const spec = {
      version: { major: 1, minor: 0 },
      local: [
        {
          gpus: [
            { id: 'a', slots: 2 },
            { id: 'b', slots: 2 },
          ],
        },
      ],
    };
    const one = [{ requirements: [{ '.type': 'gpus', slots: 2 }] }];
    const { metas, bodies, capacities } = await madeOf(
      [{ name: 'x', RESOURCE_GROUPS: one }, { name: 'y', RESOURCE_GROUPS: one }, { name: 'z' }],
      { resourceSpecFile: 'spec.json' },
      {},
      { 'spec.json': JSON.stringify(spec) },
    );
    expect(metas.map(({ uses }) => uses)).toEqual([
      [expect.objectContaining({ resource: 'gpus:a', count: 2 })],
      [expect.objectContaining({ resource: 'gpus:b', count: 2 })],
      undefined,
    ]);
    expect(bodies.map(({ env }) => env.CTEST_RESOURCE_GROUP_COUNT)).toEqual(['1', '1', '0']);
    expect(bodies[1]?.env.CTEST_RESOURCE_GROUP_0_GPUS).toBe('id:b,slots:2');
    expect([...capacities]).toEqual([
      ['gpus:a', 2],
      ['gpus:b', 2],
    ]);
  });
});

describe('the verdict', () => {
  const out = (head: string): Partial<ExecutableFacts> => ({
    stdout: { head, tail: '', totalBytes: head.length },
  });

  test.each([
    [{}, {}, 'returned'],
    [{}, { exitCode: 77 }, 'failed'],
    [{}, { exitCode: 102 }, 'failed'],
    [{}, { exitCode: null, signal: 'SIGSEGV' }, 'failed'],
    [{ WILL_FAIL: true }, { exitCode: 1 }, 'returned'],
    [{ WILL_FAIL: true }, {}, 'failed'],
    [{ WILL_FAIL: true }, { exitCode: null, signal: 'SIGSEGV' }, 'failed'],
    [{ SKIP_RETURN_CODE: 5 }, { exitCode: 5 }, 'skipped-itself'],
    [{ SKIP_RETURN_CODE: 5, FIXTURES_SETUP: ['f'] }, { exitCode: 5 }, 'returned'],
    [{ PASS_REGULAR_EXPRESSION: ['no', 'yes'] }, { exitCode: 3, ...out('yes\n') }, 'returned'],
    [{ PASS_REGULAR_EXPRESSION: ['yes'] }, { isEmptied: true, ...out('yes\n') }, 'failed'],
    [{ PASS_REGULAR_EXPRESSION: ['^a\nb\n$'] }, out('a\r\n<CTestLabel>x</CTestLabel>\nb'), 'returned'],
    [{ PASS_REGULAR_EXPRESSION: ['needle'] }, { ...out('x'), evidence: 'a needle' }, 'returned'],
    [{ SKIP_REGULAR_EXPRESSION: ['s'], FAIL_REGULAR_EXPRESSION: ['s'] }, out('s'), 'skipped-itself'],
    [{ FAIL_REGULAR_EXPRESSION: ['('] }, out('('), 'returned'],
    [{ WILL_FAIL: true }, { exitCode: 1, report: 'ctest-not-run: no\n' }, 'failed'],
    [{ WILL_FAIL: true }, { exitCode: 1, report: 'ctest-timed-out: 500\n' }, 'failed'],
    [{ WILL_FAIL: true }, { exitCode: 139, report: 'ctest-signal: SIGSEGV\n' }, 'failed'],
  ])('%j, %j: %s', async (properties, facts, kind) => {
    const { bodies } = await madeOf([{ name: 'a', ...properties }]);
    expect(bodies[0]?.interpret({ ...nothing, ...facts }).outcome.kind).toBe(kind);
  });

  test('attached files, and those on failure', async () => {
    const files = { ATTACHED_FILES: ['a.log'], ATTACHED_FILES_ON_FAIL: ['/b.log'], WORKING_DIRECTORY: '/w' };
    const { bodies } = await madeOf([{ name: 'a', ...files }]);
    const attached = (exitCode: number) => bodies[0]?.interpret({ ...nothing, exitCode }).attachments;
    expect(attached(0)).toEqual([{ name: 'a.log', file: '/w/a.log' }]);
    expect(attached(1)).toEqual([
      { name: 'a.log', file: '/w/a.log' },
      { name: 'b.log', file: '/b.log' },
    ]);
  });
});

describe('a program that does not exist', () => {
  const verbose = `Updating test list for fixtures
Could not find executable /b/late
Looked in the following places:
/b/late
/b/late
/b/Release/late
b/late

1: Test command:  "two words" "" "say "x"" "line
line"
1: Working Directory: /b
  Test #1: late
Could not find executable ./bare
Looked in the following places:
./bare
./Release/bare

2: Test command: ${' '}
  Test #2: bare

3: Test command: /bin/true "x"
  Test #3: there
`;

  test('is started where CTest looks first, if it is there by then', async () => {
    const tests = [{ name: 'late', command: [] }, { name: 'bare', command: [] }, { name: 'there' }];
    const { bodies, dir } = await madeOf(tests, {}, {}, { 'verbose.txt': verbose });
    const late = ['/b/late', 'two words', '', 'say "x"', 'line\nline'];
    expect(bodies.map(({ argv }) => argv.slice(2))).toEqual([
      ['sh', '1', '/b/late', ...late],
      ['sh', '1', join(dir, 'b/bare'), join(dir, 'b/bare')],
      [],
    ]);
  });

  test('is one of the required files', async () => {
    const tests = [{ name: 'late', command: [], REQUIRED_FILES: ['/etc'] }];
    const { bodies } = await madeOf(tests, {}, {}, { 'verbose.txt': verbose });
    expect(bodies[0]?.argv.slice(2, 7)).toEqual(['sh', '2', '/etc', '/b/late', '/b/late']);
  });

  test('is a failure where CTest does not say where it looks', async () => {
    const { bodies } = await madeOf([{ name: 'late', command: [] }]);
    expect(bodies[0]?.argv.at(-1)).toBe('its program does not exist');
  });
});

describe('what is wrong', () => {
  test('is reported with its place', async () => {
    const dir = scratch({
      'empty/x': '',
      'b/CTestTestfile.cmake': 'add_test(\n',
      'broken.sh': program(
        'printf "CMake Error at CTestTestfile.cmake:1:\\n  Parse error.  It\\n  ends.\\n\\n" >&2; exit 8\n',
      ),
      'old.sh': program('echo "unknown argument" >&2\n'),
      'none.sh': program(`echo '${answerOf([])}'\n`),
      'spec.json': '{}',
    });
    const problemsWith = async (options: Partial<CTestOptions>) =>
      brief((await made(ctest({ buildDir: 'b', ...options }), dir)).problems, dir);
    expect(await problemsWith({ program: './broken.sh' })).toEqual([
      'PEXEN_CTEST_LIST | b/CTestTestfile.cmake:1 | ctest cannot read it: Parse error. It ends.',
    ]);
    expect(await problemsWith({ program: './old.sh' })).toEqual([
      'PEXEN_CTEST_LIST | b | old.sh --show-only=json-v1 has listed no tests: unknown argument',
    ]);
    expect(await problemsWith({ program: './none.sh', buildDir: 'empty' })).toEqual([
      'PEXEN_NOT_A_BUILD | empty | empty has no CTestTestfile.cmake: it is not the build directory of a project with tests',
    ]);
    expect(await problemsWith({ program: './none.sh', buildDir: 'bild' })).toEqual([
      'PEXEN_NOT_A_BUILD | bild | bild does not exist',
    ]);
    expect(await problemsWith({ program: './no-such' })).toEqual([
      'PEXEN_NO_PROGRAM | b | the program "./no-such" was not found',
    ]);
    expect(await problemsWith({ program: './none.sh', resourceSpecFile: 'spec.json' })).toEqual([
      'PEXEN_BAD_RESOURCE_SPEC | spec.json | the resource spec cannot be used: its version is not 1.0',
    ]);
  });

  test('options are refused at once', () => {
    expect(() => ctest({ builddir: 'b' } as never)).toThrow(
      /needs the option "buildDir"[\s\S]*Did you mean "buildDir"/,
    );
  });

  test('bound processors are a warning', async () => {
    const { warnings } = await madeOf([{ name: 'a', PROCESSOR_AFFINITY: true }]);
    expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_NO_AFFINITY']);
  });
});

describe.skipIf(spawnSync('ctest', ['--version']).status !== 0)('with CTest itself (needs ctest)', () => {
  const file = 'b/CTestTestfile.cmake';
  factoryConformance({
    ...{ test, prefix: 'PEXEN', make: () => ctest({ buildDir: 'b' }) },
    files: {
      [file]:
        'add_test(a sh -c true)\nadd_test([==[b/c]==] sh -c false)\nset_tests_properties(a PROPERTIES LABELS x)\nsubdirs(d)\n',
      'b/d/CTestTestfile.cmake': 'add_test(d sh -c true)\n',
    },
    broken: [
      {
        name: 'an unknown command',
        files: { [file]: 'add_test(a true)\nnonsense(b)\n' },
        at: [{ file, line: 2 }],
      },
      { name: 'a file that stops too early', files: { [file]: 'add_test(a true\n' }, at: [{ file }] },
    ],
  });
});
