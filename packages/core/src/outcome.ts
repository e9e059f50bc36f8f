/** How an attempt ended: physically, as pools report it, and by name, as the machine calls it. */
import type { CapturedOutput } from './captured-output.ts';
import { isSkipSignal, isTaskFailError } from './failure.ts';
import type { LoadedModules } from './loaded-modules.ts';
import type { SharedState } from './shared-state.ts';

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
