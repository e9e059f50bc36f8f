/** `pexen lint`: what could be better in a suite, by its tasks, its history and simulations. Runs no task. */
import type { Problem } from '@pexen/core';
import {
  type ExitCode,
  exitCodes,
  type LintRule,
  lintRuleNames,
  lintRules,
  lintSuite,
  loadConfig,
} from '@pexen/usecase-testsuite';
import { othersToStderr } from '../others-to-stderr.ts';
import { formatWarning, type Output } from '../print-problems.ts';
import { lintLines } from '../text/lint.ts';
import { workingDirectory } from '../working-directory.ts';
import type { StateOptions } from './memory-options.ts';
import { type SelectOptions, selectionOf } from './select-options.ts';
import { givenBy } from './stated-options.ts';

/** The options of `pexen lint`. */
export interface LintCommandOptions extends SelectOptions, StateOptions {
  readonly rule?: readonly LintRule[];
  readonly json?: boolean;
}

/** Prints what the rules find; exit code 1 if that is a problem. */
export async function lint(
  queries: readonly string[],
  options: LintCommandOptions,
  output: Output,
): Promise<ExitCode> {
  const warn = (warning: Problem) => process.stderr.write(formatWarning(warning, process.stderr));
  const progress = new ProgressLine();
  const report = await othersToStderr(async () => {
    const loaded = await loadConfig(workingDirectory(), options.config, givenBy(options));
    const selection = selectionOf(queries, options);
    const { rule: rules } = options;
    return lintSuite(loaded, selection, {
      ...{ onWarning: warn, onProgress: (what) => progress.show(what) },
      ...(rules !== undefined && { rules }),
    });
  });
  progress.clear();
  if (options.json) output.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else for (const line of lintLines(report, output, options.rule !== undefined)) output.write(`${line}\n`);
  return report.findings.some(({ level }) => level === 'problem') ? exitCodes.failures : exitCodes.ok;
}

/** The rules, for the help. */
export function lintHelp(): string {
  const width = Math.max(...lintRuleNames.map((name) => name.length));
  const lines = lintRuleNames.map((name) => `  ${name.padEnd(width)}  ${lintRules[name].about}`);
  return [
    '',
    'Rules:',
    ...lines,
    '',
    'Exit codes: 0 no problems, 1 problems, 2 usage or configuration.',
  ].join('\n');
}

/** On a terminal, the simulation that goes on: large suites take seconds. */
class ProgressLine {
  readonly #isShown = process.stderr.isTTY === true;

  show(what: string): void {
    if (this.#isShown) process.stderr.write(`\r\u001B[KSimulating ${what} …`);
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001B[K');
  }
}
