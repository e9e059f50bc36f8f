/**
 * What live pages get of a run: the document, then what has changed, as server-sent events. A page takes the next message when it has read the one
 * before, so that a slow one gets fewer and larger ones, and nothing is kept for it. All work is paced: making messages takes at most a fiftieth of
 * the time, however many pages there are and however much happens. Knows no HTTP.
 */
import type { Clock } from '@pexen/core';
import {
  type ReadonlyRunModel,
  RunModel,
  type RunSnapshot,
  type RunView,
  type TaskSnapshot,
} from '@pexen/report';
import { type PageDocument, pageFormat, type SnapshotParts } from '../data/document.ts';
import { forPage } from '../data/for-page.ts';

/** The parts of a document that the model does not have. */
export type DocumentFrame = Pick<PageDocument, 'title' | 'command' | 'control' | 'sources'>;

/** Messages to one page are at least so far apart, ms. */
const everyMs = 250;
/** Making messages may take this share of the time; */
const share = 0.02;
/** but a page never waits longer than this for a message, ms. */
const longestMs = 2_000;
/** What tasks wait for is asked of the run at most this often, ms, while a page is open. */
const inspectEveryMs = 2_000;
/** A connection without messages has a sign of life after this time, ms. */
const signOfLifeMs = 15_000;
/** So many tasks are in one piece of a message: between two pieces, the run goes on. */
const pieceLength = 100;

/** Where a page is: the number of the run that it has, among those that were shown, and the version of that run's model. */
export interface Position {
  readonly run: number;
  readonly version: number;
}

/** `2.1042`, which a page sends back as it is. */
function positionText({ run, version }: Position): string {
  return `${run}.${version}`;
}

/** Undefined where the text is not such a position. */
export function readPosition(text: string | undefined): Position | undefined {
  const [, run, version] = /^(\d{1,9})\.(\d{1,15})$/.exec(text ?? '') ?? [];
  return run === undefined ? undefined : { run: Number(run), version: Number(version) };
}

/** A copy of plain data without secrets; the data itself where there are none. */
export type Mask = <Data>(data: Data) => Data;

/** How the command ends, for pages that are open then. */
export interface FeedEnd {
  readonly exitCode?: number;
  readonly why?: string;
}

/** A message on its way: its pieces, and where the page is when it has read them. */
interface Message {
  readonly pieces: Iterable<string>;
  readonly to: Position;
  readonly snapshot: RunSnapshot;
}

/** The messages for the pages of one server, over one run or several, one after the other. */
export class Feed {
  readonly #clock: Clock;
  readonly #mask: Mask;
  #frame: DocumentFrame;
  #run = 1;
  #model: ReadonlyRunModel = new RunModel();
  #view: RunView | undefined;
  #inspectedAt = Number.NEGATIVE_INFINITY;
  #end: FeedEnd | undefined;
  /** Called at the next moment for messages. */
  readonly #waiting = new Set<() => void>();
  #cancelTimer: (() => void) | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #spentMs = 0;
  #pages = 0;

  constructor(frame: DocumentFrame, clock: Clock, mask: Mask = (data) => data) {
    this.#mask = mask;
    this.#frame = frame;
    this.#clock = clock;
  }

  /** How many pages are open. */
  get pages(): number {
    return this.#pages;
  }

  /** The model of the run that is shown; an empty one before the first. */
  get model(): ReadonlyRunModel {
    return this.#model;
  }

  /** From now on this run is shown: open pages get its document. */
  show(model: ReadonlyRunModel, view?: RunView): void {
    this.#run++;
    this.#model = model;
    this.#view = view;
    this.changed();
  }

  /** What is around the run is different now: open pages get the document again. */
  reframe(frame: Partial<DocumentFrame>): void {
    this.#frame = { ...this.#frame, ...frame };
    this.#run++;
    this.changed();
  }

  /** The model has changed. Costs nothing where no page waits. */
  changed(): void {
    if (this.#waiting.size === 0 || this.#cancelTimer !== undefined) return;
    const delayMs = this.#end === undefined ? Math.max(0, this.#nextAt - this.#clock.now()) : 0;
    this.#cancelTimer = this.#clock.after(delayMs, () => this.#ring(), { keepsAlive: false });
  }

  /** Open pages get what they lack, and a last message. */
  end(end: FeedEnd): void {
    this.#end = end;
    this.#ring();
  }

  /**
   * The messages for one page that is at this position, or at none, until the feed ends or the signal is aborted: server-sent events as texts, long
   * ones in pieces.
   */
  async *messages(from: Position | undefined, signal: AbortSignal): AsyncGenerator<string, void> {
    this.#pages++;
    try {
      let at = from;
      let last: RunSnapshot | undefined;
      yield ': live\n\n';
      while (!signal.aborted) {
        const next = this.#next(at, last);
        if (next !== undefined) {
          yield* this.#timed(next.pieces);
          at = next.to;
          last = next.snapshot;
        }
        if (this.#end !== undefined && this.#isAt(at)) {
          yield `event: closed\ndata: ${JSON.stringify(this.#end)}\n\n`;
          return;
        }
        if (!(await this.#due(at, signal))) yield ': still here\n\n';
      }
    } finally {
      this.#pages--;
    }
  }

  /** The document of the moment, in pieces. */
  document(): Iterable<string> {
    return this.#document(this.#model.snapshot());
  }

  *#document(snapshot: RunSnapshot): Generator<string, void> {
    const facts = {
      format: pageFormat,
      life: 'live',
      madeAt: this.#clock.wallNow(),
      ...this.#frame,
      snapshot: this.#mask(snapshot),
    };
    yield `${JSON.stringify(facts).slice(0, -1)},"tasks":[`;
    yield* listPieces(this.#model.changedSince(0), this.#mask);
    yield ']}';
  }

  get #position(): Position {
    return { run: this.#run, version: this.#model.version };
  }

  #isAt(at: Position | undefined): boolean {
    return at?.run === this.#run && at.version === this.#model.version;
  }

  /** What brings a page from that position to the present one; undefined if it is there. A position in the future is of another server. */
  #next(at: Position | undefined, last: RunSnapshot | undefined): Message | undefined {
    if (this.#isAt(at)) return undefined;
    this.#inspect();
    const to = this.#position;
    const snapshot = this.#model.snapshot();
    const isKnown = at?.run === to.run && at.version < to.version;
    const pieces = isKnown ? this.#changes(at.version, to, snapshot, last) : this.#whole(to, snapshot);
    return { to, snapshot, pieces };
  }

  *#whole(to: Position, snapshot: RunSnapshot): Generator<string, void> {
    yield `event: document\nid: ${positionText(to)}\ndata: {"document":`;
    yield* this.#document(snapshot);
    yield '}\n\n';
  }

  *#changes(
    since: number,
    to: Position,
    snapshot: RunSnapshot,
    last: RunSnapshot | undefined,
  ): Generator<string, void> {
    const head = JSON.stringify({ version: to.version, snapshot: this.#mask(changedParts(snapshot, last)) });
    yield `event: changes\nid: ${positionText(to)}\ndata: ${head.slice(0, -1)},"tasks":[`;
    yield* listPieces(this.#model.changedSince(since), this.#mask);
    yield ']}\n\n';
  }

  #inspect(): void {
    const now = this.#clock.now();
    if (this.#end !== undefined || now < this.#inspectedAt + inspectEveryMs) return;
    this.#inspectedAt = now;
    this.#view?.refresh();
  }

  /** Adds up the time that the pieces take, so that the next message is later where they took long. */
  async *#timed(pieces: Iterable<string>): AsyncGenerator<string, void> {
    const iterator = pieces[Symbol.iterator]();
    for (;;) {
      const before = this.#clock.now();
      const next = iterator.next();
      this.#spentMs += this.#clock.now() - before;
      if (next.done === true) return;
      yield next.value;
      await nextTurn();
    }
  }

  /** Resolves with true when a message is due that brings a page on from that position; with false when a sign of life is. */
  #due(at: Position | undefined, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isDue: boolean): void => {
        cancel();
        this.#waiting.delete(ring);
        signal.removeEventListener('abort', ring);
        resolve(isDue);
      };
      const ring = (): void => settle(true);
      const cancel = this.#clock.after(signOfLifeMs, () => settle(false), { keepsAlive: false });
      this.#waiting.add(ring);
      signal.addEventListener('abort', ring);
      this.#pace();
      if (!this.#isAt(at)) this.changed();
    });
  }

  /** The next message is due as soon as what was spent is a small share of the time. */
  #pace(): void {
    const pauseMs = Math.min(Math.max(everyMs, this.#spentMs / share), longestMs);
    this.#spentMs = 0;
    this.#nextAt = Math.max(this.#nextAt, this.#clock.now() + pauseMs);
  }

  #ring(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const ring of [...this.#waiting]) ring();
  }
}

/** The parts of the snapshot that the one before did not have. The model shares what has not changed. */
function changedParts(snapshot: RunSnapshot, last: RunSnapshot | undefined): SnapshotParts {
  if (last === undefined) return snapshot;
  const { version, run, counts, lateErrors, lostWorkers } = snapshot;
  const shared = (['totals', 'running', 'services', 'waiting', 'inspected'] as const).filter(
    (name) => snapshot[name] !== last[name],
  );
  return {
    ...{ version, run, counts },
    ...Object.fromEntries(shared.map((name) => [name, snapshot[name]])),
    ...(lateErrors.count !== last.lateErrors.count && { lateErrors }),
    ...(lostWorkers.count !== last.lostWorkers.count && { lostWorkers }),
  };
}

/** The tasks as the inside of a JSON list. */
function* listPieces(tasks: readonly TaskSnapshot[], mask: Mask): Generator<string, void> {
  for (let at = 0; at < tasks.length; at += pieceLength) {
    const piece = tasks.slice(at, at + pieceLength).map((task) => JSON.stringify(mask(forPage(task))));
    yield (at === 0 ? '' : ',') + piece.join(',');
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
