/** Several reporters as one, with one model of the run. An error in one of them does not affect the others. */
import { type Clock, isThenable, type RunEvent, type TaskUpdateEvent } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { Decoupled, type DecoupleOptions } from './decouple.ts';
import type { Change } from './model/change.ts';
import { RunModel } from './model/run-model.ts';
import {
  callWithEvent,
  callWithTaskUpdate,
  type ReadonlyRunModel,
  type Reporter,
  type ReporterProblem,
  type RunView,
} from './reporter.ts';
import { type InspectableRun, runView } from './run-view.ts';

/** The listener of a run. */
export interface RunListener {
  /** The state of the run, from the events so far. */
  readonly model: ReadonlyRunModel;
  event(event: RunEvent): void;
  taskUpdate(event: TaskUpdateEvent): void;
  /** Gives reporters access to the run. Call it before the first event. */
  attach(run: InspectableRun): void;
  /** Passes one sentence for the user to the reporters. */
  note(text: string): void;
  /** Resolves when all reporters have written everything. */
  close(): Promise<void>;
}

/** Options of `multi`. */
export interface MultiOptions {
  /** Default: the clock of this process. */
  readonly clock?: Clock;
  /** The bounds of the queues for reporters that return promises. */
  readonly queue?: DecoupleOptions;
}

/**
 * Keeps a model of the run and passes everything to each of the reporters. One that fails is reported to `onProblem` once, and then only
 * closed, so that it can restore the terminal. A reporter that returns promises gets a queue, as by `decouple`. The functions of the
 * listener never throw or reject.
 *
 * @example
 * const all = multi([lines(), junit({ file: 'out/junit.xml' })], ({ reporter, error }) => console.error(reporter, error));
 */
export function multi(
  reporters: readonly Reporter[],
  onProblem: (problem: ReporterProblem) => void,
  options: MultiOptions = {},
): RunListener {
  const clock = options.clock ?? systemClock;
  const readers = reporters.filter(({ update }) => update !== undefined);
  const keepsAll = readers.some(({ reads }) => reads !== 'open');
  const model = new RunModel({ keeps: keepsAll ? 'all' : 'open' });
  const members = reporters.map(
    (reporter, index) =>
      new Member(reporter, reporter.name ?? `reporter-${index + 1}`, onProblem, model, {
        clock,
        ...options.queue,
      }),
  );
  return {
    model,
    event: (event) => {
      const change = model.apply(event);
      for (const member of members) member.event(event, change);
    },
    taskUpdate: (event) => {
      const change = model.applyTaskUpdate(event);
      for (const member of members) member.taskUpdate(event, change);
    },
    attach: (run) => {
      const view = runView(run, model, clock);
      for (const member of members) member.attach(view);
    },
    note: (text) => {
      for (const member of members) member.note(text);
    },
    close: async () => {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}

/** One of the reporters, until it fails. */
class Member {
  #reporter: Reporter;
  readonly #name: string;
  readonly #onProblem: (problem: ReporterProblem) => void;
  readonly #model: RunModel;
  readonly #options: DecoupleOptions;
  #view: RunView | undefined;
  #isFirstCall = true;
  #failed = false;

  constructor(
    reporter: Reporter,
    name: string,
    onProblem: (problem: ReporterProblem) => void,
    model: RunModel,
    options: DecoupleOptions,
  ) {
    this.#reporter = reporter;
    this.#name = name;
    this.#onProblem = onProblem;
    this.#model = model;
    this.#options = options;
  }

  event(event: RunEvent, change: Change): void {
    this.#call((reporter) => callWithEvent(reporter, event, this.#model, change), event);
  }

  taskUpdate(event: TaskUpdateEvent, change: Change | undefined): void {
    this.#call((reporter) => callWithTaskUpdate(reporter, event, this.#model, change));
  }

  attach(view: RunView): void {
    this.#view = view;
    if (!this.#failed) this.#attempt(() => this.#reporter.attach?.(view));
  }

  note(text: string): void {
    if (!this.#failed) this.#attempt(() => this.#reporter.note?.(text));
  }

  async close(): Promise<void> {
    try {
      await this.#reporter.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #call(call: (reporter: Reporter) => unknown, event?: RunEvent): void {
    if (this.#failed) return;
    const isFirst = this.#isFirstCall;
    this.#isFirstCall = false;
    const called = this.#attempt(() => call(this.#reporter));
    if (!isThenable(called)) return;
    if (isFirst) this.#decouple(event, called);
    else called.then(undefined, (error: unknown) => this.#fail(error));
  }

  /** Gives the reporter, which is asynchronous, a queue and a model of its own. */
  #decouple(event: RunEvent | undefined, working: PromiseLike<unknown>): void {
    const decoupled = new Decoupled(this.#reporter, this.#options);
    decoupled.startWith(event, working);
    this.#reporter = decoupled;
    if (this.#view !== undefined) decoupled.attach(this.#view);
  }

  #attempt<Value>(action: () => Value): Value | undefined {
    try {
      return action();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    try {
      this.#onProblem({ reporter: this.#name, error });
    } catch {
      // The listener for problems has failed, too.
    }
  }
}
