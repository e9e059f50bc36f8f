/** Makes the reporters that are chosen in the configuration or on the command line. */
import { resolve } from 'node:path';
import { junit, lines, live, type Reporter, type TerminalChoice, terminal } from '@pexen/report';
import type { ReporterChoice, ReporterName } from './define-suite.ts';

/** A reporter for each choice; files are relative to `root`. */
export function makeReporters(
  choices: readonly ReporterChoice[],
  root: string,
  options: TerminalChoice = {},
): Reporter[] {
  return choices.map((choice) => makeReporter(choice, root, options));
}

const terminals: Readonly<Record<ReporterName, (options: TerminalChoice) => Reporter>> = {
  terminal,
  live,
  lines,
};

function makeReporter(choice: ReporterChoice, root: string, options: TerminalChoice): Reporter {
  if (typeof choice === 'object' && 'close' in choice) return choice;
  const [name, given] = typeof choice === 'string' ? ([choice] as const) : choice;
  if (name === 'junit') return junit({ ...given, file: resolve(root, given.file) });
  return terminals[name]({ ...options, ...given });
}
