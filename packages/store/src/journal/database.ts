/**
 * `journal.db`: its tables, how it is created, opened and upgraded, and one transaction for each batch. Decides nothing about failures. The
 * process must never open the database or its `-shm` file by other means, since closing a file drops all locks that the process has on it.
 */
import { chmodSync } from 'node:fs';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { misuse } from '@pexen/core';
import { loadBody, storeBody } from './blobs.ts';
import { journalVersion } from './events.ts';
import { checksumOf, eventOf, type Row } from './row.ts';
import { sqlite } from './sqlite.ts';
import { type Upcasters, upcast } from './upcast.ts';

/** The end of a journal. */
export interface JournalEnd {
  /** The number of the last event, or of the last one that a gap stands for; 0 without events. */
  readonly lastSeq: number;
  /** The number of the last session; 0 without events. */
  readonly session: number;
}

const schema = `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT) STRICT;
  CREATE TABLE event(
    seq INTEGER PRIMARY KEY, session INTEGER, at_ms REAL, type TEXT, task INTEGER, attempt INTEGER, body TEXT, crc INTEGER
  ) STRICT;`;

/** How many pages the write-ahead log has before it is moved into the database. */
const longestLog = 4000;

/** Where a journal is. */
export interface DatabasePlace {
  readonly file: string;
  readonly blobs: string;
  readonly runId: string;
}

/** The database of one run, open for writing. */
export class JournalDatabase {
  readonly #database: DatabaseSync;
  readonly #place: DatabasePlace;
  readonly #insert: StatementSync;
  #isFull = true;
  /** About how many pages the write-ahead log has. */
  #logPages = 0;

  private constructor(database: DatabaseSync, place: DatabasePlace) {
    this.#database = database;
    this.#place = place;
    this.#insert = database.prepare('INSERT INTO event VALUES(?, ?, ?, ?, ?, ?, ?, ?)');
  }

  /** Opens the database; creates its tables where there are none and `mayCreate` is set. */
  static open(place: DatabasePlace, mayCreate: boolean): JournalDatabase {
    const database = new (sqlite().DatabaseSync)(place.file, { timeout: 2000 });
    try {
      chmodSync(place.file, 0o600);
      database.exec('PRAGMA page_size = 4096; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF');
      const version = versionOf(database);
      if (version > journalVersion) throw newerJournal(place.runId, version);
      if (mayCreate && version === 0) create(database, place.runId);
      database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
      return new JournalDatabase(database, place);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The version that wrote it. */
  get version(): number {
    return versionOf(this.#database);
  }

  /** Where it ends. */
  get end(): JournalEnd {
    const found = this.#database.prepare('SELECT * FROM event ORDER BY seq DESC LIMIT 1').get();
    if (found === undefined) return { lastSeq: 0, session: 0 };
    const row = rowIn(found);
    return { lastSeq: coveredBy(row), session: row.session };
  }

  /** The number of its last row; 0 without rows. */
  get lastRow(): number {
    return Number(this.#database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM event').get()?.seq);
  }

  /** Writes the rows in one transaction. `isSynced`: it is on the disk when this returns. */
  commit(rows: readonly Row[], isSynced: boolean): void {
    const stored = rows.map((row) => ({ ...row, body: storeBody(this.#place.blobs, row.body) }));
    this.#use(isSynced);
    this.#transaction(() => {
      for (const row of stored) {
        const { seq, session, atMs, type, task, attempt, body } = row;
        this.#insert.run(seq, session, atMs, type, task, attempt, body, checksumOf(this.#place.runId, row));
        this.#logPages += body.length / 3000;
      }
    });
    this.#logPages += 2;
  }

  /**
   * Moves a long write-ahead log into the database; `isLast`: also a short one. SQLite would do this by itself, but would not report a failed
   * synchronization.
   */
  checkpoint(isLast = false): void {
    if (!isLast && this.#logPages < longestLog) return;
    this.#logPages = 0;
    this.#database.exec(`PRAGMA wal_checkpoint(${isLast ? 'TRUNCATE' : 'PASSIVE'})`);
  }

  /** Rewrites the events of an older version, in one transaction. */
  upgrade(upcasters?: Upcasters, to: number = journalVersion): void {
    const from = this.version;
    if (from >= to) return;
    const update = this.#database.prepare('UPDATE event SET type = ?, body = ?, crc = ? WHERE seq = ?');
    this.#use(true);
    this.#transaction(() => {
      for (const found of this.#database.prepare('SELECT * FROM event ORDER BY seq').all()) {
        const old = rowIn(found);
        const whole = { ...old, body: loadBody(this.#place.blobs, old.body) };
        const { type, task: _task, attempt: _attempt, ...rest } = upcast(eventOf(whole), from, upcasters, to);
        const row = { ...old, type, body: storeBody(this.#place.blobs, JSON.stringify(rest)) };
        update.run(type, row.body, checksumOf(this.#place.runId, row), row.seq);
      }
      this.#database.exec(
        `UPDATE meta SET value = '${to}' WHERE key = 'version'; PRAGMA user_version = ${to}`,
      );
    });
  }

  close(): void {
    this.#database.close();
  }

  /** Leaves the write-ahead log as it is: SQLite does not move it while another connection is open, nor at the end of one that only reads. */
  closeWithoutCheckpoint(): void {
    const reader = new (sqlite().DatabaseSync)(this.#place.file, { readOnly: true });
    versionOf(reader);
    this.#database.close();
    reader.close();
  }

  #use(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#database.exec(`PRAGMA synchronous = ${isFull ? 'FULL' : 'NORMAL'}`);
    this.#isFull = isFull;
  }

  #transaction(write: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      write();
      this.#database.exec('COMMIT');
    } catch (error) {
      // After some errors SQLite has rolled back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The refusal of a journal that a newer version has written. */
export function newerJournal(runId: string, version: number): Error {
  return misuse(
    'PEXEN_JOURNAL_NEWER',
    `the journal of the run ${runId} has version ${version}; this version of pexen reads up to ${journalVersion}`,
    'Use the version of pexen that has recorded the run, or a newer one.',
  );
}

/** In a rollback journal, with full synchronization: the tables are on the disk before the write-ahead log exists. */
function create(database: DatabaseSync, runId: string): void {
  database.exec(`BEGIN IMMEDIATE;${schema}`);
  const put = database.prepare('INSERT INTO meta VALUES(?, ?)');
  put.run('run', runId);
  put.run('version', String(journalVersion));
  database.exec(`PRAGMA user_version = ${journalVersion}; COMMIT`);
}

/** The version in the header of the database; 0 before its tables exist. */
export function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}

/** A row of the table, as it is stored. Columns of a wrong type get a wrong value, and then their checksum is wrong, too. */
export function rowIn(columns: Record<string, SQLOutputValue>): Row {
  return {
    seq: Number(columns.seq),
    session: Number(columns.session),
    atMs: Number(columns.at_ms),
    type: String(columns.type),
    task: columns.task === null ? null : Number(columns.task),
    attempt: columns.attempt === null ? null : Number(columns.attempt),
    body: String(columns.body),
  };
}

/** The last event that a row stands for: its own, but for lost events the last one of the gap. */
function coveredBy(row: Row): number {
  if (row.type !== 'recording-gap') return row.seq;
  const { to, lost } = eventOf(row) as unknown as { to: number; lost: boolean };
  return lost ? to : row.seq;
}
