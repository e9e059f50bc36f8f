/** Problems in the input of users, and the one error class that carries them. Knows nothing of tasks or runs. */

import { defined } from './defined.ts';
import { formatLocation, type SourceLocation } from './source-location.ts';

/**
 * A stable, searchable name of one kind of problem. Those that begin with `PEXEN_` are listed in docs/ERRORS.md; factories of others use a
 * prefix of their own: `CTEST_NO_TIMEOUT`.
 */
export type ProblemCode = `${Uppercase<string>}_${Uppercase<string>}`;

/** One problem, described so that the reader can fix it. */
export interface Problem {
  readonly code: ProblemCode;
  /** One sentence, naming what was found. */
  readonly message: string;
  /** What it consists of, a line each. */
  readonly details?: readonly string[];
  /** The next step, one sentence. */
  readonly hint?: string;
  /** The call path of the task concerned. */
  readonly task?: string;
  readonly location?: SourceLocation;
}

const brand = Symbol.for('pexen.error');

/**
 * Misuse, found before anything ran. Carries all problems together. `code` is that of the first problem.
 *
 * @example
 * try { run(tasks) } catch (error) { if (isPexenError(error)) for (const problem of error.problems) … }
 */
export class PexenError extends Error {
  override readonly name = 'PexenError';
  readonly code: ProblemCode;
  readonly problems: readonly Problem[];

  constructor(problems: readonly [Problem, ...Problem[]], options?: ErrorOptions) {
    super(problems.map(formatProblem).join('\n'), options);
    this.code = problems[0].code;
    this.problems = problems;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for a PexenError of this or of any other copy of the package. */
export function isPexenError(error: unknown): error is PexenError {
  return error instanceof Error && brand in error;
}

/** Makes a problem; entries that are undefined are left out. */
export function problem(
  code: ProblemCode,
  message: string,
  hint?: string | undefined,
  task?: string | undefined,
  location?: SourceLocation | undefined,
): Problem {
  return defined({ code, message, hint, task, location });
}

/** The error for one problem. */
export function misuse(...parts: Parameters<typeof problem>): PexenError {
  return new PexenError([problem(...parts)]);
}

/** Throws one PexenError with all the problems, if there are any. */
export function refuse(problems: readonly Problem[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new PexenError([first, ...rest]);
}

/** The problem as people read it: `PEXEN_CODE task (file:line:column): message` and, on a line of its own, the hint. */
export function formatProblem(problem: Problem): string {
  const where = problem.location === undefined ? '' : ` (${formatLocation(problem.location)})`;
  const who = problem.task === undefined ? '' : ` ${problem.task}`;
  const below = [...(problem.details ?? []), ...(problem.hint === undefined ? [] : [problem.hint])];
  return [`${problem.code}${who}${where}: ${problem.message}`, ...below].join('\n    ');
}
