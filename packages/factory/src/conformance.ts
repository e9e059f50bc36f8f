/**
 * The conformance kit of factories: a case for every rule of the contract in factory.ts. This file is the table of contents of the contract. The kit
 * has no test runner: pass it the `test` of yours.
 */
import { systemClock } from '@pexen/core/timers';
import type { BrokenInput, FactoryCase, FactoryUnderTest } from './conformance/case.ts';
import { Workbench } from './conformance/case.ts';
import type { InputFiles } from './conformance/input-folder.ts';
import * as rules from './conformance/rules.ts';
import type { Factory } from './factory.ts';

export type { BrokenInput, FactoryCase } from './conformance/case.ts';
export type { InputFiles } from './conformance/input-folder.ts';

/** A part of the contract. */
export interface FactoryChapter {
  /** The topic of its cases. */
  readonly title: string;
  readonly cases: readonly FactoryCase[];
}

/** The whole contract. */
export const factoryContract: readonly FactoryChapter[] = [
  { title: 'factory', cases: [rules.describesItself, rules.makesTasks] },
  {
    title: 'tasks',
    cases: [rules.placesTasks, rules.namesTasks, rules.locatesTasks, rules.hasBodiesForWorkers],
  },
  { title: 'nesting', cases: [rules.nests, rules.leavesContext, rules.readsFromRoot] },
  {
    title: 'again',
    cases: [rules.repeats, rules.overlaps, rules.ignoresOrderOfDisk, rules.seesNewFiles],
  },
  { title: 'in the middle', cases: [rules.mayBeLeft, rules.standsVanishing] },
  {
    title: 'mistakes',
    cases: [rules.reportsMistakes, rules.reportsAllTogether, rules.standsOddFiles, rules.standsNothing],
  },
];

/** Options of the kit. */
export interface FactoryConformanceOptions {
  /** Defines one test: `test` of vitest, node:test, jest … */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /** Makes the factory; its paths are relative to the root of its context. Called once for each case. */
  readonly make: () => Factory;
  /** A valid input with two tasks or more: path → content. Files that begin with `#!` are executable. Default: none, for a factory that reads no files. */
  readonly files?: InputFiles;
  /** Further files that add tasks. Without them, it is not tested that files which appear are seen. */
  readonly more?: InputFiles;
  /** Inputs with mistakes, each in files of its own, and where they have to be reported. Without them, reports are not tested. */
  readonly broken?: readonly BrokenInput[];
  /** The beginning of the codes of its problems: `CARGO` for `CARGO_SYNTAX`. Default: any but `PEXEN`. */
  readonly prefix?: string;
  /** May bodies be functions that no other process finds? Such tasks only run inline. Default false. */
  readonly closures?: boolean;
  /** How long a case may take, ms. Default 10,000. */
  readonly timeoutMs?: number;
}

/**
 * Defines one test for each rule that applies.
 *
 * @example
 * import { test } from 'node:test';
 * factoryConformance({ test, make: () => checks('office.checks'), files: { 'office.checks': 'a | | true\nb | | true\n' } });
 */
export function factoryConformance(options: FactoryConformanceOptions): void {
  const { test, timeoutMs = 10_000, make, files = {}, broken = [], closures = false } = options;
  const given: FactoryUnderTest = {
    ...{ make, files, broken, closures, more: options.more, prefix: options.prefix },
  };
  for (const { title, cases } of factoryContract)
    for (const each of cases.filter(({ appliesTo }) => appliesTo(given)))
      test(`${title}: ${each.name}`, () => tryCase(each, given, timeoutMs));
}

async function tryCase(each: FactoryCase, given: FactoryUnderTest, timeoutMs: number): Promise<void> {
  const bench = new Workbench(given);
  let cancel = (): void => {};
  const tooLong = new Promise<never>((_, reject) => {
    const refuse = (): void => reject(new Error(`not done after ${timeoutMs} ms`));
    cancel = systemClock.after(timeoutMs, refuse);
  });
  try {
    await Promise.race([each.check(bench), tooLong]);
  } finally {
    cancel();
    bench.folder.remove();
  }
}
