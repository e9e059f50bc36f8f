/** The tests of a Kyua tree as tasks: one for each test case of its plain, TAP and ATF test programs. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  defined,
  executableTask,
  type PlacedTask,
  type Problem,
  place,
  refuse,
  type SourceLocation,
  type TaskMeta,
} from '@pexen/core';
import { anyText, byName, isA, isRecord, type KindsOf, optionProblems, text } from '@pexen/core/options';
import { allOf } from '../conditions/needs.ts';
import {
  createLoadContext,
  defaultMetaOf,
  type LoadContext,
  originOfDefaults,
} from '../directory-factory.ts';
import type { Factory, FactoryContext } from '../factory.ts';
import { realFiles } from '../files.ts';
import type { DefaultMeta } from '../options.ts';
import { type AtfCase, listAtfCases } from './atf-list.ts';
import { atfStart, cleanupSeconds, type KyuaStart, plainStart } from './isolation.ts';
import { type KyuaConf, kyuaConfFile, readKyuaConf } from './kyua-conf.ts';
import { type KyuaProgram, readKyuafile } from './kyuafile.ts';
import { type KyuaConfiguration, type KyuaMetadata, requirementsOf } from './metadata.ts';
import { interpretWith, type KyuaReading, readAtf, readKyuaTap, readPlain } from './results.ts';

/** For `kyua`. Paths are absolute, or relative to the root. */
export interface KyuaOptions {
  /** The folder of the Kyuafile. */
  readonly dir: string;
  /** Its name. Default `Kyuafile`. */
  readonly file?: string;
  /** The folder of the test programs, where it is another one with the same layout. */
  readonly buildDir?: string;
  /** A kyua.conf. Default: the one that Kyua would read, `~/.kyua/kyua.conf` or `/etc/kyua/kyua.conf`; `none` reads none. What the options say takes precedence. */
  readonly config?: string;
  /** Configuration variables of test suites: `{ mine: { iterations: '10' } }`, as `test_suites.mine.iterations` in kyua.conf. */
  readonly variables?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The user as whom tests run that require an unprivileged one, where pexen runs as root. */
  readonly unprivilegedUser?: string;
  /** What `allowed_architectures` is compared with. Default: the names of the architecture of the machine. */
  readonly architecture?: string;
  /** What `allowed_platforms` is compared with. Default: likewise. */
  readonly platform?: string;
  /** Default metadata; a function gets the program, with the call path as its parts. */
  readonly meta?: DefaultMeta;
}

const kinds: KindsOf<KyuaOptions> = {
  dir: text,
  file: text,
  buildDir: text,
  config: text,
  variables: byName(byName(anyText), "Write variables: { suite: { name: 'value' } }."),
  unprivilegedUser: text,
  architecture: text,
  platform: text,
  meta: isA(
    'metadata or a function that returns it',
    (value) => isRecord(value) || typeof value === 'function',
  ),
};

/**
 * Makes a task of each test case of a Kyua tree. Their results are those of `kyua test`: see docs/kyua.md. ATF test programs are asked for their test cases
 * whenever the tasks are made.
 *
 * @example kyua({ dir: '/usr/tests' })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function kyua(options: KyuaOptions): Factory {
  refuse(optionProblems('kyua', options, kinds, ['dir']));
  const describe = `kyua of ${options.dir}`;
  return { kind: 'kyua', describe, make: (context) => makeTests(options, describe, context) };
}

async function* makeTests(
  options: KyuaOptions,
  describe: string,
  context: FactoryContext,
): AsyncGenerator<PlacedTask, void> {
  const problems: Problem[] = [];
  const { dir, buildDir = dir, file = 'Kyuafile' } = options;
  const roots = { source: resolve(context.root, dir), build: resolve(context.root, buildDir) };
  const loadContext = createLoadContext(describe, roots.source, context, realFiles, problems);
  const programs = readKyuafile(resolve(roots.source, file), roots, loadContext.problem);
  const conf = readKyuaConf(kyuaConfFile(options.config, context.root, loadContext.env), loadContext.problem);
  const asked = programs.filter((program) => program.interface === 'atf');
  const questions = asked.map((program) => ({
    path: program.path,
    variables: asArguments(configurationOf(options, conf, program)),
  }));
  const lists = new Map(
    (await listAtfCases(questions, loadContext.env)).map((list, at) => [asked[at], list]),
  );
  for (const program of programs) {
    const configuration = configurationOf(options, conf, program);
    for (const test of testsOf(program, lists.get(program), configuration))
      yield taskOf(test, configuration, options, loadContext);
  }
  refuse(problems);
}

function configurationOf(options: KyuaOptions, conf: KyuaConf, { suite }: KyuaProgram): KyuaConfiguration {
  return {
    architecture: options.architecture ?? conf.architecture,
    platform: options.platform ?? conf.platform,
    unprivilegedUser: options.unprivilegedUser ?? conf.unprivilegedUser,
    variables: { ...conf.variables[suite], ...options.variables?.[suite] },
  };
}

/** Also the user, by both of its names. */
function allVariables({
  variables,
  unprivilegedUser: user,
}: KyuaConfiguration): Readonly<Record<string, string>> {
  return { ...variables, ...(user !== undefined && { 'unprivileged-user': user, unprivileged_user: user }) };
}

function asArguments(configuration: KyuaConfiguration): string[] {
  return Object.entries(allVariables(configuration)).map(([name, value]) => `-v${name}=${value}`);
}

/** One test case. */
interface KyuaTest {
  readonly program: KyuaProgram;
  readonly under: readonly string[];
  readonly name: string;
  readonly metadata: KyuaMetadata;
  readonly start: KyuaStart;
  readonly read: KyuaReading;
  /** It stands for a list of test cases that could not be read. */
  readonly isBroken?: true;
  /** Its limit is enforced where it runs. */
  readonly limitsItself?: boolean;
}

function testsOf(
  program: KyuaProgram,
  list: Awaited<ReturnType<typeof listAtfCases>>[number] | undefined,
  configuration: KyuaConfiguration,
): KyuaTest[] {
  if (list === undefined) return [wholeProgram(program, configuration)];
  if ('broken' in list) return [brokenList(program, list.broken, configuration)];
  const mayExpect = namesTimeouts(program.path);
  return list.map((testCase) => ofCase(program, testCase, configuration, mayExpect));
}

function wholeProgram(program: KyuaProgram, configuration: KyuaConfiguration): KyuaTest {
  const { parts, path, metadata } = program;
  return {
    ...{ program, under: parts.slice(0, -1), name: parts.at(-1) ?? '', metadata },
    start: plainStart(path, dirname(path), allVariables(configuration)),
    read: program.interface === 'tap' ? readKyuaTap : readPlain,
  };
}

function ofCase(
  program: KyuaProgram,
  { name, metadata }: AtfCase,
  configuration: KyuaConfiguration,
  mayExpectTimeout: boolean,
): KyuaTest {
  const { parts, path } = program;
  const all = { ...program.metadata, ...metadata };
  const { has_cleanup: cleans = false, timeout = usualTimeoutSeconds } = all;
  const limit = mayExpectTimeout ? timeout : undefined;
  const start = atfStart(path, dirname(path), { name, cleans, limit, variables: asArguments(configuration) });
  return { program, under: parts, name, metadata: all, start, read: readAtf, limitsItself: mayExpectTimeout };
}

/** As of Kyua. */
const usualTimeoutSeconds = 300;

/** Can its test cases expect to be too slow? Then they are stopped where that is known, and not by the run. Most programs do not name that function. */
function namesTimeouts(path: string): boolean {
  try {
    const content = readFileSync(path);
    return ['expect_timeout', 'expected_timeout'].some((name) => content.includes(name));
  } catch {
    return false; // Its list was read, so that it can be started.
  }
}

/** As Kyua reports it: a test case that is broken. It asks once more, to show what the program says. */
function brokenList(program: KyuaProgram, reason: string, configuration: KyuaConfiguration): KyuaTest {
  const { file, argv, ...start } = plainStart(program.path, dirname(program.path), {});
  return {
    ...{ program, under: program.parts, name: '__test_cases_list__', metadata: {}, isBroken: true },
    start: { ...start, file, argv: [...argv, ...asArguments(configuration), '-l'] },
    read: () => ({ result: { kind: 'broken', reason } }),
  };
}

function taskOf(
  test: KyuaTest,
  configuration: KyuaConfiguration,
  { meta }: KyuaOptions,
  loadContext: LoadContext,
): PlacedTask {
  const { program, under, name, metadata, start, read, isBroken } = test;
  const defaults = defaultMetaOf(meta, { path: program.path, parts: [...under, name] }, loadContext);
  const own: TaskMeta = { name, ...ownMeta(test) };
  const requirements = isBroken ? undefined : requirementsOf(metadata, configuration);
  const when = whenOf(defaults.when, requirements);
  const { unprivilegedUser } = configuration;
  const isUnprivileged = metadata.required_user === 'unprivileged' && unprivilegedUser !== undefined;
  const body = {
    ...start,
    ...(isUnprivileged && process.getuid?.() === 0 && { user: unprivilegedUser }),
    interpret: interpretWith(read),
    interpretOptions: { kyua: program.interface },
  };
  const location: SourceLocation = program.location;
  const source = {
    location,
    nameKind: 'explicit',
    originOf: originOfDefaults(defaults, own, loadContext),
  } as const;
  return place(
    [...loadContext.under, ...under],
    executableTask({ ...defaults, ...own, ...defined({ when }) }, body, source),
  );
}

/** What the properties mean for the scheduler. A body that is asked to stop ends at once; its cleanup part may take its time. */
function ownMeta({ metadata, program, limitsItself }: KyuaTest): TaskMeta {
  const { timeout, is_exclusive, has_cleanup } = metadata;
  const isAtf = program.interface === 'atf';
  const afterwards = (has_cleanup === true ? cleanupSeconds : 0) + secondsBesides;
  const seconds = limitsItself === true ? (timeout ?? usualTimeoutSeconds) + afterwards : timeout;
  return defined({
    timeout: seconds === undefined ? undefined : Math.max(seconds * 1_000, 1),
    exclusive: is_exclusive === true ? true : undefined,
    grace: isAtf ? afterwards * 1_000 : 0,
  });
}

/** For the shell that has started a test case. */
const secondsBesides = 10;

function whenOf(given: TaskMeta['when'], requirements: ReturnType<typeof requirementsOf>): TaskMeta['when'] {
  if (given === undefined || requirements === undefined) return requirements ?? given;
  return allOf([typeof given === 'function' ? given : () => given, requirements]);
}
