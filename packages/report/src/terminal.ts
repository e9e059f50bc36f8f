/** Chooses how to write to a terminal, or to what stands in its place. */
import { refuse } from '@pexen/core';
import { optionProblems } from '@pexen/core/options';
import { lines } from './lines.ts';
import { live } from './live/live.ts';
import { type TerminalChoice, type TerminalStream, terminalKinds } from './options.ts';
import type { Reporter } from './reporter.ts';

/**
 * The live view where somebody watches, else lines: live on a terminal that is not dumb, outside CI.
 *
 * @example
 * const reporter = terminal({ stream: process.stderr });
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function terminal(options: TerminalChoice = {}): Reporter {
  refuse(optionProblems('terminal', options, terminalKinds));
  const { env = process.env, stream = process.stdout } = options;
  return isWatched(stream, env) ? live(options) : lines(options);
}

function isWatched(
  stream: TerminalStream,
  { CI, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !isSet(CI) && TERM !== 'dumb';
}

/** `CI=false` and `CI=0` say that it is none. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== 'false' && value !== '0';
}
