/** Tests for `generateBuild`: each property of CTest by itself, in pairs, and in random combinations. */
import type { GeneratedTest } from './generated-build.ts';

/** Each property by itself, in all ways in which it can matter. */
export const alone: readonly GeneratedTest[] = [
  { name: 'plain passes' },
  { name: 'plain fails', does: ['exit', '1'] },
  { name: 'Suite.Case/0' },
  { name: 'Suite.Case/1', does: ['exit', '77'] },
  { name: 'exit 99', does: ['exit', '99'] },
  { name: 'exit 102', does: ['exit', '102'] },
  { name: 'prints TAP', does: ['out', '1..2', 'out', 'not ok 1'] },
  { name: 'crashes', does: ['kill', 'SEGV'] },
  { name: 'aborts', does: ['kill', 'ABRT'] },
  { name: 'will fail: fails', does: ['exit', '1'], properties: { WILL_FAIL: 'ON' } },
  { name: 'will fail: passes', properties: { WILL_FAIL: 'ON' } },
  { name: 'will fail: crashes', does: ['kill', 'SEGV'], properties: { WILL_FAIL: 'ON' } },
  { name: 'will fail: times out', does: ['pause', '20'], properties: { WILL_FAIL: 'ON', TIMEOUT: '0.5' } },
  { name: 'skips by code', does: ['exit', '5'], properties: { SKIP_RETURN_CODE: '5' } },
  { name: 'skip code 0', properties: { SKIP_RETURN_CODE: '0' } },
  {
    name: 'skip code and will fail',
    does: ['exit', '5'],
    properties: { SKIP_RETURN_CODE: '5', WILL_FAIL: '1' },
  },
  {
    name: 'skips by output',
    does: ['out', 'SKIPPED: no gpu'],
    properties: { SKIP_REGULAR_EXPRESSION: 'other;SKIP(PED)?:' },
  },
  {
    name: 'skip output with exit 1',
    does: ['out', 'SKIP', 'exit', '1'],
    properties: { SKIP_REGULAR_EXPRESSION: '^SKIP' },
  },
  {
    name: 'skip output, crashes',
    does: ['out', 'SKIP', 'kill', 'SEGV'],
    properties: { SKIP_REGULAR_EXPRESSION: '^SKIP' },
  },
  {
    name: 'pass output',
    does: ['out', 'all good', 'exit', '3'],
    properties: { PASS_REGULAR_EXPRESSION: 'nope;all +good' },
  },
  {
    name: 'pass output missing',
    does: ['out', 'all bad'],
    properties: { PASS_REGULAR_EXPRESSION: 'all +good' },
  },
  {
    name: 'pass output, crashes',
    does: ['out', 'ok', 'kill', 'SEGV'],
    properties: { PASS_REGULAR_EXPRESSION: 'ok' },
  },
  { name: 'pass output on stderr', does: ['err', 'ok'], properties: { PASS_REGULAR_EXPRESSION: 'ok' } },
  {
    name: 'pass output across streams',
    does: ['out', 'one', 'err', 'two', 'out', 'three'],
    properties: { PASS_REGULAR_EXPRESSION: '^one.two.three.$' },
  },
  {
    name: 'pass output, the end',
    does: ['raw', 'no newline'],
    properties: { PASS_REGULAR_EXPRESSION: 'newline\n$' },
  },
  {
    name: 'pass output, carriage returns',
    does: ['raw', 'a\\r\\nb\\r\\n'],
    properties: { PASS_REGULAR_EXPRESSION: 'a\nb\n' },
  },
  { name: 'pass output, invalid', does: ['out', 'x'], properties: { PASS_REGULAR_EXPRESSION: '(x' } },
  {
    name: 'pass output, escaped',
    does: ['out', 'a[0].b = {1}'],
    properties: { PASS_REGULAR_EXPRESSION: 'a\\[0\\]\\.b = {1}' },
  },
  { name: 'pass output, utf-8', does: ['out', 'größe'], properties: { PASS_REGULAR_EXPRESSION: 'gr..ße' } },
  {
    name: 'pass output, beyond what is shown',
    does: ['big', '3000000', 'out', 'needle', 'big', '6000000'],
    properties: { PASS_REGULAR_EXPRESSION: 'needle' },
  },
  {
    name: 'pass output, late',
    does: ['late', 'late word'],
    properties: { PASS_REGULAR_EXPRESSION: 'late word' },
  },
  { name: 'fail output', does: ['out', 'ERROR: x'], properties: { FAIL_REGULAR_EXPRESSION: 'ERROR;FATAL' } },
  { name: 'fail output missing', does: ['out', 'fine'], properties: { FAIL_REGULAR_EXPRESSION: 'ERROR' } },
  {
    name: 'fail and will fail',
    does: ['out', 'ERROR'],
    properties: { FAIL_REGULAR_EXPRESSION: 'ERROR', WILL_FAIL: 'ON' },
  },
  {
    name: 'pass and fail',
    does: ['out', 'ok ERROR'],
    properties: { PASS_REGULAR_EXPRESSION: 'ok', FAIL_REGULAR_EXPRESSION: 'ERROR' },
  },
  { name: 'timeout', does: ['pause', '20'], properties: { TIMEOUT: '0.3' } },
  { name: 'timeout, deaf', does: ['deaf', 'pause', '20'], properties: { TIMEOUT: '0.3' } },
  { name: 'timeout 0', does: ['pause', '0.1'], properties: { TIMEOUT: '0' } },
  {
    name: 'timeout with a lock',
    does: ['pause', '20'],
    properties: { TIMEOUT: '0.3', RESOURCE_LOCK: 'after-timeout' },
  },
  {
    name: 'lock after a timeout',
    properties: { RESOURCE_LOCK: 'after-timeout', DEPENDS: 'timeout with a lock' },
  },
  { name: 'crash with a lock', does: ['kill', 'KILL'], properties: { RESOURCE_LOCK: 'after-crash' } },
  { name: 'lock after a crash', properties: { RESOURCE_LOCK: 'after-crash', DEPENDS: 'crash with a lock' } },
  {
    name: 'timeout after match',
    does: ['out', 'go', 'pause', '20'],
    properties: { TIMEOUT_AFTER_MATCH: '0.5;go' },
  },
  {
    name: 'timeout after match: longer',
    does: ['out', 'go', 'pause', '1'],
    properties: { TIMEOUT: '0.9', TIMEOUT_AFTER_MATCH: '20;go' },
  },
  {
    name: 'timeout after match: none',
    does: ['out', 'no', 'pause', '20'],
    properties: { TIMEOUT: '0.9', TIMEOUT_AFTER_MATCH: '20;go' },
  },
  {
    name: 'timeout after match: fails',
    does: ['out', 'go', 'exit', '3'],
    properties: { TIMEOUT_AFTER_MATCH: '20;go' },
  },
  {
    name: 'timeout after match: crashes',
    does: ['out', 'go', 'kill', 'SEGV'],
    properties: { TIMEOUT_AFTER_MATCH: '20;go' },
  },
  {
    name: 'environment',
    does: ['need', 'ONE', '1 a', 'need', 'TWO', '2=b'],
    properties: { ENVIRONMENT: 'ONE=1 a;TWO=2=b' },
  },
  { name: 'home', does: ['need', 'HOME', '/generated/home'] },
  {
    name: 'environment modification',
    does: [
      ...[
        'need',
        'GIVEN_PATH',
        '/a:/b:/c',
        'need',
        'GIVEN_TEXT',
        '<text>',
        'need',
        'NEW',
        'x',
        'need',
        'LIST',
        'a;b',
      ],
      ...['without', 'GIVEN_GONE', 'need', 'GIVEN_KEPT', 'kept', 'need', 'ONE', '12'],
    ],
    properties: {
      ENVIRONMENT: 'ONE=1',
      ENVIRONMENT_MODIFICATION: [
        ...[
          'GIVEN_PATH=path_list_prepend:/a',
          'GIVEN_PATH=path_list_append:/c',
          'GIVEN_TEXT=string_append:>',
        ],
        ...[
          'GIVEN_TEXT=string_prepend:<',
          'NEW=set:x',
          'GIVEN_GONE=unset:',
          'GIVEN_KEPT=set:lost',
          'GIVEN_KEPT=reset:',
        ],
        ...['LIST=cmake_list_append:b', 'LIST=cmake_list_prepend:a', 'ONE=string_append:2'],
      ].join(';'),
    },
  },
  { name: 'environment modification, wrong', properties: { ENVIRONMENT_MODIFICATION: 'A=frobnicate:1' } },
  { name: 'working directory', does: ['here', '/'], properties: { WORKING_DIRECTORY: '/' } },
  { name: 'working directory missing', properties: { WORKING_DIRECTORY: '{build}/nowhere' } },
  { name: 'required file', properties: { REQUIRED_FILES: '{build}/CMakeCache.txt;/etc' } },
  { name: 'required file missing', properties: { REQUIRED_FILES: '{build}/CMakeCache.txt;{build}/missing' } },
  {
    name: 'required file missing, will fail',
    properties: { REQUIRED_FILES: '{build}/missing', WILL_FAIL: 'ON' },
  },
  { name: 'makes a file', does: ['make', '{build}/made/file'] },
  {
    name: 'required file made',
    properties: { REQUIRED_FILES: '{build}/made/file', DEPENDS: 'makes a file' },
  },
  { name: 'executable missing', command: '{build}/no-such-program' },
  {
    name: 'executable missing, will fail',
    command: '{build}/no-such-program',
    properties: { WILL_FAIL: 'ON' },
  },
  { name: 'builds a program', does: ['program', '{build}/late-program'] },
  {
    name: 'executable built by a test',
    command: '{build}/late-program x',
    properties: { DEPENDS: 'builds a program' },
  },
  {
    name: 'executable and required file built by tests',
    command: '{build}/late-program "two words" ""',
    properties: { DEPENDS: 'builds a program;makes a file', REQUIRED_FILES: '{build}/made/file' },
  },
  {
    name: 'executable missing with a required file',
    command: '{build}/no-such-program',
    properties: { REQUIRED_FILES: '{build}/CMakeCache.txt', PASS_REGULAR_EXPRESSION: 'exist' },
  },
  {
    name: 'executable missing without a variable',
    command: '{build}/no-such-program',
    properties: { ENVIRONMENT_MODIFICATION: 'GIVEN_GONE=unset:', WILL_FAIL: 'ON' },
  },
  {
    name: 'executable missing with a limit after a match',
    command: '{build}/no-such-program',
    properties: { TIMEOUT_AFTER_MATCH: '20;go', WILL_FAIL: 'ON' },
  },
  { name: 'disabled', does: ['exit', '1'], properties: { DISABLED: 'ON' } },
  { name: 'labels', properties: { LABELS: 'fast;net' } },
  { name: 'cost', properties: { COST: '7.5' } },
  { name: 'negative cost', properties: { COST: '-1' } },
  {
    name: 'attached files',
    properties: { ATTACHED_FILES: '{build}/CMakeCache.txt', ATTACHED_FILES_ON_FAIL: '{build}/missing' },
  },
  { name: 'serial', does: ['pause', '0.2'], properties: { RUN_SERIAL: 'ON' } },
  { name: 'processors', does: ['pause', '0.2'], properties: { PROCESSORS: '2' } },
  { name: 'more processors than there are', properties: { PROCESSORS: '64' } },
  { name: 'lock a', does: ['pause', '0.2'], properties: { RESOURCE_LOCK: 'a' } },
  { name: 'lock a and b', does: ['pause', '0.2'], properties: { RESOURCE_LOCK: 'a;b' } },
  { name: 'lock b', does: ['pause', '0.2'], properties: { RESOURCE_LOCK: 'b' } },
  { name: 'lock of a path', does: ['pause', '0.1'], properties: { RESOURCE_LOCK: '/dev/x' } },
  { name: 'lock above a path', does: ['pause', '0.1'], properties: { RESOURCE_LOCK: '/dev' } },
  { name: 'fails first', does: ['exit', '1'] },
  { name: 'depends on one that fails', properties: { DEPENDS: 'fails first' } },
  { name: 'depends on an unknown one', properties: { DEPENDS: 'no such test' } },
  { name: 'depends on a disabled one', properties: { DEPENDS: 'disabled' } },
  { name: 'starts a server', does: ['server', '{build}/server.pid'] },
  {
    name: 'uses a server',
    does: ['alive', '{build}/server.pid', 'stop', '{build}/server.pid'],
    properties: { DEPENDS: 'starts a server' },
  },
  ...fixtures(),
];

/** Fixtures in all their forms. */
function fixtures(): GeneratedTest[] {
  const needs = (...names: string[]) => ({ FIXTURES_REQUIRED: names.join(';') });
  return [
    { name: 'db up', does: ['make', '{build}/db', 'pause', '0.1'], properties: { FIXTURES_SETUP: 'db' } },
    { name: 'db test 1', does: ['has', '{build}/db'], properties: needs('db') },
    { name: 'db test 2', does: ['has', '{build}/db', 'exit', '1'], properties: needs('db') },
    { name: 'db test 3', does: ['has', '{build}/db', 'pause', '0.2'], properties: needs('db') },
    { name: 'db down', does: ['remove', '{build}/db'], properties: { FIXTURES_CLEANUP: 'db' } },
    { name: 'bad up', does: ['exit', '1'], properties: { FIXTURES_SETUP: 'bad' } },
    { name: 'bad test', properties: needs('bad') },
    { name: 'bad test of two', properties: needs('bad', 'db') },
    { name: 'bad down', properties: { FIXTURES_CLEANUP: 'bad' } },
    { name: 'two up 1', properties: { FIXTURES_SETUP: 'two' } },
    { name: 'two up 2', does: ['exit', '1'], properties: { FIXTURES_SETUP: 'two' } },
    { name: 'two test', properties: needs('two') },
    { name: 'two down 1', properties: { FIXTURES_CLEANUP: 'two' } },
    { name: 'two down 2', does: ['exit', '1'], properties: { FIXTURES_CLEANUP: 'two' } },
    { name: 'skip up', does: ['exit', '5'], properties: { FIXTURES_SETUP: 'skip', SKIP_RETURN_CODE: '5' } },
    { name: 'skip test', properties: needs('skip') },
    { name: 'skip down', properties: { FIXTURES_CLEANUP: 'skip' } },
    { name: 'disabled up', properties: { FIXTURES_SETUP: 'off', DISABLED: 'ON' } },
    { name: 'test of a disabled fixture', properties: needs('off') },
    { name: 'base up', properties: { FIXTURES_SETUP: 'base' } },
    { name: 'top up', properties: { FIXTURES_SETUP: 'top', ...needs('base') } },
    { name: 'top test', does: ['pause', '0.1'], properties: needs('top') },
    { name: 'top down', properties: { FIXTURES_CLEANUP: 'top', ...needs('base') } },
    { name: 'base down', properties: { FIXTURES_CLEANUP: 'base' } },
    { name: 'both down', properties: { FIXTURES_CLEANUP: 'db;base;bad' } },
    { name: 'only a cleanup', properties: { FIXTURES_CLEANUP: 'nothing' } },
    { name: 'no set-up', properties: needs('bare') },
    { name: 'bare down', properties: { FIXTURES_CLEANUP: 'bare' } },
    { name: 'unused up', properties: { FIXTURES_SETUP: 'unused' } },
    { name: 'unused down', properties: { FIXTURES_CLEANUP: 'unused' } },
    { name: 'daemon up', does: ['server', '{build}/daemon.pid'], properties: { FIXTURES_SETUP: 'daemon' } },
    { name: 'daemon test', does: ['alive', '{build}/daemon.pid'], properties: needs('daemon') },
    { name: 'daemon down', does: ['stop', '{build}/daemon.pid'], properties: { FIXTURES_CLEANUP: 'daemon' } },
    { name: 'timeout up', does: ['pause', '20'], properties: { FIXTURES_SETUP: 'slow', TIMEOUT: '0.3' } },
    { name: 'timeout test', properties: needs('slow') },
    { name: 'timeout down', properties: { FIXTURES_CLEANUP: 'slow' } },
    {
      name: 'builder up',
      does: ['program', '{build}/fixture-program'],
      properties: { FIXTURES_SETUP: 'built' },
    },
    { name: 'built test', command: '{build}/fixture-program', properties: needs('built') },
  ];
}

/** One thing that a test can do or have. */
interface Trait {
  readonly does?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
}

/** Traits that can be combined with each other. */
const traits: readonly Trait[] = [
  { does: ['exit', '1'] },
  { does: ['exit', '5'] },
  { does: ['out', 'word'] },
  { does: ['err', 'ERROR'] },
  { does: ['kill', 'SEGV'] },
  { does: ['pause', '0.05'] },
  { properties: { WILL_FAIL: 'ON' } },
  { properties: { SKIP_RETURN_CODE: '5' } },
  { properties: { PASS_REGULAR_EXPRESSION: 'w(o|x)rd;other' } },
  { properties: { FAIL_REGULAR_EXPRESSION: 'ER+OR' } },
  { properties: { SKIP_REGULAR_EXPRESSION: '^word' } },
  { does: ['pause', '5'], properties: { TIMEOUT: '0.4' } },
  { properties: { TIMEOUT_AFTER_MATCH: '20;word' } },
  { properties: { REQUIRED_FILES: '{build}/CMakeCache.txt' } },
  { properties: { REQUIRED_FILES: '{build}/missing' } },
  { does: ['need', 'A', '1'], properties: { ENVIRONMENT: 'A=1' } },
  { does: ['without', 'HOME'], properties: { ENVIRONMENT_MODIFICATION: 'HOME=unset:' } },
  { does: ['here', '/'], properties: { WORKING_DIRECTORY: '/' } },
  { properties: { DISABLED: 'ON' } },
  { properties: { RUN_SERIAL: 'ON' } },
  { properties: { PROCESSORS: '2' } },
  { properties: { RESOURCE_LOCK: 'one' } },
  { properties: { RESOURCE_LOCK: 'one;two' } },
  { properties: { COST: '3' } },
  { properties: { LABELS: 'a;b' } },
  { properties: { ATTACHED_FILES_ON_FAIL: '{build}/CMakeCache.txt' } },
  { properties: { FIXTURES_REQUIRED: 'good' } },
  { properties: { FIXTURES_REQUIRED: 'poor' } },
  { properties: { FIXTURES_SETUP: 'good' } },
  { properties: { FIXTURES_CLEANUP: 'good' } },
  { properties: { DEPENDS: 'first' } },
];

/** Tests that the combined ones refer to. */
export const referredTo: readonly GeneratedTest[] = [
  { name: 'first', does: ['exit', '1'] },
  { name: 'good up', properties: { FIXTURES_SETUP: 'good' } },
  { name: 'poor up', does: ['exit', '1'], properties: { FIXTURES_SETUP: 'poor' } },
  { name: 'poor down', properties: { FIXTURES_CLEANUP: 'poor' } },
];

/** Every trait with every other one, but for those that concern the fixture of all. */
export function pairs(): GeneratedTest[] {
  const free = traits.filter(({ properties }) => !isPart(properties));
  return free.flatMap((one, at) =>
    free.slice(at + 1).map((other, after) => combined(`pair ${at}-${at + 1 + after}`, [one, other])),
  );
}

function isPart(properties: Trait['properties'] = {}): boolean {
  return 'FIXTURES_SETUP' in properties || 'FIXTURES_CLEANUP' in properties;
}

/** So many tests with up to six traits each; \`random\` returns numbers from 0 up to 1. */
export function combinations(count: number, random: () => number): GeneratedTest[] {
  return Array.from({ length: count }, (_, at) => {
    const chosen = traits.filter(() => random() < 4 / traits.length);
    // A test that sets up, requires and cleans up the same fixture would wait for itself.
    const parts = chosen.filter(
      ({ properties = {} }) => isPart(properties) || 'FIXTURES_REQUIRED' in properties,
    );
    return combined(
      `random ${at}`,
      chosen.filter((each) => !parts.slice(1).includes(each)),
    );
  });
}

function combined(name: string, some: readonly Trait[]): GeneratedTest {
  const properties: Record<string, string> = {};
  for (const each of some)
    for (const [property, value] of Object.entries(each.properties ?? {}))
      properties[property] =
        lists.has(property) && properties[property] ? `${properties[property]};${value}` : value;
  return { name, does: some.flatMap(({ does = [] }) => does), properties };
}

const lists: ReadonlySet<string> = new Set(['RESOURCE_LOCK', 'REQUIRED_FILES', 'FIXTURES_REQUIRED']);

/** The resources of the machine for `resourceTests`. */
export const resourceSpec = {
  version: { major: 1, minor: 0 },
  local: [
    { gpus: [{ id: '0', slots: 2 }, { id: '1', slots: 4 }, { id: 'x' }], chips: [{ id: 'c0', slots: 3 }] },
  ],
};

/** Of RESOURCE_GROUPS. The tests check what they are told. */
export const resourceTests: readonly GeneratedTest[] = [
  { name: 'without groups', does: ['need', 'CTEST_RESOURCE_GROUP_COUNT', '0'] },
  {
    name: 'one slot',
    does: [
      'need',
      'CTEST_RESOURCE_GROUP_COUNT',
      '1',
      'need',
      'CTEST_RESOURCE_GROUP_0',
      'gpus',
      'group',
      '0_GPUS',
      'id:[01x],slots:1',
    ],
    properties: { RESOURCE_GROUPS: 'gpus:1' },
  },
  {
    name: 'only one fits',
    does: ['group', '0_GPUS', 'id:1,slots:4'],
    properties: { RESOURCE_GROUPS: 'gpus:4' },
  },
  {
    name: 'groups',
    does: [
      ...['need', 'CTEST_RESOURCE_GROUP_COUNT', '3', 'need', 'CTEST_RESOURCE_GROUP_2', 'chips,gpus'],
      ...[
        'group',
        '0_GPUS',
        'id:[01],slots:2',
        'group',
        '2_GPUS',
        'id:[01x],slots:1',
        'group',
        '2_CHIPS',
        'id:c0,slots:3',
      ],
    ],
    properties: { RESOURCE_GROUPS: '2,gpus:2;gpus:1,chips:3' },
  },
  { name: 'all of it', does: ['pause', '0.1'], properties: { RESOURCE_GROUPS: 'gpus:4,gpus:2,gpus:1' } },
  { name: 'unknown type', properties: { RESOURCE_GROUPS: 'tpus:1' } },
  { name: 'too much of one', properties: { RESOURCE_GROUPS: 'gpus:5' } },
  { name: 'too many', properties: { RESOURCE_GROUPS: 'gpus:2,gpus:2,gpus:2,gpus:2' } },
  { name: 'too much, will fail', properties: { RESOURCE_GROUPS: 'gpus:5', WILL_FAIL: 'ON' } },
  ...Array.from({ length: 6 }, (_, at) => ({
    name: `beside ${at}`,
    does: ['pause', '0.1', 'group', '0_GPUS', 'id:[01],slots:2'],
    properties: { RESOURCE_GROUPS: 'gpus:2' },
  })),
];

/** What came with CMake 3.27 and 3.28; an older CTest ignores it. */
export const newerTests: readonly GeneratedTest[] = [
  {
    name: 'signal: obeys',
    does: ['trap', 'USR1', 'pause', '0.3', 'pause', '0.3', 'pause', '20'],
    properties: { TIMEOUT: '0.4', TIMEOUT_SIGNAL_NAME: 'SIGUSR1' },
  },
  {
    name: 'signal: dies',
    does: ['pause', '20'],
    properties: { TIMEOUT: '0.4', TIMEOUT_SIGNAL_NAME: 'SIGINT' },
  },
  {
    name: 'signal: deaf',
    does: ['deaf', 'pause', '20'],
    properties: { TIMEOUT: '0.4', TIMEOUT_SIGNAL_NAME: 'SIGTERM', TIMEOUT_SIGNAL_GRACE_PERIOD: '0.3' },
  },
  {
    name: 'signal: after match',
    does: ['out', 'go', 'pause', '20'],
    properties: { TIMEOUT_AFTER_MATCH: '0.4;go', TIMEOUT_SIGNAL_NAME: 'SIGTERM' },
  },
];

/** Of a resource spec that a test generates. */
export function generatedResources(spec: string): GeneratedTest[] {
  const needs = { FIXTURES_REQUIRED: 'spec' };
  return [
    {
      name: 'finds resources',
      does: ['copy', spec, '{build}/found.json'],
      properties: { FIXTURES_SETUP: 'spec', GENERATED_RESOURCE_SPEC_FILE: '{build}/found.json' },
    },
    {
      name: 'found: groups',
      does: ['group', '0_GPUS', 'id:1,slots:4'],
      properties: { ...needs, RESOURCE_GROUPS: 'gpus:4' },
    },
    { name: 'found: unknown', properties: { ...needs, RESOURCE_GROUPS: 'tpus:1' } },
    { name: 'found: none needed', properties: needs },
  ];
}
