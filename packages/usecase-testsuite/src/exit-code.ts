/** What the end of a run means to a shell. */
import type { Problem } from '@pexen/core';

/** The exit codes of the command; scripts rely on them. */
export const exitCodes = {
  /** Everything went well, expected failures and skips included. */
  ok: 0,
  /** At least one test did not pass. */
  failures: 1,
  /** The command line, the configuration or a task's metadata is wrong; nothing ran. */
  usage: 2,
  /** It could not run, or not to its end: a pool that does not open, workers that do not come up, a report that cannot be written. */
  infrastructure: 3,
  /** No task was selected. */
  nothingSelected: 4,
  /** Ended early: interrupted, or past its deadline. */
  interrupted: 75,
} as const;

/** One of them. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Codes of problems that mean "there was nothing to run", rather than "this is wrong". */
const nothingCodes: ReadonlySet<string> = new Set(['PEXEN_NOTHING_SELECTED', 'PEXEN_NOTHING_FOUND']);

/** Codes of problems that mean "it could not be run here", rather than "this is wrong". */
const infrastructureCodes: ReadonlySet<string> = new Set([
  ...['PEXEN_LIMIT_TOO_LOW', 'PEXEN_NO_SLOT', 'PEXEN_START_FOLDER', 'PEXEN_WORKER_START', 'PEXEN_WINDOWS'],
]);

/**
 * The exit code for a PexenError that ended a run: that there was nothing to run, or that nothing could be run here, if nothing else was
 * wrong.
 */
export function exitCodeOfProblems(problems: readonly Pick<Problem, 'code'>[]): ExitCode {
  if (problems.every(({ code }) => infrastructureCodes.has(code))) return exitCodes.infrastructure;
  return problems.every(({ code }) => nothingCodes.has(code)) ? exitCodes.nothingSelected : exitCodes.usage;
}
