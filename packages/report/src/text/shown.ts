/** What a terminal reporter shows, by its options: which tasks get lines, and how much is below them. */
import { isBad, type Verdict } from '@pexen/core';
import type { Change } from '../model/change.ts';
import type { EndedTask } from '../model/run-task.ts';
import type { LiveOptions } from '../options.ts';

/** The choices of the user, with their defaults. */
export class Shown {
  /** Every finding, not only those that failed or warn. */
  readonly allFindings: boolean;
  /** Output below the line of every task that has some. */
  readonly allOutput: boolean;
  /** Each line of output as it comes. */
  readonly liveOutput: boolean;
  readonly isQuiet: boolean;
  readonly #passes: boolean;
  /** Verdicts that are only counted. */
  readonly #counted: ReadonlySet<Verdict>;

  /** `counted`: verdicts whose tasks have no lines, unless `passes` or `verbosity` ask for them. */
  constructor({ passes, showOutput, verbosity = 'normal' }: LiveOptions, counted: readonly Verdict[]) {
    const isVerbose = verbosity === 'verbose';
    const output = showOutput ?? (isVerbose ? 'all' : 'failed');
    this.isQuiet = verbosity === 'quiet';
    this.allFindings = isVerbose;
    this.allOutput = output === 'all';
    this.liveOutput = output === 'live';
    this.#passes = isVerbose || passes === true;
    this.#counted = new Set(passes === false ? [...counted, 'pass'] : counted);
  }

  /** True if the change gets lines. */
  has(change: Change): boolean {
    if (change.kind === 'late-error') return true;
    // Where tasks that pass are only counted, services that become ready are not worth a line either.
    if (change.kind === 'service-ready') return !this.isQuiet && (this.#passes || !this.#counted.has('pass'));
    if (change.kind !== 'task-ended') return !this.isQuiet;
    const { judgement, recalled } = change.task.result;
    const { verdict } = judgement;
    // A recalled result had its line in its own session; one that did not pass is repeated, as in the summary.
    if (this.isQuiet || recalled !== undefined) return isBad(verdict) || verdict === 'cancelled';
    return this.#passes || !this.#counted.has(verdict) || (this.allOutput && hasOutput(change.task));
  }
}

function hasOutput({ result }: EndedTask): boolean {
  const { stdout, stderr } = result.attempts.at(-1) ?? {};
  return (stdout?.totalBytes ?? 0) + (stderr?.totalBytes ?? 0) > 0;
}
