/**
 * The conformance kit of reporters: a case for every rule of the contract in reporter.ts. This file is the table of contents of the contract. The kit
 * has no test runner: pass it the `test` of yours.
 */
import { type ReporterCase, type ReporterUnderTest, tryCase } from './conformance/case.ts';
import * as rules from './conformance/rules.ts';
import type { Reporter } from './reporter.ts';

export type { ReporterCase } from './conformance/case.ts';
export { mixedRun } from './conformance/mixed-run.ts';
export { type Outcome, RunScript, type ScriptEntry } from './conformance/run-script.ts';
export { serviceRun } from './conformance/service-run.ts';

/** A part of the contract. */
export interface ReporterChapter {
  /** The topic of its cases. */
  readonly title: string;
  readonly cases: readonly ReporterCase[];
}

/** The whole contract. */
export const reporterContract: readonly ReporterChapter[] = [
  { title: 'reporter', cases: [rules.isReporter, rules.isNamed, rules.waitsForTheRun] },
  {
    title: 'events',
    cases: [
      rules.standsEverything,
      rules.standsLateStart,
      rules.standsUnknown,
      rules.changesNothing,
      rules.isSteady,
    ],
  },
  {
    title: 'ends',
    cases: [rules.closesAborted, rules.leavesNothing, rules.isAlone, rules.saysOneLine, rules.printsNothing],
  },
  { title: 'text', cases: [rules.writesOnTime, rules.namesFailures, rules.tamesText] },
];

/** Options of the kit. */
export interface ReporterConformanceOptions {
  /** Defines one test: `test` of vitest, node:test, jest … */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /** Makes the reporter; what it writes has to be in the folder, which is empty. Called at least once for each case. */
  readonly make: (folder: string) => Reporter;
  /** What it has written into that folder, as text. Without it, what is written is not tested. */
  readonly read?: (folder: string) => string | Promise<string>;
  /** Does its text name every task that did not pass? Default: true. */
  readonly namesFailures?: boolean;
  /** Does it write to the terminal? Default: false. */
  readonly prints?: boolean;
  /** How long a case may take, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * Defines one test for each rule that applies.
 *
 * @example
 * import { test } from 'node:test';
 * reporterConformance({
 *   test,
 *   make: (folder) => csv({ file: join(folder, 'run.csv') }),
 *   read: (folder) => readFileSync(join(folder, 'run.csv'), 'utf8'),
 * });
 */
export function reporterConformance(options: ReporterConformanceOptions): void {
  const { test, make, read, namesFailures = true, prints = false, timeoutMs = 10_000 } = options;
  const given: ReporterUnderTest = { make, read, namesFailures, prints };
  for (const { title, cases } of reporterContract)
    for (const each of cases.filter(({ appliesTo }) => appliesTo(given)))
      test(`${title}: ${each.name}`, () => tryCase(each, given, timeoutMs));
}
