/**
 * The program of the writer's thread. Commits all that has arrived in one transaction, without waiting for more, and reports the number of the last
 * row. After a failure it ignores rows until `retry`.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { isPexenError } from '@pexen/core';
import { monotonicMs, startTimer } from '@pexen/core/timers';
import type { FromWriter, ToThread, ToWriter } from './journal/messages.ts';
import type { Row } from './journal/row.ts';
import { storageErrorOf } from './journal/sqlite.ts';
import { FailedSync, JournalWriter, type WriterOptions } from './journal/writer.ts';

/** Shortest time between two synchronizations in the background; after a slow one, four times as long as it took. */
const syncPauseMs = 20;

class WriterThread {
  readonly #port: MessagePort;
  readonly #writer: JournalWriter;
  #state: 'writing' | 'failed' | 'stopped' = 'writing';
  #isSyncDue = false;
  #nextSyncMs = 0;
  #cancelSync: () => void = () => {};

  constructor(port: MessagePort, writer: JournalWriter) {
    this.#port = port;
    this.#writer = writer;
    port.on('message', (message: ToWriter) => this.#handle(message));
  }

  #handle(message: ToWriter): void {
    switch (message.kind) {
      case 'append':
        this.#append(message.rows);
        break;
      case 'retry':
        this.#retry(message.rows);
        break;
      case 'sync':
        this.#answer(message.id, this.#state === 'writing' && this.#attempt(() => this.#writer.sync()));
        break;
      case 'flag':
        this.#answer(message.id, this.#flag(message.unrecordedStarts));
        break;
      case 'close':
        this.#close();
        break;
      default:
        message satisfies never;
    }
  }

  #append(rows: readonly Row[]): void {
    const { rows: all, next } = this.#drain(rows);
    if (this.#state === 'writing') void this.#commit(all);
    if (next !== undefined) this.#handle(next);
  }

  /** Everything that has arrived up to a message of another kind. */
  #drain(rows: readonly Row[]): { rows: readonly Row[]; next?: ToWriter } {
    const parts = [rows];
    for (;;) {
      const message: ToWriter | undefined = receiveMessageOnPort(this.#port)?.message;
      if (message?.kind === 'append') parts.push(message.rows);
      else return { rows: parts.flat(), ...(message !== undefined && { next: message }) };
    }
  }

  #retry(rows: readonly Row[]): void {
    if (this.#state === 'stopped') return;
    this.#state = 'writing';
    // One that is under way on the old connection reports no end.
    this.#isSyncDue = false;
    this.#cancelSync();
    if (this.#attempt(() => this.#writer.reopen()) && this.#commit(rows)) this.#post({ kind: 'resumed' });
  }

  #commit(rows: readonly Row[]): boolean {
    if (!this.#attempt(() => this.#writer.commit(rows))) return false;
    this.#report();
    this.#syncSoon();
    // The rows are reported already; a failure concerns those that follow.
    return this.#attempt(() => this.#writer.checkpoint());
  }

  #syncSoon(): void {
    if (this.#isSyncDue || this.#writer.synced >= this.#writer.committed) return;
    this.#isSyncDue = true;
    this.#cancelSync = startTimer(this.#nextSyncMs - monotonicMs(), () => this.#syncBehind());
  }

  #syncBehind(): void {
    const startMs = monotonicMs();
    const done = (failure: Error | undefined): void => {
      this.#isSyncDue = false;
      const endMs = monotonicMs();
      this.#nextSyncMs = endMs + Math.max(syncPauseMs, 4 * (endMs - startMs));
      if (failure === undefined) {
        this.#report();
        this.#syncSoon();
      } else this.#fail(failure);
    };
    this.#attempt(() => this.#writer.syncBehind(done));
  }

  #flag(unrecordedStarts: boolean): boolean {
    try {
      this.#writer.flagUnrecordedStarts(unrecordedStarts);
      return true;
    } catch {
      return false;
    }
  }

  #close(): void {
    this.#cancelSync();
    if (this.#state === 'stopped') this.#writer.abandon();
    else if (this.#attempt(() => this.#writer.close())) this.#report();
    this.#post({ kind: 'closed' });
    this.#port.close();
  }

  /** True if it succeeded; a failure is reported. */
  #attempt(act: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #fail(error: unknown): void {
    const isFinal = error instanceof FailedSync;
    this.#state = isFinal ? 'stopped' : 'failed';
    const { code, message } = storageErrorOf(error);
    this.#post({ kind: 'failed', error: { code: isFinal ? 'SYNC' : code, message }, isFinal });
  }

  #report(): void {
    const { committed, synced } = this.#writer;
    this.#post({ kind: 'recorded', committed, synced });
  }

  #answer(id: number, isDone: boolean): void {
    if (isDone) this.#report();
    this.#post({ kind: 'answered', id, isDone });
  }

  #post(message: FromWriter): void {
    this.#port.postMessage(message);
  }
}

function main(port: MessagePort, options: WriterOptions): void {
  const post = (message: FromWriter): void => port.postMessage(message);
  try {
    const { writer, end } = JournalWriter.open(options);
    post({ kind: 'opened', ...end });
    new WriterThread(port, writer);
  } catch (error) {
    post({
      kind: 'refused',
      error: storageErrorOf(error),
      ...(isPexenError(error) && { problems: error.problems }),
    });
    port.close();
  }
}

// Imported by other code, for example by a tool that looks at all entries of a package, it does nothing.
if (parentPort !== null && isWriterData(workerData)) awaitJournal(parentPort);

/** A thread that was started ahead waits here. */
function awaitJournal(port: MessagePort): void {
  port.once('message', (first: ToThread) => {
    if (first.kind === 'open') main(port, first.journal);
  });
}

function isWriterData(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'writesJournal' in data;
}
