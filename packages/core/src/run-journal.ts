/**
 * The memory of a run, as the scheduler sees it: it records what happens, and says what earlier sessions of the same run recorded. Only the types
 * are here; `@pexen/store` has a journal on the disk and one in memory.
 */
import type { LeftAttempt } from './pool.ts';
import type { AttemptRecord, EarlierResult, ReasonLink, RecalledFrom, ResultStatus } from './result.ts';
import type { RunEvent, TaskOrigin, TaskUpdateEvent } from './run-event.ts';
import type { SharedState } from './shared-state.ts';
import type { TaskInfo } from './task-info.ts';
import type { Attachment, Finding } from './task-update.ts';

/**
 * The journal of one session of a run. Its methods are synchronous and never throw. Numbers grow; an event counts as recorded once `recorded` has
 * reached its number, which may never be held up by a full disk.
 */
export interface RunJournal {
  /** Records that tasks were added, before anything else is recorded of them. Returns what is to be done because of earlier sessions. */
  added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Recall;
  /**
   * True where results were recalled, or where there are records of tasks that were not added again. Nothing starts then before the results that
   * were recalled have been handled, since the loop over the results may add further tasks.
   */
  readonly expectsMore: boolean;
  /**
   * Called when all results that were recalled have been handled, as long as `expectsMore` was true: recalls what happened after tasks were added that
   * have not been added again. Without further tasks, everything is recalled.
   */
  recallRest(): Recall;
  /**
   * Records an event; not those of results that were recalled, nor of tasks that were skipped only because the run stopped. With `attempt-ended`, `task-finished` and `task-skipped` come the facts that
   * events do not have. Returns its number.
   */
  append(event: RunEvent, facts?: EndFacts | FinishFacts): number;
  /** Records what a body has attached. */
  attached(update: TaskUpdateEvent): void;
  /** Records that a task which may not start twice is about to start. It starts when that is recorded. Returns the number. */
  intend(task: number, attempt: number): number;
  /** Records that the pool returned the attempt unstarted. */
  unstarted(task: number, attempt: number): void;
  /** The places of attempts that earlier sessions recorded by `joined` and not by `parted`. `unknown`: events may be missing. */
  readonly earlierPlaces?: readonly string[] | 'unknown';
  /** Attempts of earlier sessions that pools still have. Called at most once, before `added`; what `added` recalls then may adopt them. */
  found?(left: readonly LeftAttempt[]): void;
  /** Records that attempts may outlive the process at this place. They are sent there once that is recorded. Returns the number. */
  joined?(place: string): number;
  /** Records that nothing of the run is at this place any more. */
  parted?(place: string): void;
  /** Present once such starts can neither be recorded nor noted in any other way: why tasks that may not start twice are skipped from now on. */
  readonly refusal?: string | undefined;
  /** The number of this session of the run. Left out: 1, the first. */
  readonly session?: number;
  /** Everything up to this number is recorded. */
  readonly recorded: number;
  /** Calls the listener whenever `recorded` grows. The returned function removes the listener. */
  onRecorded(listener: () => void): () => void;
}

/** Facts about the end of an attempt that its event does not have. */
export interface EndFacts {
  /** Are its resources in order, after its cleanup if there was one? */
  readonly locksOk: boolean;
  /** May its dependents run? */
  readonly depsOk: boolean;
  /** Another attempt would have followed, had the run not been stopped: a later session goes on with that attempt. */
  readonly isCutShort?: true;
}

/** Facts about the end of a task that its event does not have. */
export interface FinishFacts extends EndFacts {
  readonly value: unknown;
  /** Values of typed keys: [position in `provides`, value]. */
  readonly provided: readonly (readonly [position: number, value: unknown])[];
  /** Its dictionary; absent where it is what its providers gave it. */
  readonly shared?: SharedState;
  /** For each entry of `requires`, the paths of the providers that met it. */
  readonly metBy: readonly (readonly string[])[];
}

/** What earlier sessions recorded about tasks that were added, as far as something is to be done because of it. */
export interface Recall {
  /** In the order in which it happened. Tasks without an entry start as usual. */
  readonly tasks: readonly RecalledTask[];
  /** Tasks that may not start before others have a result, since these were interrupted while they changed something. */
  readonly guards: readonly Guarding[];
  /** Names of resources whose state is unknown. */
  readonly poisoned: readonly string[];
}

/** These tasks wait until the owner has a result. If nothing runs and only guards prevent every start, the resources are poisoned instead. */
export interface Guarding {
  readonly owner: number;
  readonly tasks: readonly number[];
  readonly resources: readonly string[];
  /** These wait only until the owner has started; until it is dispatched, if it is so short that it may be over when its start is reported. */
  readonly untilStart?: readonly number[];
  /** The owner was not interrupted: a schedule has these tasks after it. Such guards are given up one by one, oldest first, before all others. */
  readonly isScheduled?: true;
}

/** What is known of a task, and what is to be done with it. `task` is its `id`. */
export type RecalledTask = RecalledResult | RecalledSkip | RecalledStart;

interface RecalledFacts {
  readonly task: number;
  /** Results that it had before, oldest first. */
  readonly earlier: readonly EarlierResult[];
}

/** Its result stands: it does not start. */
export interface RecalledResult extends RecalledFacts {
  readonly kind: 'result';
  readonly from: RecalledFrom;
  readonly interruptions: number;
  readonly status: Exclude<ResultStatus, 'skipped'>;
  readonly attempts: readonly AttemptRecord[];
  readonly findings: readonly Finding[];
  readonly attachments: readonly Attachment[];
  readonly slow: boolean;
  /** Whether it provides what its metadata says. False also where that is gone: for tasks that start now it provides nothing. */
  readonly provides: boolean;
  /** False: what it used and claimed is in an unknown state. */
  readonly locksOk: boolean;
  readonly value: unknown;
  readonly provided: readonly (readonly [position: number, value: unknown])[];
  readonly shared?: SharedState;
}

/** It was skipped, and stays so. */
export interface RecalledSkip extends RecalledFacts {
  readonly kind: 'skip';
  readonly from: RecalledFrom;
  readonly reason: readonly ReasonLink[];
}

/** It starts, but not from the beginning. */
export interface RecalledStart extends RecalledFacts {
  readonly kind: 'start';
  /** Attempts that have ended: the numbers go on after them. */
  readonly attempts: readonly AttemptRecord[];
  /** How often its next attempt was interrupted by the end of a session. */
  readonly interruptions: number;
  /** An earlier execution of it has not been torn down, or may have started: its teardowns are due also where it does not start again. */
  readonly hasStarted?: true;
  /** How often the machine was rebooted for it. Absent: never. */
  readonly rebootCount?: number;
  /** The cleanup of the interrupted attempt is due, in the place of the task, before anything else. */
  readonly cleansUp: boolean;
  /** Its next attempt does not run: it counts as crashed, for this reason, after the cleanup. Retries apply. */
  readonly crashed?: string;
  /** This attempt of it is still in its pool, running or ended: it is adopted, at once, with what it holds. */
  readonly adopts?: LeftAttempt;
  /** A service that was ready when its session ended: how that attempt counts if the service does not start again. */
  readonly endsWith?: AttemptRecord;
}
