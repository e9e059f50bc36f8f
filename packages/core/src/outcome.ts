/**
 * How an attempt ended: physically, as pools report it, and by name, as the machine calls it. For programs also what to start, and the facts
 * from which the outcome follows.
 */
import { isSkipSignal, isTaskFailError } from './failure.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { SharedState } from './shared-state.ts';
import type { Finding } from './task-update.ts';

/** Output with a cap: the first and the last part of it. */
export interface CapturedOutput {
  readonly head: string;
  /** Empty if nothing was dropped: then `head` is everything. */
  readonly tail: string;
  readonly totalBytes: number;
}

/** The whole of a captured output as one text, with a line that says how much was dropped. */
export function formatOutput({ head, tail, totalBytes }: CapturedOutput): string {
  return tail === '' ? head : `${head}\n… of ${totalBytes} bytes in all, the middle was dropped …\n${tail}`;
}

/** What a pool brings back besides the ending itself. */
export interface PoolOutcomeFacts {
  /** How long the attempt ran, ms, by the worker's own clock. Absent: from `started` to the outcome. */
  readonly ranMs?: number;
  /** The task's dictionary at its end. Absent: the one in the assignment was changed in place. */
  readonly shared?: SharedState;
  /** Values of typed keys: [position in `provides`, value]. Absent: see `provided` of the body context. */
  readonly provided?: readonly (readonly [position: number, value: unknown])[];
  /** What ended it after its signal, for people: `ended by SIGTERM`. */
  readonly step?: string;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
  /** What its worker has loaded since its last attempt. Only of a pool that was opened with `wantsModules`. */
  readonly modules?: LoadedModules;
}

/**
 * A physical fact, as a pool sees it. A pool never says timed-out or cancelled: it does not know why it was asked to stop.
 * - `stopped`: only after the ticket's signal. `aborted` – the body rejected with the signal's reason; `killed` – the pool
 *   ended it by force; `abandoned` – the pool cannot end it, so the body may still run. A body that returned, failed or threw after
 *   the signal is reported as just that.
 * - `crashed`: the worker died, or ended without a result. `lost`: the worker cannot be reached and may still run.
 * - `not-started`: given back; the body was never begun.
 */
export type PoolOutcome = PoolOutcomeFacts &
  (
    | { readonly kind: 'returned'; readonly value: unknown }
    | {
        readonly kind: 'failed';
        readonly error: unknown;
        readonly depsOk: boolean;
        readonly locksOk: boolean;
        /** The body did not say so itself: its cleanup runs, and if that fails, its resources are poisoned. Default false. */
        readonly wantsCleanup?: boolean;
      }
    /** `locksOk`: are its resources in order, as where the body was never begun? Default false. */
    | { readonly kind: 'threw'; readonly error: unknown; readonly locksOk?: boolean }
    | { readonly kind: 'skipped-itself'; readonly reason: string }
    | { readonly kind: 'stopped'; readonly how: 'aborted' | 'killed'; readonly error?: unknown }
    /**
     * `settled` resolves when the body certainly does not run any more; until then the task keeps what it uses and claims, while its slot
     * is free again. Absent: that is never known.
     */
    | { readonly kind: 'stopped'; readonly how: 'abandoned'; readonly settled?: PromiseLike<unknown> }
    | { readonly kind: 'crashed'; readonly reason: string }
    /** `fenced` resolves when it certainly does not run any more; until then it keeps what it holds. Absent: it is so now. */
    | { readonly kind: 'lost'; readonly reason: string; readonly fenced?: PromiseLike<unknown> }
    | { readonly kind: 'not-started'; readonly reason: string }
  );

/** The name the machine gives to the end of an attempt. Only `returned` is success. */
export type OutcomeKind =
  | 'returned'
  | 'failed'
  | 'threw'
  | 'skipped-itself'
  | 'timed-out'
  | 'cancelled'
  | 'crashed'
  | 'lost';

/** How one attempt ended, as the machine names it. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** What was thrown: of `failed`, `threw`, and of what was stopped and threw something else than the signal's reason. */
  readonly error?: unknown;
  /** Of `skipped-itself`, `timed-out`, `cancelled`, `crashed`, `lost`: one sentence. */
  readonly reason?: string;
  /** Of `failed`: may dependents go on? */
  readonly depsOk?: boolean;
  /** False where the attempt leaves what it used and claimed poisoned. */
  readonly locksOk: boolean;
  /** True where the cleanup runs although the resources count as being in order. */
  readonly wantsCleanup?: boolean;
  /** The body could not be ended and may still run: there is no further attempt and no cleanup. */
  readonly abandoned?: true;
}

/** The physical outcome for something a body threw, which may be anything; `signal` is the one the body was given. Never throws. */
export function outcomeOfError(error: unknown, signal?: AbortSignal): PoolOutcome {
  try {
    if (isSkipSignal(error)) return { kind: 'skipped-itself', reason: error.message };
    if (isTaskFailError(error))
      return { kind: 'failed', error, depsOk: error.depsOk, locksOk: error.locksOk };
    if (signal?.aborted && isAbort(error, signal.reason)) return { kind: 'stopped', how: 'aborted' };
  } catch {
    // It cannot even be looked at: a proxy, or a getter that throws.
  }
  return { kind: 'threw', error };
}

/** The signal's reason itself, or the AbortError that Node's own functions wrap around it. */
function isAbort(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  return error instanceof Error && error.name === 'AbortError' && error.cause === reason;
}

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
