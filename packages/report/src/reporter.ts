/** What a reporter is. It is told what happens and makes something to read of it; it never decides anything. */
import type { Inspection, NewsEvent, RunEvent } from '@pexen/core';

/**
 * Turns what a run tells into something to read. All functions but `close` return at once.
 *
 * @example
 * const names: Reporter = {
 *   event: (event) => { if (event.type === 'task-finished') console.log(event.path); },
 *   close: async () => {},
 * };
 */
export interface Reporter {
  /** How it is called when it fails. */
  readonly name?: string;
  /** One event of the run, in the order in which the run tells them. */
  event(event: RunEvent): void;
  /** What a running body said. Comes beside the events, in no promised order to them. */
  news?(event: NewsEvent): void;
  /** A look into the run, for reporters that show it while it goes on. Called before the first event, if at all. */
  attach?(view: RunView): void;
  /** One sentence for the people who watch, not from the run itself: what an interrupt does, for example. */
  note?(text: string): void;
  /** The last call. Puts the terminal in order and writes what is still to be written, also where the run never ended. */
  close(): Promise<void>;
}

/** What a reporter may ask of a run. */
export interface RunView {
  inspect(): Inspection;
}

/** A reporter that failed. */
export interface ReporterProblem {
  /** Its `name`, else `reporter-n` by its place in the list. */
  readonly reporter: string;
  readonly error: unknown;
}
