/** Chooses between the live view and lines. */
import { refuse } from '@pexen/core';
import { optionProblems } from '@pexen/core/options';
import { lines } from './lines.ts';
import { live } from './live/live.ts';
import { type TerminalChoice, type TerminalStream, terminalKinds } from './options.ts';
import type { Reporter } from './reporter.ts';

/**
 * The live view on a terminal that is not dumb, outside CI; else lines, and also with `verbosity: 'quiet'`.
 *
 * @example
 * const reporter = terminal({ stream: process.stderr });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function terminal(options: TerminalChoice = {}): Reporter {
  refuse(optionProblems('terminal', options, terminalKinds));
  const { env = process.env, stream = process.stdout } = options;
  return isInteractive(stream, env) && options.verbosity !== 'quiet' ? live(options) : lines(options);
}

function isInteractive(
  stream: TerminalStream,
  { CI, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !isSet(CI) && TERM !== 'dumb';
}

/** `CI=false` and `CI=0` count as not set. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}
