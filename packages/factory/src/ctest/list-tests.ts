/** Asks `ctest` which tests a build has, and reads its answer. Does not know what the properties mean to pexen. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { PexenError, type Problem, type SourceLocation } from '@pexen/core';
import type { ResourceGroup } from './resource-spec.ts';

/** Properties of a test that pexen knows, as CTest has read them. Absent: not set, or not known to this CTest. */
interface TestProperties {
  readonly ATTACHED_FILES: readonly string[];
  readonly ATTACHED_FILES_ON_FAIL: readonly string[];
  readonly COST?: number;
  /** Names of tests, with those that the fixtures of the test add. */
  readonly DEPENDS: readonly string[];
  readonly DISABLED?: boolean;
  readonly ENVIRONMENT: readonly string[];
  readonly ENVIRONMENT_MODIFICATION: readonly string[];
  readonly FAIL_REGULAR_EXPRESSION: readonly string[];
  readonly FIXTURES_CLEANUP: readonly string[];
  readonly FIXTURES_REQUIRED: readonly string[];
  readonly FIXTURES_SETUP: readonly string[];
  readonly GENERATED_RESOURCE_SPEC_FILE?: string;
  readonly LABELS: readonly string[];
  readonly PASS_REGULAR_EXPRESSION: readonly string[];
  readonly PROCESSORS?: number;
  readonly REQUIRED_FILES: readonly string[];
  readonly RESOURCE_GROUPS: readonly ResourceGroup[];
  readonly RESOURCE_LOCK: readonly string[];
  readonly RUN_SERIAL?: boolean;
  readonly SKIP_REGULAR_EXPRESSION: readonly string[];
  readonly SKIP_RETURN_CODE?: number;
  /** Seconds; 0: no limit. */
  readonly TIMEOUT?: number;
  readonly TIMEOUT_AFTER_MATCH?: { readonly seconds: number; readonly patterns: readonly string[] };
  /** Seconds. */
  readonly TIMEOUT_SIGNAL_GRACE_PERIOD?: number;
  readonly TIMEOUT_SIGNAL_NAME?: string;
  readonly WILL_FAIL?: boolean;
  readonly WORKING_DIRECTORY?: string;
}

/** A test of a build. */
export interface ListedTest {
  readonly name: string;
  /** The program, absolute, and its arguments. Undefined: there is no program, and CTest does not say where it looks for it. */
  readonly command?: readonly [string, ...string[]];
  /** The program does not exist now: `command` has the first place where CTest looks for it. */
  readonly isMissing?: true;
  readonly properties: TestProperties;
  readonly location: SourceLocation;
}

/** How CTest is asked. */
export interface ListOrder {
  /** Absolute. */
  readonly ctest: string;
  /** Absolute. */
  readonly buildDir: string;
  /** Of a build that has several: `Debug`. */
  readonly config?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** All tests, in the order of CTest. @throws PexenError PEXEN_CTEST_LIST */
export async function listTests(order: ListOrder): Promise<readonly ListedTest[]> {
  const { stdout, stderr } = await runCTest(order, ['--show-only=json-v1']);
  const list = parsed(stdout);
  if (list === undefined) throw new PexenError(problemsIn(stderr, order));
  const locate = locator(list, order);
  const { tests = [] } = list;
  const missing = tests.some((test) => !hasProgram(test)) ? await missingCommands(order) : new Map();
  return tests.map((test, at) => ({
    name: test.name,
    properties: propertiesOf(test.properties ?? []),
    location: locate(test.backtrace),
    ...(hasProgram(test)
      ? { command: test.command }
      : missing.has(at) && { command: missing.get(at), isMissing: true as const }),
  }));
}

function hasProgram<Test extends { readonly command?: Command }>(
  test: Test,
): test is Test & { readonly command: Command } {
  return test.command !== undefined && test.command.length > 0;
}

/** A program and its arguments. */
type Command = readonly [string, ...string[]];

/** What `ctest` answers, as far as it is read. */
interface Answer {
  readonly kind?: unknown;
  readonly tests?: readonly {
    readonly name: string;
    readonly command?: Command;
    readonly backtrace?: number;
    readonly properties?: readonly RawProperty[];
  }[];
  readonly backtraceGraph?: {
    readonly files: readonly string[];
    readonly nodes: readonly { readonly file: number; readonly line?: number; readonly parent?: number }[];
  };
}

interface RawProperty {
  readonly name: string;
  readonly value: unknown;
}

const mostOutput = 1024 * 1024 * 1024;

/** Its exit code does not matter: it is 8 where something is wrong with a test. */
function runCTest(
  { ctest, buildDir, config, env }: ListOrder,
  how: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  const argv = [...how, ...(config === undefined ? [] : ['-C', config])];
  return new Promise((settle) => {
    execFile(ctest, argv, { cwd: buildDir, env, maxBuffer: mostOutput }, (error, stdout, stderr) =>
      settle({ stdout, stderr: stderr || (error?.message ?? '') }),
    );
  });
}

const missingForm =
  /^Could not find executable .*\nLooked in the following places:\n(.+)\n(?:.+\n)*\n(\d+): Test command: +(.*(?:\n(?!\d+: | {2}Test +#).*)*)/gm;

/**
 * The commands whose programs CTest does not find, by the position of their tests: with the first place where it looks, since another test may build them.
 * Its answer in JSON has no word about them. Here, it does not mark quotation marks in arguments.
 */
async function missingCommands(order: ListOrder): Promise<ReadonlyMap<number, Command>> {
  const { stdout } = await runCTest(order, ['--show-only', '--verbose']);
  const found = [...stdout.matchAll(missingForm)].map(([, place = '', number, text = '']) => {
    const argv = text.trimEnd() === '' ? [] : text.trimEnd().slice(1, -1).split('" "');
    return [Number(number) - 1, [resolve(order.buildDir, place), ...argv]] as const;
  });
  return new Map<number, Command>(found);
}

/** CTest writes messages about regular expressions that it refuses before its answer. */
function parsed(text: string): Answer | undefined {
  try {
    const answer = JSON.parse(text.slice(Math.max(0, text.search(/^\{/m)))) as Answer;
    return answer.kind === 'ctestInfo' ? answer : undefined;
  } catch {
    return undefined;
  }
}

const errorForm = /^CMake Error(?: at (.+?):(\d+))?[^\n]*\n+((?:[ ]+[^\n]*\n?)*)/gm;

/** The errors of CMake, with their places. */
function problemsIn(stderr: string, { buildDir, ctest }: ListOrder): readonly [Problem, ...Problem[]] {
  const code = 'PEXEN_CTEST_LIST';
  const errors = [...stderr.matchAll(errorForm)].map(([, file, line, text = '']): Problem => {
    const message = `ctest cannot read it: ${text.trim().replaceAll(/\s+/g, ' ')}`;
    const place =
      file === undefined ? { file: buildDir } : { file: resolve(buildDir, file), line: Number(line) };
    return {
      code,
      message,
      location: withinFile(place),
      hint: 'Configure the build again: cmake BUILD-DIR.',
    };
  });
  const [error, ...others] = errors;
  if (error !== undefined) return [error, ...others];
  const first = stderr.trim().split('\n', 1)[0] || 'it printed nothing that can be read';
  const message = `${ctest} --show-only=json-v1 has listed no tests: ${first}`;
  const hint = 'pexen needs CTest 3.14 or newer. Run that command in the build directory to see more.';
  return [{ code, message, location: { file: buildDir }, hint }];
}

/** CMake counts a line behind the end of a file that stops too early. */
function withinFile({ file, line }: SourceLocation): SourceLocation {
  if (line === undefined || !existsSync(file)) return { file };
  return { file, line: Math.min(line, readFileSync(file, 'utf8').split('\n').length) };
}

/**
 * Finds where a test was added: of the calls that led to it, the innermost in a CMakeLists.txt, since functions that add tests stand in modules. Without
 * calls it is the file that CTest has read.
 */
function locator({ backtraceGraph }: Answer, { buildDir }: ListOrder): (node?: number) => SourceLocation {
  const { nodes = [], files = [] } = backtraceGraph ?? {};
  const elsewhere = { file: resolve(buildDir, testFile) };
  return (innermost) => {
    const calls: SourceLocation[] = [];
    for (let at = innermost; at !== undefined; at = nodes[at]?.parent) {
      const { file, line } = nodes[at] ?? { file: -1 };
      const path = files[file];
      if (path !== undefined && line !== undefined && line > 0) calls.push({ file: path, line });
    }
    return calls.find(({ file }) => basename(file) === 'CMakeLists.txt') ?? calls[0] ?? elsewhere;
  };
}

/** What CMake writes into a build directory for CTest. */
export const testFile = 'CTestTestfile.cmake';

const lists = [
  ...(['ATTACHED_FILES', 'ATTACHED_FILES_ON_FAIL', 'DEPENDS', 'ENVIRONMENT'] as const),
  ...(['ENVIRONMENT_MODIFICATION', 'FAIL_REGULAR_EXPRESSION', 'FIXTURES_CLEANUP'] as const),
  ...(['FIXTURES_REQUIRED', 'FIXTURES_SETUP', 'LABELS', 'PASS_REGULAR_EXPRESSION'] as const),
  ...(['REQUIRED_FILES', 'RESOURCE_GROUPS', 'RESOURCE_LOCK', 'SKIP_REGULAR_EXPRESSION'] as const),
];

function propertiesOf(raw: readonly RawProperty[]): TestProperties {
  const given = Object.fromEntries(raw.map(({ name, value }) => [name, value]));
  const { TIMEOUT_AFTER_MATCH: afterMatch, RESOURCE_GROUPS: groups = [] } = given;
  return {
    ...Object.fromEntries(lists.map((name) => [name, []])),
    ...given,
    RESOURCE_GROUPS: (groups as readonly RawGroup[]).map(groupOf),
    ...(afterMatch !== undefined && { TIMEOUT_AFTER_MATCH: afterMatchOf(afterMatch as RawAfterMatch) }),
  } as unknown as TestProperties;
}

interface RawGroup {
  readonly requirements: readonly { readonly '.type': string; readonly slots: number }[];
}

function groupOf({ requirements }: RawGroup): ResourceGroup {
  return requirements.map(({ '.type': type, slots }) => ({ type, slots }));
}

interface RawAfterMatch {
  readonly timeout: number;
  readonly regex: readonly string[];
}

function afterMatchOf({ timeout, regex }: RawAfterMatch): TestProperties['TIMEOUT_AFTER_MATCH'] {
  return { seconds: timeout, patterns: regex };
}
