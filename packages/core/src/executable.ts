/** A body that is a program of its own: what a pool is told to start, and the raw facts it brings back. */
import type { CapturedOutput } from './captured-output.ts';
import type { Finding } from './finding.ts';
import type { PoolOutcome } from './outcome.ts';

/** A program to start, and how to read what came of it. Only pools whose manifest says `executables` take it. */
export interface ExecutableBody {
  /** Absolute path of the program. */
  readonly file: string;
  readonly argv: readonly string[];
  /** Absolute path of the directory to run in. */
  readonly cwd: string;
  /** Added to the environment of the pool. */
  readonly env: Readonly<Record<string, string>>;
  /** Exit code, output and reports → outcome and findings. Runs on the host, must be pure. */
  readonly interpret: (facts: ExecutableFacts) => Interpretation;
  /** What `interpret` was made with, as plain data: a task that is read in another way is another one. Absent: the text of `interpret` says it. */
  readonly interpretOptions?: Readonly<Record<string, unknown>>;
}

/** What became of a program: facts only. */
export interface ExecutableFacts {
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, as `SIGKILL`; null if it ended by itself. */
  readonly signal: string | null;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  /**
   * Where the middle of stdout was dropped: of all of stdout the lines that may be test points, plans or their diagnostics, whole and in
   * order. Absent where `stdout` is complete.
   */
  readonly evidence?: string;
  /** It emptied its own stdout, as `> /dev/stdout` does: what it had printed before is lost. */
  readonly isEmptied?: boolean;
  /**
   * Why some of what it wrote may be missing in `stdout`, `evidence` or `report`, one sentence. Then no end of it counts as a good one,
   * whatever `interpret` makes of these facts.
   */
  readonly incomplete?: string;
  /** What it wrote to fd 3 and to the file named in `$PEXEN_REPORT`, in that order. */
  readonly report: string;
  /** Descendants that still ran when it had ended (they were ended too). */
  readonly leaked: number;
}

/** Raw facts read as an outcome. */
export interface Interpretation {
  readonly outcome: PoolOutcome;
  readonly findings: readonly Finding[];
}
