/** The tests of a CMake build, as tasks: what `ctest` would run. What the properties of a test become is in test-task.ts. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { PexenError, type PlacedTask, type Problem, refuse, type TaskMeta } from '@pexen/core';
import { byName, isA, optionProblems, record, text } from '@pexen/core/options';
import type { Factory, FactoryContext } from '../factory.ts';
import { codeOf, realFiles } from '../files.ts';
import { findProgram } from '../programs/program.ts';
import { type ListOrder, listTests, testFile } from './list-tests.ts';
import { Allocator, BadSpec, readResourceSpec } from './resource-spec.ts';
import { TestTasks } from './test-task.ts';

/** For `ctest`. */
export interface CTestOptions {
  /** The directory that CMake has configured and built: absolute, or relative to the context's root. */
  readonly buildDir: string;
  /** The configuration to test, of a build that has several: `Debug`, as `ctest -C Debug`. */
  readonly config?: string;
  /** The resources of this machine, as `ctest --resource-spec-file`. Default: CTEST_RESOURCE_SPEC_FILE of the build. */
  readonly resourceSpecFile?: string;
  /** The program `ctest`. One without a directory is looked up in PATH. Default: `ctest`, else the one that belongs to the CMake of the build. */
  readonly program?: string;
  /** Default metadata of the tests. `timeout` is the limit of those without TIMEOUT. */
  readonly meta?: TaskMeta;
  /** Added to the environment; ENVIRONMENT of a test takes precedence. */
  readonly env?: Readonly<Record<string, string>>;
}

const anyText = isA('a string', (value) => typeof value === 'string');
const kinds = {
  ...{ buildDir: text, config: text, resourceSpecFile: text, program: text },
  ...{ meta: record, env: byName(anyText) },
};

/**
 * Makes a task of each test of a CMake build, with all its properties: see docs/ctest.md. Configure and build before.
 *
 * @example ctest({ buildDir: 'build' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function ctest(options: CTestOptions): Factory {
  refuse(optionProblems('ctest', options, kinds, ['buildDir']));
  return {
    kind: 'ctest',
    describe: `ctest of ${options.buildDir}`,
    make: (context) => make(options, context),
  };
}

async function* make(options: CTestOptions, context: FactoryContext): AsyncGenerator<PlacedTask, void> {
  const { root, under = [], env: base = process.env, workers = availableParallelism() } = context;
  const { meta = {}, env: added = {}, config } = options;
  const buildDir = resolve(root, options.buildDir);
  if (!existsSync(buildDir)) throw notABuild(buildDir, `${basename(buildDir)} does not exist`);
  const order: ListOrder = { ctest: findCTest(options, buildDir, context), buildDir, config, env: base };
  const tests = await listTests(order);
  if (tests.length === 0) refuseMissingBuild(buildDir);
  const { usualTimeoutMs, usualSpecFile } = settingsOf(buildDir);
  const specFile = options.resourceSpecFile ?? usualSpecFile;
  const allocator = specFile === undefined ? undefined : allocatorOf(resolve(root, specFile));
  const build = { buildDir, base, added, under, allocator, workers, meta, usualTimeoutMs };
  const tasks = new TestTasks(tests, build);
  for (const [resource, count] of tasks.capacities) context.capacity?.(resource, count);
  if (tests.some(({ properties }) => 'PROCESSOR_AFFINITY' in properties))
    context.warn?.(noAffinity(buildDir));
  yield* tasks.all();
}

/** What `include(CTest)` has written, if the project does that: the limit of tests without TIMEOUT, and the resources of the machine. */
function settingsOf(buildDir: string): {
  readonly usualTimeoutMs: number | undefined;
  readonly usualSpecFile: string | undefined;
} {
  const lines = read(resolve(buildDir, 'DartConfiguration.tcl')) ?? '';
  const settingOf = (name: string): string =>
    new RegExp(`^${name}:[ \\t]*(\\S.*)?$`, 'm').exec(lines)?.[1]?.trim() ?? '';
  const seconds = Number(settingOf('TimeOut'));
  const file = settingOf('ResourceSpecFile');
  return {
    usualTimeoutMs: seconds > 0 ? seconds * 1000 : undefined,
    usualSpecFile: file === '' ? undefined : resolve(buildDir, file),
  };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @throws PexenError PEXEN_NO_PROGRAM */
function findCTest(
  { program }: CTestOptions,
  buildDir: string,
  { root, env = process.env }: FactoryContext,
): string {
  const lookUp = { root, dir: buildDir, env, files: realFiles };
  const found =
    findProgram(program ?? 'ctest', lookUp, false) ?? (program === undefined ? ctestOf(buildDir) : undefined);
  if (found !== undefined) return found;
  const problem: Problem = {
    code: 'PEXEN_NO_PROGRAM',
    location: { file: buildDir },
    message: `the program "${program ?? 'ctest'}" was not found`,
    hint: 'Install CMake: apt install cmake, brew install cmake, or pip install cmake.',
  };
  throw new PexenError([problem]);
}

/** The one that CMake has noted in the build. */
function ctestOf(buildDir: string): string | undefined {
  const cache = read(resolve(buildDir, 'CMakeCache.txt')) ?? '';
  const [, path] = /^CMAKE_CTEST_COMMAND:[A-Z]+=(.+)$/m.exec(cache) ?? [];
  return path === undefined || read(path) === undefined ? undefined : path;
}

/** @throws PexenError PEXEN_NOT_A_BUILD where there is no build that may have tests. */
function refuseMissingBuild(buildDir: string): void {
  if (read(resolve(buildDir, testFile)) !== undefined) return;
  const what = 'it is not the build directory of a project with tests';
  throw notABuild(buildDir, `${basename(buildDir)} has no ${testFile}: ${what}`);
}

function notABuild(buildDir: string, message: string): PexenError {
  const hint =
    'Configure and build first: cmake -S . -B build && cmake --build build. CMakeLists.txt needs enable_testing().';
  return new PexenError([{ code: 'PEXEN_NOT_A_BUILD', location: { file: buildDir }, message, hint }]);
}

/** @throws PexenError PEXEN_BAD_RESOURCE_SPEC */
function allocatorOf(file: string): Allocator {
  try {
    return new Allocator(readResourceSpec(readFileSync(file, 'utf8')));
  } catch (error) {
    const why = error instanceof BadSpec ? error.message : `it cannot be read (${codeOf(error)})`;
    const message = `the resource spec cannot be used: ${why}`;
    const hint = 'Its format is in the manual of CTest: cmake --help-manual "ctest(1)".';
    throw new PexenError([{ code: 'PEXEN_BAD_RESOURCE_SPEC', location: { file }, message, hint }]);
  }
}

function noAffinity(buildDir: string): Problem {
  const message =
    'PROCESSOR_AFFINITY is ignored: tests are counted by their PROCESSORS, and not bound to some';
  return { code: 'PEXEN_NO_AFFINITY', location: { file: buildDir }, message };
}
