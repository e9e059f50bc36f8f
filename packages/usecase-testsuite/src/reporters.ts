/** Makes the reporters that a configuration or a command line chooses. */
import { resolve } from 'node:path';
import { junit, lines, live, type Reporter, type TerminalChoice, terminal } from '@pexen/report';
import type { ReporterChoice } from './define-suite.ts';

/** A reporter for each choice; files are relative to `root`. */
export function makeReporters(
  choices: readonly ReporterChoice[],
  root: string,
  options: TerminalChoice = {},
): Reporter[] {
  return choices.map((choice) => makeReporter(choice, root, options));
}

function makeReporter(choice: ReporterChoice, root: string, options: TerminalChoice): Reporter {
  if (typeof choice === 'object' && 'event' in choice) return choice;
  const [name, given] = typeof choice === 'string' ? [choice] : choice;
  switch (name) {
    case 'terminal':
      return terminal(options);
    case 'live':
      return live(options);
    case 'lines':
      return lines(options);
    case 'junit':
      return junit({ ...given, file: resolve(root, given.file) });
    default:
      return name satisfies never;
  }
}
