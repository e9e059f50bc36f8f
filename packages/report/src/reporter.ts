/** What a reporter is. It hears of what happens and makes something to read of it; it never decides anything. */
import type { Inspection, RunEvent, TaskUpdateEvent } from '@pexen/core';
import type { Change } from './model/change.ts';
import type { RunModel } from './model/run-model.ts';

/** The model as reporters have it: to read. */
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
  /** How it is called when it fails. */
  readonly name?: string;
  /**
   * Which tasks it needs in the model: with `open` only those without a result, so that a long run needs no more memory than its open tasks.
   * Default: `all`.
   */
  readonly reads?: 'all' | 'open';
  /** Something changed: what it was, and the state of the run after it. In the order in which the run reports it. */
  update?(model: ReadonlyRunModel, change: Change): unknown;
  /** One event of the run as it is, in the order in which the run reports them. */
  event?(event: RunEvent): unknown;
  /** `true`: events are to carry digests of tasks. Working them out reads files, so it is done only where a reporter asks for it. */
  readonly wantsDigests?: boolean;
  /** What a running body said. Comes beside the events, in no promised order to them. */
  taskUpdate?(event: TaskUpdateEvent): unknown;
  /** Called of an asynchronous reporter that was too slow for the news of a run: how much it missed. Default: a `note` says so. */
  dropped?(dropped: DroppedNews): unknown;
  /** Lets a reporter that shows a run while it goes on ask for the present state. Called before the first event, if at all. */
  attach?(view: RunView): void;
  /** One sentence for the people who watch, not from the run itself: what an interrupt does, for example. */
  note?(text: string): void;
  /** The last call. Puts the terminal in order and writes what is still to be written, also where the run never ended. */
  close(): Promise<void>;
}

/** What a reporter may ask of a run. */
export interface RunView {
  /**
   * Brings into the model what no event tells: what tasks wait for, who holds what. Call it as often as you like: the run is inspected at
   * most twice a second, and for at most a twentieth of the time.
   */
  refresh(): void;
  /** The state of the run as the run has it. Costs as much as there are tasks. */
  inspect(): Inspection;
}

/** News that were not delivered, since the reporter was too slow for them. Findings and attachments are never dropped. */
export interface DroppedNews {
  /** Lines of output and of logs. */
  readonly lines: number;
  /** Reports of progress, and signs of life. */
  readonly progress: number;
}

/** A reporter that failed. */
export interface ReporterProblem {
  /** Its `name`, else `reporter-n` by its place in the list. */
  readonly reporter: string;
  readonly error: unknown;
}
