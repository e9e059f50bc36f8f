/** Applies the rules of `pexen lint` to tasks and a history that a test makes up. Nothing runs, and nothing is read. */
import type { ExpectedDuration, Runnable, Verdict } from '@pexen/core';
import { inline, type PlanOptions, plan } from '@pexen/sched';
import type { HistoryRun, MachineKind, SampleOfRun } from '@pexen/store';
import type { SuiteConfig } from '../../src/config/define-suite.ts';
import type { LintFinding, LintRule } from '../../src/index.ts';
import { applyRules } from '../../src/lint/lint-suite.ts';
import { LintCollector } from '../../src/lint/report.ts';
import { lintRuleNames } from '../../src/lint/rules.ts';
import { LintedSuite } from '../../src/lint/suite.ts';
import { Expectations } from '../../src/verdict/expectations.ts';

const here: MachineKind = { platform: 'linux', arch: 'x64', cpu: 'a processor', cores: 4 };
export const elsewhere: MachineKind = { ...here, cpu: 'another processor' };

/** How a task ended in its runs: a verdict and a duration for each, the latest first. */
export type PastOf = readonly {
  readonly verdict?: Verdict;
  readonly ms?: number;
  readonly machine?: MachineKind;
  readonly timedOut?: true;
}[];

export interface LintedGiven {
  readonly config?: Omit<SuiteConfig, 'from'>;
  readonly rules?: readonly LintRule[];
  readonly workers?: number;
  /** By call path. */
  readonly past?: Readonly<Record<string, PastOf>>;
  /** Durations of whole runs, ms; with `workers` workers. */
  readonly wholeRunsMs?: readonly number[];
  readonly options?: PlanOptions;
  /** Of the whole run, where the command states it. */
  readonly statedTimeoutMs?: number;
}

export interface Linted {
  readonly findings: readonly LintFinding[];
  readonly ignored: number;
  /** `rule: why` */
  readonly notJudged: readonly string[];
  /** The simulations that were played. */
  readonly simulations: readonly string[];
}

/** What the rules find. */
export async function linted(tasks: readonly Runnable[], given: LintedGiven = {}): Promise<Linted> {
  const { config = {}, rules = lintRuleNames, workers = 4, past = {}, wholeRunsMs = [] } = given;
  const expectations = new Expectations(config.expectedFailures ?? {});
  const expectedOf = (path: string): ExpectedDuration | undefined => {
    const ms = past[path]?.find((run) => run.ms !== undefined && (run.machine ?? here) === here)?.ms;
    return ms === undefined ? undefined : { ms };
  };
  const suite = new LintedSuite({
    plan: plan(tasks, {
      pool: () => inline({ concurrency: workers }),
      weights: expectedOf,
      ...given.options,
    }),
    ...{ root: '/suite', config, workers, timeoutMs: config.timeout ?? 300_000 },
    statedTimeoutMs: given.statedTimeoutMs,
    capacities: Object.entries(config.capacities ?? {}),
    isExpectedToFail: (path) => expectations.reasonFor(path) !== undefined,
    history: {
      machine: here,
      runs: wholeRunsMs.map(
        (durationMs, at): HistoryRun => ({
          ...{
            id: String(at),
            startedAtMs: -at,
            durationMs,
            machine: here,
            workers,
            exitCode: 0,
            isWhole: true,
          },
        }),
      ),
      expectedOf,
      samplesOf: (path) => (past[path] ?? []).map((run, at) => sampleOf(path, run, at)),
    },
  });
  const simulations: string[] = [];
  const collector = new LintCollector(suite, new Set(rules));
  applyRules(suite, collector, (what) => simulations.push(what));
  await collector.reportUnused(async () => undefined);
  return {
    ...{ findings: collector.findings, ignored: collector.ignored, simulations },
    notJudged: collector.notJudged.map(({ rule, why }) => `${rule}: ${why}`),
  };
}

function sampleOf(
  path: string,
  { verdict = 'pass', ms, machine = here, timedOut }: PastOf[number],
  at: number,
): SampleOfRun {
  const outcome = timedOut
    ? 'timed-out'
    : verdict === 'skip'
      ? 'skipped'
      : verdict === 'fail'
        ? 'failed'
        : 'returned';
  return {
    ...{
      path,
      verdict,
      outcome,
      machine,
      run: String(at),
      startedAtMs: Date.UTC(2026, 0, 40 - at),
      attempts: 1,
    },
    ...(ms !== undefined && { ranMs: ms }),
  };
}

/** So many equal runs. */
export function runs(count: number, run: PastOf[number] = {}): PastOf {
  return Array.from({ length: count }, () => run);
}
