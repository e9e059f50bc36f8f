/**
 * The test runner of `pnpm mutate`: a plugin of Stryker that keeps sources and tests loaded in its process and lets one mutant after the other
 * awake, which takes milliseconds where a run of Vitest would take seconds (and where Stryker's own runner for Vitest 5 finds no
 * tests: stryker-js#6210). Stryker mutates, chooses the tests of a mutant by coverage, ends what runs forever, and reports.
 */
import { INSTRUMENTER_CONSTANTS, type InstrumenterContext } from '@stryker-mutator/api/core';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  type CompleteDryRunResult,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import type { Test } from './collect.ts';
import { load } from './load.ts';

/** What mutated code looks at, and where it counts. */
type Context = { -readonly [Field in keyof InstrumenterContext]?: InstrumenterContext[Field] | undefined };
const context: Context = {};
Object.assign(globalThis, { [INSTRUMENTER_CONSTANTS.NAMESPACE]: context });

/** A promise that does not settle is a failure; Stryker ends tests that do not return. */
const timeoutMs = 2_000;

/** Stryker lets a mutant be entered a hundred times as often as in all tests together; for loops that run a million times ten must do. */
const shareOfHits = 10;

class MutantRunner implements TestRunner {
  #tests: readonly Test[] = [];

  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: true };
  }

  async dryRun(): Promise<DryRunResult> {
    this.#tests = await load(process.cwd());
    const { tests } = await this.#run(this.#tests, false);
    const mutantCoverage = context.mutantCoverage ?? { static: {}, perTest: {} };
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, testFilter, mutantActivation, disableBail } = options;
    const hitLimit = options.hitLimit && Math.ceil(options.hitLimit / shareOfHits);
    context.activeMutant = mutantActivation === 'static' ? activeMutant.id : undefined;
    try {
      if (options.reloadEnvironment || this.#tests.length === 0) this.#tests = await load(process.cwd());
    } catch (error) {
      return killedByLoading(`${error}`);
    }
    context.activeMutant = activeMutant.id;
    context.hitCount = hitLimit === undefined ? undefined : 0;
    context.hitLimit = hitLimit;
    const wanted = testFilter && new Set(testFilter);
    const tests = this.#tests.filter(({ name }) => wanted?.has(name) ?? true);
    const result = await this.#run(tests, !disableBail);
    return toMutantRunResult(determineHitLimitReached(context.hitCount, hitLimit) ?? result);
  }

  async #run(tests: readonly Test[], bails: boolean): Promise<CompleteDryRunResult> {
    const results: TestResult[] = [];
    for (const test of tests) {
      context.currentTestId = test.name;
      const result = await outcomeOf(test);
      results.push(result);
      if (bails && result.status === TestStatus.Failed) break;
    }
    context.currentTestId = undefined;
    return { status: DryRunStatus.Complete, tests: results };
  }
}

/** A table at the top of a file that does not load with the mutant in it. */
function killedByLoading(failureMessage: string): MutantRunResult {
  return { status: MutantRunStatus.Killed, killedBy: [], failureMessage, nrOfTests: 0 };
}

async function outcomeOf({ name, body }: Test): Promise<TestResult> {
  const from = performance.now();
  const about = () => ({ id: name, name, timeSpentMs: performance.now() - from });
  try {
    const ending = body();
    if (ending instanceof Promise) await soon(ending);
    return { ...about(), status: TestStatus.Success };
  } catch (error) {
    return { ...about(), status: TestStatus.Failed, failureMessage: `${error}` };
  }
}

/** Uncaught errors count as failures, too, instead of ending the process. */
async function soon(ending: Promise<unknown>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('takes too long')), timeoutMs);
  process.once('uncaughtException', reject);
  try {
    await Promise.race([ending, promise]);
  } finally {
    clearTimeout(timer);
    process.off('uncaughtException', reject);
  }
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'pexen', MutantRunner)];
