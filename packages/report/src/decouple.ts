/**
 * A queue in front of a slow reporter: a bounded number of events waits in memory, more of them in a temporary file; output and progress are
 * dropped and counted when too much of them waits. So a slow reporter costs a run neither time nor memory.
 */
import { type Clock, isThenable, type RunEvent, type TaskUpdateEvent } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { RunModel } from './model/run-model.ts';
import {
  callWithDropped,
  callWithEvent,
  callWithTaskUpdate,
  type Reporter,
  type RunView,
} from './reporter.ts';
import { runView } from './run-view.ts';
import { SpillFile } from './spill-file.ts';

/** Options of `decouple`. */
export interface DecoupleOptions {
  /** How many events, findings and attachments wait in memory; more of them wait in a file. Default: 1,000. */
  readonly events?: number;
  /** How many characters of output and progress wait; more are dropped. Default: 262,144. */
  readonly updates?: number;
  /** The folder of the temporary file. Default: that of the system. */
  readonly folder?: string;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

type Item = { readonly event: RunEvent } | { readonly update: TaskUpdateEvent };

const EVENTS = 1000;
const UPDATES = 262_144;
/** The size of a task update without its text, characters. */
const FRAME = 100;
/** Yields to the event loop after this many deliveries. */
const TURN = 100;

/**
 * Puts the reporter behind a queue: calls of `event` and `taskUpdate` return at once, and the reporter gets them one after another, in order,
 * with a model of its own that has the state at that event. `multi` does this by itself with reporters that return promises.
 *
 * @throws from `event`, `taskUpdate` and `close` the error of the reporter since the last call.
 * @example
 * const all = multi([decouple(intoDatabase, { events: 10_000 })], report);
 */
export function decouple(reporter: Reporter, options: DecoupleOptions = {}): Reporter {
  return new Decoupled(reporter, options);
}

export class Decoupled implements Reporter {
  readonly #reporter: Reporter;
  readonly #options: DecoupleOptions;
  readonly #model: RunModel | undefined;
  #queue: Item[] = [];
  #taken = 0;
  #spill: SpillFile | undefined;
  /** The first part of a line that was not read whole. */
  #partial = '';
  #waitingCharacters = 0;
  #dropped = { lines: 0, progress: 0 };
  #working: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(reporter: Reporter, options: DecoupleOptions) {
    this.#reporter = reporter;
    this.#options = options;
    if (reporter.update !== undefined) this.#model = new RunModel({ keeps: reporter.reads ?? 'all' });
  }

  get name(): string {
    return this.#reporter.name ?? 'reporter';
  }

  /** Starts with a reporter that was called with the first event already, and works on it until the promise settles. */
  startWith(event: RunEvent | undefined, working: PromiseLike<unknown>): void {
    if (event !== undefined) this.#model?.apply(event);
    this.#startWork(working);
  }

  event(event: RunEvent): void {
    this.#checkFailure();
    this.#keep({ event });
  }

  taskUpdate(update: TaskUpdateEvent): void {
    this.#checkFailure();
    if (isEvidence(update)) this.#keep({ update });
    else if (this.#hasRoomFor(update)) {
      this.#waitingCharacters += sizeOf(update);
      this.#enqueue({ update });
    } else this.#drop(update);
  }

  attach(view: RunView): void {
    const model = this.#model;
    const { clock = systemClock } = this.#options;
    this.#reporter.attach?.(model === undefined ? view : runView(view, model, clock));
  }

  note(text: string): void {
    this.#reporter.note?.(text);
  }

  /** Waits until everything is delivered, then closes the reporter. */
  async close(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
    try {
      await this.#reporter.close();
    } finally {
      this.#spill?.close();
      this.#spill = undefined;
    }
    this.#checkFailure();
  }

  #checkFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Puts the item into memory while there is room, else at the end of the file. */
  #keep(item: Item): void {
    const { events = EVENTS, folder } = this.#options;
    if (this.#isSpilling || this.#queue.length - this.#taken >= events) {
      this.#spill ??= new SpillFile(folder);
      this.#spill.append(`${JSON.stringify(item)}\n`);
    } else this.#enqueue(item);
  }

  get #isSpilling(): boolean {
    return this.#spill?.hasUnread === true || this.#partial !== '';
  }

  #enqueue(item: Item): void {
    this.#queue.push(item);
    if (this.#working === undefined) this.#startWork(nextTurn());
  }

  #hasRoomFor(update: TaskUpdateEvent): boolean {
    const { updates: most = UPDATES } = this.#options;
    if (this.#isSpilling) return false;
    return this.#waitingCharacters === 0 || this.#waitingCharacters + sizeOf(update) <= most;
  }

  #drop({ update }: TaskUpdateEvent): void {
    if (update.kind === 'output') this.#dropped.lines += Math.max(1, update.text.split('\n').length - 1);
    else if (update.kind === 'log') this.#dropped.lines++;
    else this.#dropped.progress++;
  }

  #startWork(first: PromiseLike<unknown>): void {
    this.#working = this.#work(first).catch((error: unknown) => this.#fail(error));
  }

  /** Delivers until nothing waits any more. */
  async #work(first: PromiseLike<unknown>): Promise<void> {
    await first;
    let sinceTurn = 0;
    for (let item = this.#take(); item !== undefined || this.#hasDropped(); item = this.#take()) {
      const called = item === undefined ? this.#reportDropped() : this.#deliver(item);
      if (isThenable(called)) await called;
      else if (++sinceTurn % TURN === 0) await nextTurn();
    }
    this.#working = undefined;
  }

  #take(): Item | undefined {
    if (this.#taken === this.#queue.length) {
      this.#queue = this.#readBack();
      this.#taken = 0;
    }
    const item = this.#queue[this.#taken++];
    if (item === undefined) this.#taken = this.#queue.length;
    else if ('update' in item && !isEvidence(item.update)) this.#waitingCharacters -= sizeOf(item.update);
    return item;
  }

  /** The next items from the file. */
  #readBack(): Item[] {
    for (let text = this.#spill?.read(); text !== undefined; text = this.#spill?.read()) {
      const lines = (this.#partial + text).split('\n');
      this.#partial = lines.pop() ?? '';
      if (lines.length > 0) return lines.map((line) => JSON.parse(line) as Item);
    }
    return [];
  }

  #deliver(item: Item): unknown {
    const model = this.#model;
    if ('event' in item) return callWithEvent(this.#reporter, item.event, model, model?.apply(item.event));
    return callWithTaskUpdate(this.#reporter, item.update, model, model?.applyTaskUpdate(item.update));
  }

  #hasDropped(): boolean {
    return this.#dropped.lines + this.#dropped.progress > 0;
  }

  #reportDropped(): unknown {
    const dropped = this.#dropped;
    this.#dropped = { lines: 0, progress: 0 };
    return callWithDropped(this.#reporter, dropped);
  }

  /** A reporter that has failed is no longer called. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#working = undefined;
    this.#queue = [];
    this.#taken = 0;
    this.#partial = '';
    this.#spill?.close();
    this.#spill = undefined;
  }
}

/** Findings and attachments matter for verdicts and reports, and are never dropped. */
function isEvidence({ update }: TaskUpdateEvent): boolean {
  return update.kind === 'finding' || update.kind === 'attachment';
}

function sizeOf({ update }: TaskUpdateEvent): number {
  if (update.kind === 'output') return FRAME + update.text.length;
  return FRAME + (update.kind === 'log' ? update.message.length : 0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
