/**
 * The interface of a journal, and the queue between it and its writer: numbers events, keeps them until they are recorded, and decides what follows
 * from a failure. Knows neither threads nor SQLite.
 */
import type { Clock } from '@pexen/core';
import type { JournalEvent } from './events.ts';
import type { FromWriter, ToWriter } from './messages.ts';
import { type Row, rowOf } from './row.ts';
import type { StorageError } from './sqlite.ts';

/**
 * What the journal does.
 * - `recording`: events are recorded.
 * - `failing`: writing failed. Events are kept in memory, and writing is tried again every five seconds.
 * - `stopped`: recording has ended for this session, since a synchronization failed or another process took over the run.
 * - `closed`: `close` was called.
 */
export type JournalState = 'recording' | 'failing' | 'stopped' | 'closed';

/** A change of the state, and its cause. */
export interface JournalTrouble {
  readonly state: JournalState;
  /** The cause of `failing` and `stopped`; absent when recording works again. `code`: such as `ENOSPC`, `EIO`, `SYNC`, `THREAD`. */
  readonly error?: StorageError;
}

/** The record of a run, open for this session. */
export interface Journal {
  readonly runId: string;
  /** The number of this session, from 1. */
  readonly session: number;
  readonly state: JournalState;
  /** The number of the last event, including those of earlier sessions; 0 without events. */
  readonly lastSeq: number;
  /** Events up to this number survive the death of this process. */
  readonly committedSeq: number;
  /** Events up to this number survive a power failure. */
  readonly syncedSeq: number;
  /** UTF-16 units of the events that are not recorded yet. Hold results back while this is beyond 8 Mi. */
  readonly pendingSize: number;
  /** Adds an event and returns its number. The events of one turn of the event loop are written together. Never throws for a full disk. */
  append(event: JournalEvent): number;
  /**
   * Calls the listener with the number up to which events are recorded. While recording fails, all events count as recorded: a full disk never
   * holds up a run. The returned function removes the listener.
   */
  onRecorded(listener: (upTo: number) => void): () => void;
  /** Calls the listener at once when recording fails, works again, or stops. The returned function removes the listener. */
  onTrouble(listener: (trouble: JournalTrouble) => void): () => void;
  /** Resolves when all events so far are on the disk (true), or when this failed (false). */
  sync(): Promise<boolean>;
  /**
   * Notes outside the database that tasks which may not start twice start without a record. Resolves with false where this could not be
   * noted either.
   */
  flagUnrecordedStarts(): Promise<boolean>;
  /** Resolves when everything is written and the run is free for others. Events that could not be written by then are lost. */
  close(): Promise<void>;
}

/** A connection to a writer. Its messages arrive at the handlers that it was started with. */
export interface WriterConnection {
  post(message: ToWriter): void;
  /** False: the process may end while the writer runs. */
  keepAlive(keepsAlive: boolean): void;
}

/** Starts a writer. After `died`, no message follows. */
export type StartWriter = (handlers: {
  message(message: FromWriter): void;
  died(reason: string): void;
}) => WriterConnection;

/** Options of the queue. */
export interface JournalQueueOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly startWriter: StartWriter;
  /** How many UTF-16 units of events are kept while recording fails. */
  readonly keptSize?: number;
}

const retryPauseMs = 5000;
const defaultKeptSize = 64 * 1024 * 1024;

/** A row that is not committed, or a gap in place of rows that did not fit into memory. */
interface Pending {
  row: Row;
  readonly size: number;
  /** A gap that may still grow, since it was not posted. */
  isOpenGap: boolean;
}

type Refusal = Extract<FromWriter, { kind: 'refused' }>;

/** The journal of a writer that is reached by messages. */
export class QueuedJournal implements Journal {
  readonly #options: JournalQueueOptions;
  readonly #startedMs: number;
  readonly #recordedListeners = new Set<(upTo: number) => void>();
  readonly #troubleListeners = new Set<(trouble: JournalTrouble) => void>();
  readonly #questions = new Map<number, (isDone: boolean) => void>();
  #connection: WriterConnection | undefined;
  #state: JournalState = 'recording';
  /** Rows that were posted come first; those from `#unposted` on were not. */
  #pending: Pending[] = [];
  #unposted = 0;
  #pendingSize = 0;
  #lastSeq = 0;
  #session = 1;
  #committed = 0;
  #synced = 0;
  #isFlushDue = false;
  #nextQuestion = 1;
  /** The first event that was appended while recording failed. */
  #failedFrom: number | undefined;
  #failure: StorageError | undefined;
  #isFlagged = false;
  #hasLost = false;
  #cancelRetry: () => void = () => {};
  #opened: { resolve(): void; reject(refusal: Refusal): void } | undefined;
  #closed: (() => void) | undefined;
  #retried: (() => void) | undefined;

  private constructor(options: JournalQueueOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
  }

  /** Resolves when the writer has opened the journal. @throws the refusal of the writer. */
  static async open(options: JournalQueueOptions): Promise<QueuedJournal> {
    const journal = new QueuedJournal(options);
    await new Promise<void>((resolve, reject) => {
      journal.#opened = { resolve, reject };
      journal.#start();
    });
    journal.#connection?.keepAlive(false);
    return journal;
  }

  get runId(): string {
    return this.#options.runId;
  }

  get session(): number {
    return this.#session;
  }

  get state(): JournalState {
    return this.#state;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get committedSeq(): number {
    return this.#committed;
  }

  get syncedSeq(): number {
    return this.#synced;
  }

  get pendingSize(): number {
    return this.#pendingSize;
  }

  append(event: JournalEvent): number {
    const atMs = Math.round((this.#options.clock.now() - this.#startedMs) * 1000) / 1000;
    const row = rowOf({ seq: this.#lastSeq + 1, session: this.#session, atMs, event });
    this.#lastSeq = row.seq;
    if (this.#state === 'recording' || this.#state === 'failing') this.#keep(row);
    this.#flushSoon();
    return row.seq;
  }

  onRecorded(listener: (upTo: number) => void): () => void {
    this.#recordedListeners.add(listener);
    return () => this.#recordedListeners.delete(listener);
  }

  onTrouble(listener: (trouble: JournalTrouble) => void): () => void {
    this.#troubleListeners.add(listener);
    return () => this.#troubleListeners.delete(listener);
  }

  async sync(): Promise<boolean> {
    this.#flush();
    if (this.#state !== 'recording') return false;
    return this.#ask((id) => ({ kind: 'sync', id }));
  }

  async flagUnrecordedStarts(): Promise<boolean> {
    this.#isFlagged = true;
    return this.#ask((id) => ({ kind: 'flag', id, unrecordedStarts: true }));
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#state === 'failing') await this.#lastRetry();
    this.#flush();
    await this.#closeWriter();
    this.#cancelRetry();
    this.#state = 'closed';
    this.#answerAll();
  }

  #lastRetry(): Promise<void> {
    return new Promise((resolve) => {
      this.#retried = resolve;
      this.#retry();
      this.#connection?.keepAlive(true);
    });
  }

  #closeWriter(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
      connection.keepAlive(true);
      connection.post({ kind: 'close' });
    });
  }

  // ── Events on their way to the writer ──

  #keep(row: Row): void {
    const size = row.body.length + 100;
    const isKept = this.#state === 'recording' || this.#pendingSize + size <= this.#keptLimit;
    const last = this.#pending.at(-1);
    // Rows that follow a gap which was not posted would make it end too early, should more be lost.
    if (isKept && last?.isOpenGap !== true) {
      this.#pending.push({ row, size, isOpenGap: false });
      this.#pendingSize += size;
    } else if (last?.isOpenGap) last.row = this.#gapRow(last.row, row.seq);
    else {
      this.#hasLost = true;
      this.#pending.push({ row: this.#gapRow(row, row.seq), size: 0, isOpenGap: true });
    }
  }

  /** Stands in the place of the lost rows from `first` to `to`. */
  #gapRow(first: Row, to: number): Row {
    const event: JournalEvent = { type: 'recording-gap', from: first.seq, to, why: this.#why(), lost: true };
    return rowOf({ seq: first.seq, session: first.session, atMs: first.atMs, event });
  }

  #why(): string {
    return this.#failure === undefined ? 'unknown' : `${this.#failure.code}: ${this.#failure.message}`;
  }

  get #keptLimit(): number {
    return this.#options.keptSize ?? defaultKeptSize;
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (this.#state === 'recording') this.#postAll('append');
    else this.#release(this.#lastSeq);
  }

  /** `append` posts the rows that were not posted yet, `retry` all. */
  #postAll(kind: 'append' | 'retry'): void {
    const posted = kind === 'retry' ? this.#pending : this.#pending.slice(this.#unposted);
    this.#unposted = this.#pending.length;
    if (posted.length === 0 && kind === 'append') return;
    for (const each of posted) each.isOpenGap = false;
    this.#connection?.keepAlive(true);
    this.#connection?.post({ kind, rows: posted.map(({ row }) => row) });
  }

  #ask(question: (id: number) => ToWriter): Promise<boolean> {
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve(false);
    const id = this.#nextQuestion++;
    connection.keepAlive(true);
    connection.post(question(id));
    return new Promise((resolve) => this.#questions.set(id, resolve));
  }

  // ── What the writer reports ──

  #start(): void {
    const connection = this.#options.startWriter({
      message: (message) => this.#handle(message),
      died: (reason) => {
        if (this.#connection === connection) this.#died(reason);
      },
    });
    this.#connection = connection;
  }

  #handle(message: FromWriter): void {
    switch (message.kind) {
      case 'opened':
        this.#isOpen(message);
        break;
      case 'refused':
        this.#isRefused(message);
        break;
      case 'resumed':
        this.#worksAgain();
        break;
      case 'recorded':
        this.#recorded(message.committed, message.synced);
        break;
      case 'failed':
        this.#failed(message.error, message.isFinal);
        break;
      case 'answered':
        this.#answered(message.id, message.isDone);
        break;
      case 'closed':
        this.#closed?.();
        break;
      default:
        message satisfies never;
    }
  }

  #isOpen({ lastSeq, session }: Extract<FromWriter, { kind: 'opened' }>): void {
    if (this.#opened === undefined) {
      this.#postAll('retry');
      return;
    }
    this.#lastSeq = lastSeq;
    this.#committed = lastSeq;
    this.#synced = lastSeq;
    this.#session = session + 1;
    this.#opened.resolve();
    this.#opened = undefined;
  }

  #isRefused(refusal: Refusal): void {
    this.#connection = undefined;
    if (this.#opened !== undefined) this.#opened.reject(refusal);
    // Another process took the run over, or the files are damaged: neither gets better.
    else this.#failed(refusal.error, refusal.problems !== undefined);
  }

  #recorded(committed: number, synced: number): void {
    this.#synced = Math.max(this.#synced, synced);
    if (committed > this.#committed) this.#forget(committed);
    if (this.#pending.length === 0) this.#mayEnd();
    if (this.#state === 'recording') this.#release(this.#committed);
  }

  #forget(committed: number): void {
    const count = this.#pending.findLastIndex(({ row }) => row.seq <= committed) + 1;
    const done = this.#pending.splice(0, count);
    this.#unposted = Math.max(0, this.#unposted - count);
    for (const { size } of done) this.#pendingSize -= size;
    this.#committed = committed;
  }

  #worksAgain(): void {
    const from = this.#failedFrom;
    const why = this.#why();
    this.#failedFrom = undefined;
    this.#failure = undefined;
    if (this.#state !== 'failing') return;
    this.#setState('recording');
    // Rows that were appended while the writer was busy with the retry.
    this.#postAll('append');
    if (from !== undefined && from <= this.#lastSeq)
      this.append({ type: 'recording-gap', from, to: this.#lastSeq, why, lost: false });
    if (this.#isFlagged && !this.#hasLost) this.#clearFlag();
    this.#retried?.();
  }

  /** Everything that started without a record is recorded now. */
  #clearFlag(): void {
    this.#isFlagged = false;
    this.#ask((id) => ({ kind: 'flag', id, unrecordedStarts: false }));
  }

  #failed(error: StorageError, isFinal: boolean): void {
    if (this.#state === 'stopped' || this.#state === 'closed') return;
    const isNew = this.#state !== 'failing' || this.#failure?.code !== error.code || isFinal;
    this.#failedFrom ??= this.#committed + 1;
    this.#failure = error;
    this.#unposted = 0;
    if (isFinal) this.#stop();
    else this.#retryLater();
    if (isNew) this.#setState(isFinal ? 'stopped' : 'failing', error);
    this.#mayEnd();
    this.#release(this.#lastSeq);
    this.#retried?.();
  }

  #stop(): void {
    this.#cancelRetry();
    this.#pending = [];
    this.#pendingSize = 0;
  }

  #retryLater(): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#options.clock.after(retryPauseMs, () => this.#retry(), { keepsAlive: false });
  }

  #retry(): void {
    this.#cancelRetry();
    if (this.#connection === undefined) this.#start();
    else this.#postAll('retry');
  }

  #died(reason: string): void {
    this.#connection = undefined;
    this.#answerAll();
    if (this.#closed !== undefined) {
      this.#closed();
      return;
    }
    const error = { code: 'THREAD', message: reason };
    if (this.#opened !== undefined) this.#opened.reject({ kind: 'refused', error });
    else this.#failed(error, false);
  }

  #answered(id: number, isDone: boolean): void {
    this.#questions.get(id)?.(isDone);
    this.#questions.delete(id);
    this.#mayEnd();
  }

  #answerAll(): void {
    for (const answer of this.#questions.values()) answer(false);
    this.#questions.clear();
  }

  #mayEnd(): void {
    if (this.#questions.size === 0 && this.#closed === undefined) this.#connection?.keepAlive(false);
  }

  #setState(state: JournalState, error?: StorageError): void {
    this.#state = state;
    for (const listener of this.#troubleListeners) listener({ state, ...(error !== undefined && { error }) });
  }

  #release(upTo: number): void {
    for (const listener of this.#recordedListeners) listener(upTo);
  }
}
