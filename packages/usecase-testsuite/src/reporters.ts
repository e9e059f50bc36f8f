/** Makes the reporters that are chosen in the configuration or on the command line. */
import { join, parse, resolve } from 'node:path';
import { messageOf, type Problem } from '@pexen/core';
import { junit, lines, live, type Reporter, type TerminalChoice, terminal } from '@pexen/report';
import type { ReporterChoice, ReporterName } from './define-suite.ts';

/**
 * A reporter for each choice; `options` win over its own, and `defaults` do not. Files are relative to `root`; those of later rounds have the number of
 * the round in their names.
 */
export function makeReporters(
  choices: readonly ReporterChoice[],
  root: string,
  round: number,
  options: TerminalChoice = {},
  defaults: TerminalChoice = {},
): Reporter[] {
  const fileOf = (file: string): string => resolve(root, fileOfRound(file, round));
  return choices.map((choice) => makeReporter(choice, fileOf, options, defaults));
}

const terminals: Readonly<Record<ReporterName, (options: TerminalChoice) => Reporter>> = {
  terminal,
  live,
  lines,
};

function makeReporter(
  choice: ReporterChoice,
  fileOf: (file: string) => string,
  options: TerminalChoice,
  defaults: TerminalChoice,
): Reporter {
  if (typeof choice === 'object' && 'close' in choice) return choice;
  const [name, given] = typeof choice === 'string' ? ([choice] as const) : choice;
  if (name === 'junit') return junit({ ...given, file: fileOf(given.file) });
  return terminals[name]({ ...defaults, ...given, ...options });
}

/** `out/junit.xml`, then `out/junit.2.xml`. */
export function fileOfRound(file: string, round: number): string {
  if (round === 1) return file;
  const { dir, name, ext } = parse(file);
  return join(dir, `${name}.${round}${ext}`);
}

/** The warning about a reporter that failed; the run goes on. */
export function reporterFailed(reporter: string, error: unknown): Problem {
  const why = messageOf(error);
  return { code: 'PEXEN_REPORTER_FAILED', message: `the reporter ${reporter} failed: ${why}` };
}
