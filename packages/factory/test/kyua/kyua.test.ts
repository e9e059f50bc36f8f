/** Kyua trees: what is read of them, which metadata the tests get, and the problems of Kyuafiles. */
import { describe, expect, test } from 'vitest';
import { type KyuaOptions, kyua, systemFacts } from '../../src/index.ts';
import { readAtfList } from '../../src/kyua/atf-list.ts';
import { brief, definition, made, paths, program, scratch } from '../scratch.ts';

const head = "syntax(2)\ntest_suite('demo')\n";
const list = 'Content-Type: application/X-atf-tp; version="1"';

/** A program that lists these test cases, as an ATF one does. */
function atf(...cases: string[]): ReturnType<typeof program> {
  return program(`cat <<'END'\n${list}\n\n${cases.join('\n\n')}\nEND`);
}

/** The reasons for which tests are skipped. */
async function reasons(dir: string, options: Partial<KyuaOptions> = {}): Promise<object> {
  const got = await made(kyua({ dir: '.', ...options }), dir);
  expect(got.problems).toEqual([]);
  const facts = {
    ...systemFacts(),
    arch: 'x64',
    user: { name: 'root', uid: 0, gid: 0, isRoot: true },
  } as never;
  const answers = got.tasks.map((placed) => {
    const { when } = definition(placed).meta;
    return typeof when === 'function' ? when(facts) : when;
  });
  return Object.fromEntries(paths(got).map((path, at) => [path, answers[at]]));
}

test('makes a task of each test case, with the metadata of program and test case', async () => {
  const dir = scratch({
    Kyuafile: `${head}plain_test_program{name="p", timeout=7, is_exclusive=true}\ninclude("sub/Kyuafile")`,
    p: program(),
    'sub/Kyuafile': `${head}atf_test_program{name="a", timeout=5}\ntap_test_program{name="t"}`,
    'sub/a': atf('ident: one\ndescr: It does: things\nX-y: z', 'ident: two\nhas.cleanup: true\ntimeout: 2'),
    'sub/t': program(),
  });
  const got = await made(kyua({ dir: '.', meta: { tags: ['k'], timeout: 1 } }), dir, { under: ['x'] });
  expect(got.problems).toEqual([]);
  expect(paths(got)).toEqual(['x/p', 'x/sub/a/one', 'x/sub/a/two', 'x/sub/t']);
  expect(got.tasks.map((placed) => definition(placed).meta)).toMatchObject([
    { timeout: 7_000, exclusive: true, grace: 0, tags: ['k'] },
    { timeout: 5_000, grace: 10_000 },
    { timeout: 2_000, grace: 70_000 },
    { timeout: 1, grace: 0 },
  ]);
  expect(got.tasks.map((placed) => definition(placed).location?.line)).toEqual([3, 3, 3, 4]);
});

test('the build tree has the programs, in the same layout', async () => {
  const dir = scratch({
    'src/Kyuafile': `${head}include("sub/Kyuafile")`,
    'src/sub/Kyuafile': `${head}plain_test_program{name="p"}`,
    'bld/sub/p': program(),
  });
  const got = await made(kyua({ dir: 'src', buildDir: 'bld' }), dir);
  expect(got.problems).toEqual([]);
  expect(paths(got)).toEqual(['sub/p']);
});

test('requirements are checked in the order and in the words of Kyua', async () => {
  const dir = scratch({
    Kyuafile: `${head}${[
      "required_configs='n unprivileged_user'",
      "required_configs='other'",
      "allowed_architectures='sparc64 amd64'",
      "allowed_architectures='sparc64', required_files='/no/such'",
      "allowed_platforms='hpux'",
      "execenv='jail'",
      "required_user='root'",
      "required_user='unprivileged'",
      "required_files='/ /no/such'",
      "required_programs='sh /bin/sh no-such-program'",
      "required_memory='1M'",
      "required_memory='999T'",
      "required_disk_space='999T'",
    ]
      .map((entries, at) => `plain_test_program{name="p${at}", ${entries}}`)
      .join('\n')}`,
    ...Object.fromEntries(Array.from({ length: 13 }, (_, at) => [`p${at}`, program()])),
  });
  const variables = { demo: { n: '1' } };
  const got = await reasons(dir, { variables, unprivilegedUser: 'daemon' });
  expect(Object.values(got)).toEqual([
    true,
    "Required configuration property 'other' not defined",
    true,
    "Current architecture 'x86_64' not supported",
    "Current platform 'x86_64' not supported",
    "'jail' execenv is not supported or not allowed by the runtime user configuration",
    true,
    true,
    "Required file '/no/such' not found",
    "Required program 'no-such-program' not found in PATH",
    true,
    expect.stringMatching(/^Requires 999\.00T bytes of physical memory but only [\d.]+[MGT] available$/),
    expect.stringMatching(/^Requires 999\.00T bytes of free disk space but only [\d.]+[MGT] available$/),
  ]);
  const without = await reasons(dir, { architecture: 'sparc64', platform: 'hpux' });
  expect(without).toMatchObject({
    p0: "Required configuration property 'n' not defined",
    p3: "Required file '/no/such' not found",
    p4: true,
    p7: 'Requires an unprivileged user but the unprivileged-user configuration variable is not defined',
  });
});

test('a condition of the suite counts besides the requirements', async () => {
  const dir = scratch({
    Kyuafile: `${head}plain_test_program{name="a", required_files="/no/such"}\nplain_test_program{name="b"}`,
    a: program(),
    b: program(),
  });
  expect(await reasons(dir, { meta: { when: 'not today' } })).toEqual({
    a: "not today; Required file '/no/such' not found",
    b: 'not today',
  });
});

describe('the list of an ATF program', () => {
  test.each([
    [
      '',
      "Invalid header for test case list; expecting Content-Type for application/X-atf-tp version 1, got ''",
    ],
    [`${list}\n\n`, 'No test cases'],
    [`${list}\n\nident: a\nodd: 1\n`, "Unknown test case metadata property 'odd'"],
    [`${list}\n\nident: a\ndescr: 1\ndescr: 2\n`, 'Duplicate value for property descr'],
    [`${list}\n\nname: a\n`, 'Invalid test case definition; must be preceeded by the identifier'],
    [`${list}\n\nident: a\nnothing\n`, "Invalid property line; expecting line of the form 'name: value'"],
    [`${list}\n\nident: a\ntimeout: soon\n`, 'the metadata property timeout cannot be "soon"'],
    [`${list}\n\nident: a\nrequire.user: me\n`, 'the metadata property required_user cannot be "me"'],
  ])('%j is broken', (output, broken) => {
    expect(readAtfList(output)).toEqual({ broken });
  });

  test('that cannot be had is a test case that is broken, with the reason', async () => {
    const dir = scratch({
      Kyuafile: `${head}${['a', 'b', 'c', 'd'].map((name) => `atf_test_program{name="${name}"}`).join('\n')}`,
      a: program('exit 3'),
      b: program('kill -9 $$'),
      c: { text: 'no program' },
      d: program(`echo oops >&2; echo '${list}'; echo; echo 'ident: x'`),
    });
    const got = await made(kyua({ dir: '.' }), dir);
    expect(got.problems).toEqual([]);
    expect(paths(got)).toEqual(['a', 'b', 'c', 'd'].map((name) => `${name}/__test_cases_list__`));
    const ends = got.tasks.map((placed) => {
      const { body } = definition(placed);
      return typeof body === 'function' ? undefined : body.interpret({} as never).outcome;
    });
    expect(ends.map((end) => end?.kind === 'threw' && (end.error as Error).message)).toEqual([
      'Test program did not exit cleanly',
      'Test program received signal',
      'Permission denied to run test program',
      'Test case list wrote to stderr: oops',
    ]);
  });
});

test('all problems of all Kyuafiles are reported together, with their places', async () => {
  const dir = scratch({
    Kyuafile: [
      'test_suite("demo")',
      'plain_test_program{name="gone"}',
      'plain_test_program{name="p", timeuot=3}',
      'plain_test_program{name="p", timeout="soon"}',
      'plain_test_program{name="sub/p"}',
      'plain_test_program("p")',
      'tap_test_program{name="p", required_files={}}',
      'include("sub/Kyuafile") include("none/Kyuafile") include("Kyuafile")',
    ].join('\n'),
    p: program(),
    'sub/Kyuafile': 'syntax(3)\nplain_test_program{name="q"}\nwhile true do end',
    'sub/q': program(),
  });
  const { problems, tasks } = await made(kyua({ dir: '.' }), dir);
  expect(tasks).toEqual([]);
  expect(brief(problems, dir)).toEqual([
    'PEXEN_BAD_KYUAFILE | Kyuafile:2:19 | the test program gone does not exist',
    'PEXEN_BAD_KYUAFILE | Kyuafile:3:19 | there is no metadata property "timeuot"',
    'PEXEN_BAD_KYUAFILE | Kyuafile:4:19 | the metadata property timeout cannot be "soon"',
    'PEXEN_BAD_KYUAFILE | Kyuafile:5:19 | the name of a program cannot be a path: sub/p',
    'PEXEN_BAD_KYUAFILE | Kyuafile:6:19 | plain_test_program needs a table with the name of a program',
    'PEXEN_BAD_KYUAFILE | Kyuafile:7:17 | the property required_files cannot be a table',
    'PEXEN_BAD_KYUAFILE | sub/Kyuafile:3:1 | "while" cannot be used here',
    'PEXEN_BAD_KYUAFILE | Kyuafile:8:32 | none/Kyuafile cannot be read (ENOENT)',
    'PEXEN_BAD_KYUAFILE | Kyuafile:8:57 | includes Kyuafile, which is being read already',
    'PEXEN_BAD_KYUAFILE | Kyuafile | never says syntax(2)',
  ]);
  expect(problems[1]?.hint).toBe('Did you mean "timeout"?');
});

describe('kyua.conf', () => {
  const tree = {
    Kyuafile: `${head}plain_test_program{name="a", allowed_architectures="sparc64"}
plain_test_program{name="c", required_configs="allow"}
plain_test_program{name="u", required_user="unprivileged"}`,
    ...{ a: program(), c: program(), u: program() },
  };

  test('its settings count, and what the options say takes precedence', async () => {
    const conf = `syntax(2)
-- as on a machine that is not ours
architecture = 'sparc64'
parallelism = 4
unprivileged_user = '_tests'
local name = 'yes'
test_suites.demo.allow = name
test_suites.other.allow = 1`;
    const dir = scratch({ ...tree, 'machine/kyua.conf': conf });
    const config = 'machine/kyua.conf';
    expect(await reasons(dir, { config })).toEqual({ a: true, c: true, u: true });
    const { a } = (await reasons(dir, { config, architecture: 'mips' })) as { a: string };
    expect(a).toBe("Current architecture 'mips' not supported");
  });

  test('is that of the user, unless it is said that there is none', async () => {
    const dir = scratch({ ...tree, 'home/.kyua/kyua.conf': 'syntax(2)\ntest_suites.demo.allow = true' });
    const whenOfC = async (options: Partial<KyuaOptions>): Promise<unknown> => {
      const got = await made(kyua({ dir: '.', ...options }), dir, { env: { HOME: `${dir}/home` } });
      const { when } = definition(got.tasks[1] as never).meta;
      return typeof when === 'function' ? when(systemFacts() as never) : when;
    };
    expect(await whenOfC({})).toBe(true);
    expect(await whenOfC({ config: 'none' })).toContain("'allow' not defined");
  });

  test.each([
    ['archtecture = 1\nsyntax(2)', 'kyua.conf:1:1 | there is no setting "archtecture"'],
    ['syntax(2)\ntest_suites.demo = 1', 'kyua.conf:2:1 | there is no setting "test_suites.demo"'],
    ['syntax(2)\ntest_suites.demo.x = {}', 'kyua.conf:2:1 | test_suites.demo.x cannot be a table'],
    ['syntax(2)\nf().x = 1', 'kyua.conf:2:1 | nothing can be assigned to "f().x"'],
    ["platform = 'x'", 'kyua.conf | never says syntax(2)'],
  ])('mistakes have a place: %s', async (conf, problem) => {
    const dir = scratch({ Kyuafile: head, 'kyua.conf': conf });
    const { problems } = await made(kyua({ dir: '.', config: 'kyua.conf' }), dir);
    expect(brief(problems, dir)).toEqual([`PEXEN_BAD_KYUAFILE | ${problem}`]);
  });

  test('one that is named has to be there', async () => {
    const dir = scratch({ Kyuafile: head });
    const { problems } = await made(kyua({ dir: '.', config: 'no.conf' }), dir);
    expect(brief(problems, dir)).toEqual(['PEXEN_BAD_KYUAFILE | no.conf | it cannot be read (ENOENT)']);
  });
});
