/**
 * Writes the journal of one run: lock, database, head and the synchronization of the write-ahead log. It is synchronous but for
 * `syncBehind`, and reports failures by throwing; the thread around it decides what follows.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { misuse } from '@pexen/core';
import { syncFolder } from './blobs.ts';
import type { BootMark } from './boot-mark.ts';
import { type DatabasePlace, JournalDatabase, type JournalEnd } from './database.ts';
import { isBarrier, type JournalEventType } from './events.ts';
import { emptyHead, type Head, HeadFile, headIn, isLoss } from './head.ts';
import { lockRun } from './lock.ts';
import { OpenFile } from './open-file.ts';
import type { Row } from './row.ts';
import { storageErrorOf } from './sqlite.ts';

/** How durable an event is before its recording is reported: committed, which survives the death of the process, or on the disk. */
export type Durability = 'process' | 'power';

/** What a writer writes, and where. */
export interface WriterOptions {
  /** The directory of the run. */
  readonly directory: string;
  readonly runId: string;
  readonly durability: Durability;
  readonly boot: BootMark;
}

/** The files of a run. */
function placeOf(directory: string, runId: string): DatabasePlace & { readonly head: string } {
  return {
    file: join(directory, 'journal.db'),
    head: join(directory, 'head'),
    blobs: join(directory, 'blobs'),
    runId,
  };
}

/** A synchronization failed. The kernel may have dropped the data, so that a second one would succeed without them: it is never tried again. */
export class FailedSync extends Error {}

export class JournalWriter {
  readonly #options: WriterOptions;
  readonly #unlock: () => void;
  readonly #headFile: HeadFile;
  #database: JournalDatabase;
  #head: Head;
  #log: LogFile;
  #isClosed = false;

  private constructor(
    options: WriterOptions,
    unlock: () => void,
    { headFile, database, head }: { headFile: HeadFile; database: JournalDatabase; head: Head },
  ) {
    this.#options = options;
    this.#unlock = unlock;
    this.#headFile = headFile;
    this.#database = database;
    this.#head = head;
    this.#log = new LogFile(`${placeOf(options.directory, options.runId).file}-wal`);
  }

  /**
   * Creates the journal, or opens it in order to continue it. @throws PexenError where another process records the run, or where
   * the journal cannot be continued.
   */
  static open(options: WriterOptions): { writer: JournalWriter; end: JournalEnd } {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    chmodSync(options.directory, 0o700);
    const unlock = lockRun(options.directory, options.runId);
    try {
      const parts = openFiles(options);
      const writer = new JournalWriter(options, unlock, parts);
      return { writer, end: parts.end };
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** The number of the last committed row. */
  get committed(): number {
    return this.#head.committed;
  }

  /** The number of the last row that is on the disk. */
  get synced(): number {
    return this.#head.synced;
  }

  /** Writes the rows in one transaction. Rows that were written already are left out. @throws FailedSync, or the error of SQLite. */
  commit(rows: readonly Row[]): void {
    const added = rows.filter(({ seq }) => seq > this.#head.committed);
    const last = added.at(-1);
    if (last === undefined) return;
    const isSynced =
      this.#options.durability === 'power' || added.some(({ type }) => isBarrier(type as JournalEventType));
    this.#guarded(() => this.#database.commit(added, isSynced));
    this.#note({ committed: last.seq, ...(isSynced && { synced: last.seq }) });
  }

  /** Keeps the write-ahead log short. @throws FailedSync, or the error of SQLite. */
  checkpoint(): void {
    this.#guarded(() => this.#database.checkpoint());
  }

  /** Puts everything that is committed on the disk. @throws FailedSync */
  sync(): void {
    const { committed } = this.#head;
    try {
      this.#log.sync();
      this.#headFile.sync();
    } catch (error) {
      throw failedSync(error);
    }
    this.#note({ synced: committed });
  }

  /** As `sync`, in the background: ends with FailedSync, or with the error of writing the head. `done` is not called after `reopen` and `close`. */
  syncBehind(done: (failure: Error | undefined) => void): void {
    if (this.#isClosed) return;
    const { committed } = this.#head;
    const log = this.#log;
    log.syncBehind((error) => {
      if (error !== null) {
        done(failedSync(error));
        return;
      }
      this.#headFile.syncBehind((headError) => {
        if (log !== this.#log) return;
        done(headError === null ? this.#noteSynced(committed) : failedSync(headError));
      });
    });
  }

  /** Returns the error of writing the head. */
  #noteSynced(synced: number): Error | undefined {
    try {
      this.#note({ synced: Math.max(synced, this.#head.synced) });
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** Notes in the head whether tasks that may not start twice were started without a record, and puts the head on the disk. */
  flagUnrecordedStarts(unrecordedStarts: boolean): void {
    this.#note({ unrecordedStarts });
    this.#headFile.sync();
  }

  /** Continues on a fresh connection, after a failure. @throws where that is not possible yet; it may then be tried again. */
  reopen(): void {
    this.#log.close();
    this.#log = new LogFile(this.#log.path);
    try {
      this.#database.close();
    } catch {
      // It was closed before, by a call that failed later.
    }
    const { directory, runId } = this.#options;
    this.#database = JournalDatabase.open(placeOf(directory, runId), false);
    // A commit that failed late may have succeeded nevertheless.
    this.#note({ committed: Math.max(this.#head.committed, this.#database.lastRow) });
  }

  /** Puts everything on the disk and releases the lock. @throws FailedSync, or the error of SQLite; it is closed nevertheless. */
  close(): void {
    try {
      this.sync();
      this.#guarded(() => this.#database.checkpoint(true));
      // Both slots say the same.
      this.#note({});
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#end(() => this.#database.close());
  }

  /** Releases the lock and leaves the files as they are: after a failed synchronization the write-ahead log may be worth more than the database. */
  abandon(): void {
    this.#end(() => this.#database.closeWithoutCheckpoint());
  }

  #end(closeDatabase: () => void): void {
    this.#isClosed = true;
    this.#log.close();
    try {
      closeDatabase();
    } catch {
      // It was closed by a retry that failed.
    }
    this.#headFile.close();
    this.#unlock();
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      throw storageErrorOf(error).code === 'SYNC' ? failedSync(error) : error;
    }
  }

  /** After each change, and before it is reported: so the journal never ends before what was reported without being noticed. */
  #note(change: Partial<Head>): void {
    this.#head = { ...this.#head, ...change };
    this.#headFile.write(this.#head);
  }
}

/** The write-ahead log, by an own descriptor. Only its synchronization is allowed: SQLite holds no lock on this file. */
class LogFile {
  readonly path: string;
  /** Undefined before the first commit. */
  #file: OpenFile | undefined;

  constructor(path: string) {
    this.path = path;
  }

  sync(): void {
    this.#open()?.sync();
  }

  /** `done` is not called after `close`. */
  syncBehind(done: (error: Error | null) => void): void {
    const file = this.#open();
    if (file === undefined) done(null);
    else file.syncBehind(done);
  }

  close(): void {
    this.#file?.close();
  }

  #open(): OpenFile | undefined {
    if (this.#file === undefined && existsSync(this.path)) this.#file = new OpenFile(this.path, 'r');
    return this.#file;
  }
}

function openFiles(options: WriterOptions): {
  headFile: HeadFile;
  database: JournalDatabase;
  head: Head;
  end: JournalEnd;
} {
  const { directory, runId, boot } = options;
  const place = placeOf(directory, runId);
  const bytes = headOnDisk(place.head);
  const known = bytes && headIn(bytes, runId);
  if (known === undefined) {
    if (bytes !== undefined || existsSync(place.file)) throw damaged(options, 'its head cannot be read');
    const head = emptyHead(boot);
    const headFile = HeadFile.create(place.head, runId, head);
    const database = JournalDatabase.open(place, true);
    syncFolder(directory);
    return { headFile, database, head, end: { lastSeq: 0, session: 0 } };
  }
  const { database, end, lastRow } = openKnown(options, known.head);
  const headFile = HeadFile.open(place.head, runId, known.generation);
  const head = { ...known.head, committed: lastRow, synced: Math.min(known.head.synced, lastRow), boot };
  headFile.write(head);
  return { headFile, database, head, end };
}

/** Undefined where there is no head. @throws where the disk does not return it: this is no sign of damage. */
function headOnDisk(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (storageErrorOf(error).code === 'ENOENT') return undefined;
    throw error;
  }
}

function openKnown(
  options: WriterOptions,
  head: Head,
): { database: JournalDatabase; end: JournalEnd; lastRow: number } {
  const { directory, runId, boot } = options;
  let database: JournalDatabase | undefined;
  try {
    database = JournalDatabase.open(placeOf(directory, runId), head.committed === 0);
    const { end, lastRow } = database;
    if (isLoss(head, lastRow, boot)) throw damaged(options, 'committed events are missing');
    database.upgrade();
    return { database, end, lastRow };
  } catch (error) {
    database?.close();
    throw storageErrorOf(error).code === 'CORRUPT' ? damaged(options, storageErrorOf(error).message) : error;
  }
}

function failedSync(cause: unknown): FailedSync {
  return new FailedSync(storageErrorOf(cause).message, { cause });
}

function damaged({ runId }: WriterOptions, why: string): Error {
  return misuse(
    'PEXEN_JOURNAL_DAMAGED',
    `the journal of the run ${runId} is damaged: ${why}`,
    'It cannot be continued. Start a new run.',
  );
}
