/**
 * A reporter that may take its time. What happens meanwhile waits for it: a bounded number of events in memory, more of them in a temporary
 * file; output and progress are dropped and counted when too much of them waits. So a slow reporter neither slows a run nor swells it.
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

/** How much may wait for a slow reporter, and where. */
export interface DecoupleOptions {
  /** So many events, findings and attachments wait in memory; more of them wait in a file. Default: 1,000. */
  readonly events?: number;
  /** So many characters of output and progress wait; more are dropped. Default: 262,144. */
  readonly updates?: number;
  /** Where the temporary file is made. Default: the folder of the system for temporary files. */
  readonly folder?: string;
  /** Default: the clock of this process. */
  readonly clock?: Clock;
}

type Item = { readonly event: RunEvent } | { readonly news: TaskUpdateEvent };

const EVENTS = 1000;
const NEWS = 262_144;
/** What a piece of news takes besides its text, characters. */
const FRAME = 100;
/** After so many deliveries in one go others have their turn. */
const TURN = 100;

/**
 * The reporter behind a queue: calls of `event` and `taskUpdate` return at once, and the reporter gets them one after another, in order, with a
 * model of its own that is in the state of the event at hand. `multi` does this by itself with reporters that return promises.
 *
 * @throws from `event`, `taskUpdate` and `close` what went wrong in the reporter since the last call.
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
  /** The beginning of a line that was not read whole. */
  #partial = '';
  #waitingNews = 0;
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

  /** The reporter was called with the first event of the run already, and works on it until the promise settles. */
  beginWith(event: RunEvent | undefined, working: PromiseLike<unknown>): void {
    if (event !== undefined) this.#model?.apply(event);
    this.#startWork(working);
  }

  event(event: RunEvent): void {
    this.#checkFailure();
    this.#keep({ event });
  }

  taskUpdate(news: TaskUpdateEvent): void {
    this.#checkFailure();
    if (isEvidence(news)) this.#keep({ news });
    else if (this.#hasRoomFor(news)) {
      this.#waitingNews += sizeOf(news);
      this.#enqueue({ news });
    } else this.#drop(news);
  }

  attach(view: RunView): void {
    const model = this.#model;
    const { clock = systemClock } = this.#options;
    this.#reporter.attach?.(model === undefined ? view : runView(view, model, clock));
  }

  note(text: string): void {
    this.#reporter.note?.(text);
  }

  /** Waits until the reporter has taken everything, then closes it. */
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

  /** Into memory while there is room, else behind what waits in the file. */
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

  #hasRoomFor(news: TaskUpdateEvent): boolean {
    const { updates: most = NEWS } = this.#options;
    if (this.#isSpilling) return false;
    return this.#waitingNews === 0 || this.#waitingNews + sizeOf(news) <= most;
  }

  #drop({ update: news }: TaskUpdateEvent): void {
    if (news.kind === 'output') this.#dropped.lines += Math.max(1, news.text.split('\n').length - 1);
    else if (news.kind === 'log') this.#dropped.lines++;
    else this.#dropped.progress++;
  }

  #startWork(first: PromiseLike<unknown>): void {
    this.#working = this.#work(first).catch((error: unknown) => this.#fail(error));
  }

  /** Delivers what waits, and what comes meanwhile. */
  async #work(first: PromiseLike<unknown>): Promise<void> {
    await first;
    let sinceTurn = 0;
    for (let item = this.#take(); item !== undefined || this.#hasDropped(); item = this.#take()) {
      const called = item === undefined ? this.#tellDropped() : this.#deliver(item);
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
    else if ('news' in item && !isEvidence(item.news)) this.#waitingNews -= sizeOf(item.news);
    return item;
  }

  /** The next of those that wait in the file. */
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
    return callWithTaskUpdate(this.#reporter, item.news, model, model?.applyTaskUpdate(item.news));
  }

  #hasDropped(): boolean {
    return this.#dropped.lines + this.#dropped.progress > 0;
  }

  #tellDropped(): unknown {
    const dropped = this.#dropped;
    this.#dropped = { lines: 0, progress: 0 };
    return callWithDropped(this.#reporter, dropped);
  }

  /** A reporter that has failed gets nothing more. */
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

/** Findings and attachments are what verdicts and reports are made of. */
function isEvidence({ update: news }: TaskUpdateEvent): boolean {
  return news.kind === 'finding' || news.kind === 'attachment';
}

function sizeOf({ update: news }: TaskUpdateEvent): number {
  if (news.kind === 'output') return FRAME + news.text.length;
  return FRAME + (news.kind === 'log' ? news.message.length : 0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
