/** The program of a test: what is started, in which environment, and how its end is judged. Knows nothing of the scheduler. */
import { resolve } from 'node:path';
import { defined, type ExecutableBody, type ProgramStopSignal } from '@pexen/core';
import {
  type CommandLine,
  requiringFiles,
  sayingWhy,
  throughLauncher,
  withoutVariables,
} from './command-line.ts';
import { BadModification, type Variables, variablesOf } from './environment.ts';
import type { LaunchOrder } from './launcher.ts';
import type { ListedTest } from './list-tests.ts';
import { type Grant, resourceVariables } from './resource-spec.ts';
import { type Expected, interpretAs } from './verdict.ts';

/** What the bodies of all tests of a build have in common. */
export interface BodyFacts {
  /** Absolute. */
  readonly buildDir: string;
  /** The environment that tests start from. */
  readonly base: Readonly<Record<string, string | undefined>>;
  /** Added to it. */
  readonly added: Readonly<Record<string, string>>;
  /** The resource spec that a test generates, if one does. */
  readonly generatedSpec: string | undefined;
}

/** One test, with what was decided about it. */
export interface DecidedTest {
  readonly test: ListedTest;
  /** Its resources, or why there are not enough. Undefined: there is no resource spec. */
  readonly grants: readonly Grant[] | string | undefined;
  /** Undefined: none. */
  readonly limitMs: number | undefined;
  /** Others run after it: what it leaves running may be for them. */
  readonly isAwaited: boolean;
}

/** How long after its signal a test is killed, ms. */
export function graceMsOf({ properties }: ListedTest): number | undefined {
  const { TIMEOUT_SIGNAL_NAME, TIMEOUT_SIGNAL_GRACE_PERIOD = 1 } = properties;
  return TIMEOUT_SIGNAL_NAME === undefined ? undefined : TIMEOUT_SIGNAL_GRACE_PERIOD * 1000;
}

/** The launcher starts it, and keeps its time limit. */
export function isLaunched({ properties }: ListedTest, { generatedSpec }: BodyFacts): boolean {
  const { TIMEOUT_AFTER_MATCH, RESOURCE_GROUPS, GENERATED_RESOURCE_SPEC_FILE } = properties;
  const usesGenerated = generatedSpec !== undefined && RESOURCE_GROUPS.length > 0;
  const generates = GENERATED_RESOURCE_SPEC_FILE !== undefined;
  return TIMEOUT_AFTER_MATCH !== undefined || usesGenerated || generates;
}

export function bodyOf(decided: DecidedTest, facts: BodyFacts): ExecutableBody {
  const { test, grants, isAwaited } = decided;
  const { command } = test;
  const { REQUIRED_FILES, TIMEOUT_SIGNAL_NAME, WORKING_DIRECTORY = '.' } = test.properties;
  const cwd = resolve(facts.buildDir, WORKING_DIRECTORY);
  if (command === undefined) return notRun('its program does not exist', cwd);
  if (typeof grants === 'string') return notRun(grants, cwd);
  const variables = variablesIn(test, grants, facts);
  if (typeof variables === 'string') return notRun(variables, cwd);
  const entries = Object.entries(variables);
  const unset = entries.flatMap(([name, value]) => (value === null ? [name] : []));
  const started = withoutVariables(startOf(command, decided, facts), unset);
  const needed = test.isMissing === true ? [...REQUIRED_FILES, command[0]] : REQUIRED_FILES;
  const [file, ...argv] = requiringFiles(started, needed);
  const expected = expectedOf(test);
  return {
    ...{ file, argv, cwd },
    env: Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null)),
    interpret: interpretAs(expected, cwd),
    interpretOptions: { ctest: expected },
    ...(searchesOutput(expected) && { joinsOutput: true, evidence: 'all' }),
    background: isAwaited ? 'keep' : 'wait',
    ...defined({ stopSignal: TIMEOUT_SIGNAL_NAME as ProgramStopSignal | undefined }),
  };
}

function startOf(command: CommandLine, { test, limitMs }: DecidedTest, facts: BodyFacts): CommandLine {
  if (!isLaunched(test, facts)) return command;
  const { generatedSpec: file } = facts;
  const { RESOURCE_GROUPS: groups, GENERATED_RESOURCE_SPEC_FILE: generates } = test.properties;
  return throughLauncher({
    ...{ command, limit: limitOf(test, limitMs) },
    ...defined({ generates }),
    ...(file !== undefined && groups.length > 0 && { resources: { file, groups } }),
  });
}

function limitOf(test: ListedTest, limitMs: number | undefined): LaunchOrder['limit'] {
  const { TIMEOUT_AFTER_MATCH: match, TIMEOUT_SIGNAL_NAME } = test.properties;
  const signal = TIMEOUT_SIGNAL_NAME as NodeJS.Signals | undefined;
  return {
    graceMs: graceMsOf(test) ?? 0,
    ...defined({ limitMs, signal }),
    ...(match && { afterMatch: { patterns: match.patterns, limitMs: match.seconds * 1000 } }),
  };
}

/** What differs from the environment of pexen, or from what a pool would set; or why CTest would not start the test. */
function variablesIn(
  { properties }: ListedTest,
  grants: readonly Grant[] | undefined,
  { base, added }: BodyFacts,
): Variables | string {
  const { ENVIRONMENT, ENVIRONMENT_MODIFICATION, RESOURCE_GROUPS } = properties;
  try {
    return {
      ...defined({ HOME: base.HOME, TMPDIR: base.TMPDIR ?? '/tmp' }),
      CTEST_INTERACTIVE_DEBUG_MODE: base.CTEST_INTERACTIVE_DEBUG_MODE ?? '1',
      ...added,
      ...variablesOf(ENVIRONMENT, ENVIRONMENT_MODIFICATION, { ...base, ...added }),
      ...(grants !== undefined && resourceVariables(grants, RESOURCE_GROUPS.length)),
      ...(grants === undefined &&
        'CTEST_RESOURCE_GROUP_COUNT' in base && { CTEST_RESOURCE_GROUP_COUNT: null }),
    };
  } catch (error) {
    if (error instanceof BadModification) return `ENVIRONMENT_MODIFICATION: ${error.message}`;
    throw error;
  }
}

function expectedOf({ properties }: ListedTest): Expected {
  const { FIXTURES_SETUP, SKIP_RETURN_CODE = null, WILL_FAIL = false } = properties;
  return {
    pass: properties.PASS_REGULAR_EXPRESSION,
    fail: properties.FAIL_REGULAR_EXPRESSION,
    skip: properties.SKIP_REGULAR_EXPRESSION,
    skipCode: SKIP_RETURN_CODE,
    willFail: WILL_FAIL,
    isSetup: FIXTURES_SETUP.length > 0,
    attached: properties.ATTACHED_FILES,
    attachedOnFail: properties.ATTACHED_FILES_ON_FAIL,
  };
}

function searchesOutput({ pass, fail, skip }: Expected): boolean {
  return pass.length + fail.length + skip.length > 0;
}

const nothingExpected: Expected = {
  ...{ pass: [], fail: [], skip: [], skipCode: null, willFail: false, isSetup: false },
  ...{ attached: [], attachedOnFail: [] },
};

/** A test that CTest would not start: it fails with the reason. */
function notRun(reason: string, cwd: string): ExecutableBody {
  const [file, ...argv] = sayingWhy(reason);
  const interpret = interpretAs(nothingExpected, cwd);
  return { file, argv, cwd, env: {}, interpret, interpretOptions: { ctest: nothingExpected } };
}
