/**
 * How an attempt ended: physically, as pools report it, and by name, as the machine calls it. For programs also what to start, and the facts
 * from which the outcome follows.
 */
import { defined } from './defined.ts';
import { isRebootSignal, isSkipSignal, isTaskFailError } from './failure.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { SharedState } from './shared-state.ts';
import type { Attachment, Finding } from './task-update.ts';

/** Captured output of bounded size: its beginning and its end. */
export interface CapturedOutput {
  readonly head: string;
  /** Empty if nothing was dropped: `head` is then the whole output. */
  readonly tail: string;
  readonly totalBytes: number;
  /** The lines that the findings do not show already, limited at the beginning. Absent: all of it. */
  readonly besidesFindings?: string;
  /** The file with all of it, where one is kept: relative to the root of the run. */
  readonly file?: string;
}

/** The captured output as one text, with a line about the dropped part. */
export function formatOutput({ head, tail, totalBytes }: CapturedOutput): string {
  return tail === '' ? head : `${head}\n… of ${totalBytes} bytes in all, the middle was dropped …\n${tail}`;
}

/** What a pool returns besides how the attempt ended. */
export interface PoolOutcomeFacts {
  /** How long the attempt ran, ms, by the worker's own clock. Absent: the time from `started` to the outcome. */
  readonly ranMs?: number;
  /** The task's dictionary at the end of the attempt. Absent: the dictionary in the assignment was changed in place. */
  readonly shared?: SharedState;
  /** Values of typed keys: [position in `provides`, value]. Absent: see `provided` of the body context. */
  readonly provided?: readonly (readonly [position: number, value: unknown])[];
  /** The step that ended it after its signal, for messages: `ended by SIGTERM`. */
  readonly step?: string;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
  /** The modules that its worker has loaded since its last attempt. Only from a pool that was opened with `wantsModules`. */
  readonly modules?: LoadedModules;
}

/** What a service hands on when it is ready: as in the facts of an outcome, as they are at that moment. */
export type ReadyFacts = Pick<PoolOutcomeFacts, 'shared' | 'provided'>;

/**
 * A physical fact, as a pool sees it. A pool never reports timed-out or cancelled, since it does not know why it was asked to stop.
 * - `stopped`: only after the ticket's signal. `aborted` – the body rejected with the signal's reason; `killed` – the pool
 *   ended it by force; `abandoned` – the pool cannot end it, so the body may still run. For a body that returned, failed or threw after
 *   the signal, the pool reports that instead.
 * - `crashed`: the worker died, or ended without a result. `lost`: the worker is unreachable and may still run.
 * - `not-started`: returned unstarted; the body never ran.
 */
export type PoolOutcome = PoolOutcomeFacts &
  (
    | { readonly kind: 'returned'; readonly value: unknown }
    | {
        readonly kind: 'failed';
        readonly error: unknown;
        readonly depsOk: boolean;
        readonly locksOk: boolean;
        /** The failure was not declared by the body itself: its cleanup runs, and its resources are poisoned if the cleanup fails. Default false. */
        readonly wantsCleanup?: boolean;
      }
    /** `locksOk`: are its resources in order, for example because the body never ran? Default false. */
    | { readonly kind: 'threw'; readonly error: unknown; readonly locksOk?: boolean }
    | { readonly kind: 'skipped-itself'; readonly reason: string }
    /** The machine is to be rebooted; then the attempt starts again. */
    | { readonly kind: 'reboot-asked'; readonly command?: string; readonly timeoutMs?: number }
    | { readonly kind: 'stopped'; readonly how: 'aborted' | 'killed'; readonly error?: unknown }
    /**
     * `settled` resolves when the body has certainly stopped; until then the task keeps what it uses and claims, while its slot
     * is free again. Absent: this is never known.
     */
    | { readonly kind: 'stopped'; readonly how: 'abandoned'; readonly settled?: PromiseLike<unknown> }
    | { readonly kind: 'crashed'; readonly reason: string }
    /** `fenced` resolves when the attempt has certainly stopped; until then it keeps what it holds. Absent: it has stopped already. */
    | { readonly kind: 'lost'; readonly reason: string; readonly fenced?: PromiseLike<unknown> }
    | { readonly kind: 'not-started'; readonly reason: string }
  );

/** How an attempt ended, as the machine names it. Only `returned` is success. */
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
  /** What was thrown: for `failed` and `threw`, and for stopped attempts that threw something other than the signal's reason. */
  readonly error?: unknown;
  /** For `skipped-itself`, `timed-out`, `cancelled`, `crashed`, `lost`: one sentence. */
  readonly reason?: string;
  /** For `failed`: may dependents run? */
  readonly depsOk?: boolean;
  /** False where the attempt leaves what it used and claimed poisoned. */
  readonly locksOk: boolean;
  /** True where the cleanup runs although the resources count as in order. */
  readonly wantsCleanup?: boolean;
  /** The body could not be ended and may still run: there is no further attempt and no cleanup. */
  readonly abandoned?: true;
}

/** The physical outcome for a value that a body threw, which may be anything; `signal` is the body's signal. Never throws. */
export function outcomeOfError(error: unknown, signal?: AbortSignal): PoolOutcome {
  try {
    if (isSkipSignal(error)) return { kind: 'skipped-itself', reason: error.message };
    if (isRebootSignal(error)) {
      const { command, timeoutMs } = error;
      return { kind: 'reboot-asked', ...defined({ command, timeoutMs }) };
    }
    if (isTaskFailError(error))
      return { kind: 'failed', error, depsOk: error.depsOk, locksOk: error.locksOk };
    if (signal?.aborted && isAbort(error, signal.reason)) return { kind: 'stopped', how: 'aborted' };
  } catch {
    // The error cannot be read: it is a proxy, or one of its getters throws.
  }
  return { kind: 'threw', error };
}

/** Is it the signal's reason, or the AbortError that Node's functions wrap around it? */
function isAbort(error: unknown, reason: unknown): boolean {
  if (error === reason) return true;
  return error instanceof Error && error.name === 'AbortError' && error.cause === reason;
}

/** A program to start, and how to interpret its end. Only pools whose manifest has `executables` take it. */
export interface ExecutableBody {
  /** Absolute path of the program. */
  readonly file: string;
  readonly argv: readonly string[];
  /** Absolute path of the directory to run in. */
  readonly cwd: string;
  /**
   * Runs each attempt in a directory of its own, which is removed when it has ended: `private`, an empty one; `copy`, a copy of `cwd`, in
   * which `file` and arguments below `cwd` are replaced by their copies. Default: it runs in `cwd` itself.
   */
  readonly workspace?: 'private' | 'copy';
  /** Added to the environment of the pool. */
  readonly env: Readonly<Record<string, string>>;
  /** The user as whom it runs, by name or number. Only root may run programs as others. Default: the user of the pool. */
  readonly user?: string;
  /** Present for a service, whose task has `service` in its definition. */
  readonly service?: ProgramService;
  /** Its standard error goes where its standard output goes, in the order in which it writes. Default false. */
  readonly joinsOutput?: boolean;
  /** `all`: the whole standard output is evidence, and not only the lines of it that may be TAP. */
  readonly evidence?: 'all';
  /** The signal that asks it to stop, before its grace period. Default SIGTERM. */
  readonly stopSignal?: ProgramStopSignal;
  /**
   * What becomes of processes that it leaves running. `wait`: it has ended when those have that can still write to its output; the others are
   * ended. `keep`: the others go on until the pool is closed. Default: all of them are ended.
   */
  readonly background?: 'wait' | 'keep';
  /** Converts exit code, output and reports to an outcome and findings. Runs on the host; must be pure. */
  readonly interpret: (facts: ExecutableFacts) => Interpretation;
  /** The options that `interpret` was made with, as plain data; they count in the task's digest. Absent: the text of `interpret` counts. */
  readonly interpretOptions?: Readonly<Record<string, unknown>>;
}

/** How a program is run as a service. Its end is not passed to `interpret` if it was asked to stop after it was ready. */
export interface ProgramService {
  readonly ready: ReadyCondition;
  /** The signal that asks it to stop. Default SIGTERM. */
  readonly stopSignal?: StopSignal;
}

/** A signal by which servers can be asked to stop. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP';

/** A signal by which any program can be asked to stop. */
export type ProgramStopSignal = StopSignal | 'SIGUSR1' | 'SIGUSR2';

/**
 * When a program is ready. `{port}` in `argv`, in `env` and in the condition is a port that the pool chooses free at each start.
 * - `port`: it, or a process that it started, listens on the TCP port, on which no process listened before.
 * - `line`: a line of its output matches the regular expression.
 * - `file`: the file exists; a relative path is relative to the directory in which it runs.
 * - `http`: a GET request of the URL is answered with the status, by default one from 200 to 399.
 * - `fd`: it writes a line with `ready` to fd 3.
 */
export type ReadyCondition =
  | { readonly port: number | '{port}' }
  | { readonly line: string }
  | { readonly file: string }
  | { readonly http: string; readonly status?: number }
  | { readonly fd: 3 };

/** How a program ended: facts only. */
export interface ExecutableFacts {
  /** null if a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, as `SIGKILL`; null if it ended by itself. */
  readonly signal: string | null;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  /**
   * Present where the middle of stdout was dropped: the lines of the whole stdout that may be test points, plans or their diagnostics,
   * complete and in order; or all of it, where its body says `evidence: 'all'`.
   */
  readonly evidence?: string;
  /** It truncated its own stdout, as `> /dev/stdout` does: everything it had printed before is lost. */
  readonly isEmptied?: boolean;
  /**
   * Why parts of its output may be missing in `stdout`, `evidence` or `report`, one sentence. The attempt then never counts as a success,
   * regardless of the result of `interpret`.
   */
  readonly incomplete?: string;
  /** What it wrote to fd 3 and to the file named in `$PEXEN_REPORT`, in that order. */
  readonly report: string;
  /** How many descendants still ran when it had ended (they were killed). */
  readonly leaked: number;
  /** The signal by which the pool had asked it to stop. Absent: it ended without having been asked to. */
  readonly stopSignal?: string;
}

/** The outcome and the findings that follow from the facts. */
export interface Interpretation {
  /** Its error is shown without the frames of its stack, since these lead to the code of `interpret` and not to the test. */
  readonly outcome: PoolOutcome;
  readonly findings: readonly Finding[];
  /** Files and texts that are kept with the result, such as a picture that the program made. Default: none. */
  readonly attachments?: readonly Attachment[];
}
