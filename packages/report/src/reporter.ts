/** The interface of a reporter, and how its functions are called. A reporter receives what happens in a run and writes it; it decides nothing. */
import {
  type Inspection,
  isThenable,
  type RunEvent,
  type TaskUpdateEvent,
  type TraceContexts,
} from '@pexen/core';
import type { Change } from './model/change.ts';
import type { RunModel } from './model/run-model.ts';

/** The interface of a reporter, and how its functions are called. A reporter shows or writes what happens in a run; it decides nothing. */
/** The model, read-only, as reporters see it. */
export type ReadonlyRunModel = Omit<RunModel, 'apply' | 'applyNews' | 'applyInspection'>;

/**
 * Turns a run into something to read. `multi` calls it. `update` gets the state of the run; `event` and `taskUpdate` get the raw events, for
 * reporters that pass them on; a reporter has any of them.
 *
 * A reporter whose `update`, `event` or `taskUpdate` returns a promise is asynchronous, if the first call of one does: `multi` waits for each
 * promise before the next call, and keeps what happens meanwhile for it, see `decouple`. Else these functions return at once.
 *
 * @example
 * const names: Reporter = {
 *   update: (_model, change) => { if (change.kind === 'task-ended') console.log(change.task.path); },
 *   close: async () => {},
 * };
 */
export interface Reporter {
  /** Its name in error messages. */
  readonly name?: string;
  /**
   * Which tasks it needs in the model: with `open` only those without a result, so that a long run needs memory for its open tasks only.
   * Default: `all`.
   */
  readonly reads?: 'all' | 'open';
  /** Receives each change, with the state of the run after it, in the order in which the run reports them. */
  update?(model: ReadonlyRunModel, change: Change): unknown;
  /** Receives each event of the run as it is, in the order in which the run reports them. */
  event?(event: RunEvent): unknown;
  /** `true`: events carry the digests of tasks. Computing them reads files, so it is done only if a reporter asks for it. */
  readonly wantsDigests?: boolean;
  /** Receives what a running body reports. The order relative to events is not defined. */
  taskUpdate?(event: TaskUpdateEvent): unknown;
  /** Receives how many task updates were dropped, since an asynchronous reporter was too slow for them. Default: a `note` says so. */
  dropped?(dropped: DroppedUpdates): unknown;
  /** Gives a reporter that shows a run in progress access to the current state. Called before the first event, if at all. */
  attach?(view: RunView): void;
  /**
   * Gives attempts the spans that spans of their bodies belong to. Called before the run, if at all; of several reporters that have it, the first one counts.
   * It is the option `traceContexts` of `run`.
   */
  traceContexts?(run: TracedRun): TraceContexts;
  /** Receives one sentence for the user that is not from the run itself: what an interrupt does, for example. */
  note?(text: string): void;
  /** A sentence about what it has written, for the end of the run: `JUnit report: out/junit.xml`. Called after `close`. */
  written?(): string | undefined;
  /** The last call but for `written`. Restores the terminal and writes what is left, also if the run never ended. */
  close(): Promise<void>;
}

/** A run that is about to start, or to go on. */
export interface TracedRun {
  readonly id: string;
  /** The number of its session, from 1. */
  readonly session: number;
  /** The directory of its record, in which a reporter may have a file of its own. Absent: it has none. */
  readonly directory?: string | undefined;
  /** The directory of the run that it repeats in part. */
  readonly parentDirectory?: string | undefined;
}

/** A reporter's access to a run. */
export interface RunView {
  /**
   * Updates the parts of the model that are not in events: what tasks wait for, and which tasks hold what. Call it as often as you like: the
   * run is inspected at most twice a second, and for at most a twentieth of the time.
   */
  refresh(): void;
  /** The state of the run, from the run itself. Costs as much as there are tasks. */
  inspect(): Inspection;
}

/** Task updates that were not delivered, since the reporter was too slow for them. Findings and attachments are never dropped. */
export interface DroppedUpdates {
  /** Lines of output and of logs. */
  readonly lines: number;
  /** Reports of progress, and heartbeats. */
  readonly progress: number;
}

/** A reporter that failed. */
export interface ReporterProblem {
  /** Its `name`, else `reporter-n`, by its position in the list. */
  readonly reporter: string;
  readonly error: unknown;
}

/** `change` is what the event changed in the model; undefined if the reporter reads none. */
export function callWithEvent(
  reporter: Reporter,
  event: RunEvent,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return both(reporter.event?.(event), updated(reporter, model, change));
}

/** The same for a task update. */
export function callWithTaskUpdate(
  reporter: Reporter,
  event: TaskUpdateEvent,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return both(reporter.taskUpdate?.(event), updated(reporter, model, change));
}

/** Reports the dropped updates to the reporter, by `dropped` or by a `note`. */
export function callWithDropped(reporter: Reporter, dropped: DroppedUpdates): unknown {
  if (reporter.dropped !== undefined) return reporter.dropped(dropped);
  return reporter.note?.(droppedText(dropped));
}

/** `… 1,234 lines of output dropped`. */
function droppedText({ lines, progress }: DroppedUpdates): string {
  const parts = [
    ...(lines > 0 ? [`${counted(lines, 'line')} of output`] : []),
    ...(progress > 0 ? [`${counted(progress, 'report')} of progress`] : []),
  ];
  return `… ${parts.join(' and ')} dropped`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
}

function updated(
  reporter: Reporter,
  model: ReadonlyRunModel | undefined,
  change: Change | undefined,
): unknown {
  return model === undefined || change === undefined ? undefined : reporter.update?.(model, change);
}

/** Returns a promise if one of them is a promise. */
function both(first: unknown, second: unknown): unknown {
  if (!isThenable(first)) return second;
  return isThenable(second) ? Promise.all([first, second]) : first;
}
