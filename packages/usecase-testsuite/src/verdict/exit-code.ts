/** Exit codes: how a run ended, for shells. */
import type { Problem } from '@pexen/core';

/** The exit codes of the command. Scripts rely on them. */
export const exitCodes = {
  /** Success, also with expected failures and skipped tests. */
  ok: 0,
  /** At least one test did not pass. */
  failures: 1,
  /** The command line, the configuration or a task's metadata is wrong; nothing ran. */
  usage: 2,
  /** It could not run, or not completely: a pool does not open, workers do not start, a report cannot be written. */
  infrastructure: 3,
  /** No task was selected. */
  nothingSelected: 4,
  /** A task asks for a reboot of the machine, after which the run is to be resumed. */
  reboot: 102,
  /** Ended early: interrupted, or past its deadline. */
  interrupted: 75,
} as const;

/** One of them. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Codes of problems that mean that there was nothing to run, rather than a mistake. */
const nothingCodes: ReadonlySet<string> = new Set(['PEXEN_NOTHING_SELECTED', 'PEXEN_NOTHING_FOUND']);

/** Codes of problems that mean that the run was impossible here, rather than a mistake. */
const infrastructureCodes: ReadonlySet<string> = new Set([
  ...[
    'PEXEN_BUNDLE',
    'PEXEN_CANNOT_WATCH',
    'PEXEN_JOURNAL_FAILED',
    'PEXEN_JOURNAL_IN_USE',
    'PEXEN_JOURNAL_NEWER',
    'PEXEN_LIMIT_TOO_LOW',
    'PEXEN_NATS_CLOSED',
    'PEXEN_NATS_CONNECT',
    'PEXEN_NATS_DENIED',
    'PEXEN_NO_NATS_SERVER',
    'PEXEN_NODE_CODE',
    'PEXEN_NODE_SUPERSEDED',
    'PEXEN_NODE_UNFIT',
    'PEXEN_NO_NODE',
    'PEXEN_NO_SLOT',
    'PEXEN_RUN_IN_USE',
    'PEXEN_RUN_SILENT',
    'PEXEN_START_FOLDER',
    'PEXEN_TRIAL_FAILED',
    'PEXEN_WORKER_START',
    'PEXEN_WINDOWS',
  ],
]);

/**
 * The exit code for a PexenError that ended a run. It is `nothingSelected` or `infrastructure` only if there were no other problems.
 */
export function exitCodeOfProblems(problems: readonly Pick<Problem, 'code'>[]): ExitCode {
  if (problems.every(({ code }) => infrastructureCodes.has(code))) return exitCodes.infrastructure;
  return problems.every(({ code }) => nothingCodes.has(code)) ? exitCodes.nothingSelected : exitCodes.usage;
}
