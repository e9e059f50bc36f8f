/**
 * Reads a journal: its intact events in order, and a verdict on whether it is complete. Changes nothing but the shared-memory file that SQLite
 * makes for readers, and may run beside a writer. Never throws for damage.
 */
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { loadBody } from './blobs.ts';
import { type BootMark, bootMark } from './boot-mark.ts';
import { rowIn, versionOf } from './database.ts';
import {
  isEventType,
  type JournalEntry,
  type JournalEvent,
  type JournalEventType,
  journalVersion,
} from './events.ts';
import { type Head, headIn, isLoss, readHeadFile } from './head.ts';
import { checksumOf, eventOf } from './row.ts';
import { sqlite, storageErrorOf } from './sqlite.ts';
import { type Upcasters, upcast } from './upcast.ts';

/** Is the journal complete? */
export type JournalVerdict =
  | { readonly kind: 'whole' }
  /** There is no journal in the directory. */
  | { readonly kind: 'absent' }
  /** The machine lost its power. The journal is in an earlier state, which is consistent; the events from `lost.from` to `lost.to` are missing. */
  | { readonly kind: 'power-loss'; readonly lost: { readonly from: number; readonly to: number } }
  /** It was changed or cut. Its intact events are there, and others are missing. */
  | { readonly kind: 'damaged'; readonly why: string }
  /** A newer version of pexen has written it, and none of its events was read. */
  | { readonly kind: 'newer'; readonly version: number };

/** What a journal says. */
export interface JournalContent {
  readonly verdict: JournalVerdict;
  /** Undefined where it is unknown. */
  readonly runId: string | undefined;
  readonly entries: readonly JournalEntry[];
  /** Tasks that may not start twice were started while recording failed, and their starts may be missing. */
  readonly unrecordedStarts: boolean;
}

/** Options of `readJournal`. */
export interface ReadJournalOptions {
  /** The id of the run, for a journal whose database was not created yet. Default: the name of the directory. */
  readonly runId?: string;
  /** The present boot of the machine. */
  readonly boot?: BootMark;
  /** Translates events of older versions. */
  readonly upcasters?: Upcasters;
}

/** Reads the journal of the run in this directory. */
export function readJournal(directory: string, options: ReadJournalOptions = {}): JournalContent {
  const place = join(directory, 'journal.db');
  // First the head: a writer beside may add rows meanwhile. There is a rollback journal only while the tables are being created.
  const headFile = readHeadFile(join(directory, 'head'));
  const isThere = existsSync(place) && !existsSync(`${place}-journal`);
  if (!isThere && headFile === undefined) return contentOf({ kind: 'absent' });
  const read = isThere ? readRows(directory, place, options.upcasters) : nothing();
  const { head, runId } = headOf(headFile, [read.runId, options.runId, basename(resolve(directory))]);
  const verdict = verdictOf(read, head, options.boot ?? bootMark());
  if (verdict.kind === 'newer') return contentOf(verdict, runId);
  return { verdict, runId, entries: read.entries, unrecordedStarts: head?.unrecordedStarts ?? false };
}

/** Some events of a journal. */
export interface ReadEvents {
  /** The intact events of these types, in their order. */
  readonly events: readonly JournalEvent[];
  /** False where a newer version has written it, or where it is not a journal. */
  readonly isReadable: boolean;
}

/** Reads only the events of these types: quickly, and without a verdict on the journal. Never throws. */
export function readEvents(directory: string, types: readonly JournalEventType[]): ReadEvents {
  const rows = nothing();
  let database: DatabaseSync | undefined;
  try {
    database = openReadOnly(join(directory, 'journal.db'));
    readMeta(database, rows);
    if (rows.version > journalVersion) return { events: [], isReadable: false };
    const marks = types.map(() => '?').join();
    const query = database.prepare(`SELECT * FROM event WHERE type IN (${marks}) ORDER BY seq`);
    for (const columns of query.iterate(...types)) {
      rows.lastRow = Number(columns.seq) - 1;
      addRow(rows, columns, directory, undefined);
    }
    return { events: rows.entries.map(({ event }) => event), isReadable: true };
  } catch {
    return { events: [], isReadable: false };
  } finally {
    close(database);
  }
}

function contentOf(verdict: JournalVerdict, runId?: string): JournalContent {
  return { verdict, runId, entries: [], unrecordedStarts: false };
}

/** What the database contains. */
interface Rows {
  runId: string | undefined;
  /** 0: it has no tables yet. */
  version: number;
  /** The version in the table `meta`. */
  metaVersion: number;
  entries: JournalEntry[];
  /** The number of the last row; 0 without rows. */
  lastRow: number;
  damage: string | undefined;
}

function nothing(): Rows {
  return { runId: undefined, version: 0, metaVersion: 0, entries: [], lastRow: 0, damage: undefined };
}

function verdictOf(rows: Rows, head: Head | undefined, boot: BootMark): JournalVerdict {
  if (rows.version > journalVersion && rows.version === rows.metaVersion)
    return { kind: 'newer', version: rows.version };
  if (rows.damage !== undefined) return { kind: 'damaged', why: rows.damage };
  if (head === undefined) return { kind: 'damaged', why: 'its head cannot be read' };
  const { lastRow } = rows;
  if (lastRow >= head.committed) return { kind: 'whole' };
  const lost = { from: lastRow + 1, to: head.committed };
  if (!isLoss(head, lastRow, boot)) return { kind: 'power-loss', lost };
  return { kind: 'damaged', why: `the committed events ${lost.from} to ${lost.to} are missing` };
}

/** The head, and the id of the run that it belongs to: where the database does not say it, the name of the directory. */
function headOf(
  bytes: Buffer | undefined,
  candidates: readonly (string | undefined)[],
): { head: Head | undefined; runId: string | undefined } {
  for (const runId of candidates) {
    const found = runId === undefined || bytes === undefined ? undefined : headIn(bytes, runId);
    if (found !== undefined) return { head: found.head, runId };
  }
  return { head: undefined, runId: candidates[0] };
}

function readRows(directory: string, place: string, upcasters: Upcasters | undefined): Rows {
  const rows = nothing();
  let database: DatabaseSync | undefined;
  try {
    database = openReadOnly(place);
    // Before its tables exist, a journal has no events.
    if (statSync(place).size === 0) return rows;
    readMeta(database, rows);
    if (rows.version > journalVersion && rows.version === rows.metaVersion) return rows;
    if (rows.version !== rows.metaVersion) throw new Error('its version is unclear');
    for (const columns of database.prepare('SELECT * FROM event ORDER BY seq').iterate())
      if (!addRow(rows, columns, directory, upcasters)) break;
  } catch (error) {
    rows.damage ??= storageErrorOf(error).message;
  } finally {
    close(database);
  }
  return rows;
}

function readMeta(database: DatabaseSync, rows: Rows): void {
  rows.version = versionOf(database);
  for (const { key, value } of database.prepare('SELECT key, value FROM meta').all()) {
    if (key === 'run') rows.runId = String(value);
    if (key === 'version') rows.metaVersion = Number(value);
  }
  if (rows.runId === undefined) throw new Error('the id of its run is missing');
}

/** Adds the event of a row if it is intact. False: what follows cannot be trusted. */
function addRow(
  rows: Rows,
  columns: Record<string, SQLOutputValue>,
  directory: string,
  upcasters: Upcasters | undefined,
): boolean {
  const stored = rowIn(columns);
  const expected = nextAfter(rows);
  if (!(stored.seq > rows.lastRow)) {
    rows.damage ??= `event ${stored.seq} follows event ${rows.lastRow}`;
    return false;
  }
  if (stored.seq !== expected) rows.damage ??= `the events ${expected} to ${stored.seq - 1} are missing`;
  rows.lastRow = stored.seq;
  try {
    if (checksumOf(rows.runId ?? '', stored) !== columns.crc) throw new Error('its checksum is wrong');
    const row = { ...stored, body: loadBody(join(directory, 'blobs'), stored.body) };
    const event = upcast(eventOf(row), rows.version, upcasters);
    if (!isEventType(event.type)) throw new Error(`its type "${event.type}" is unknown`);
    const { seq, session, atMs } = row;
    rows.entries.push({ seq, session, atMs, event: event as JournalEvent });
  } catch (error) {
    rows.damage ??= `event ${stored.seq}: ${storageErrorOf(error).message}`;
  }
  return true;
}

/** The number that the next row must have. */
function nextAfter({ entries, lastRow }: Rows): number {
  const last = entries.at(-1);
  if (last?.seq !== lastRow || last.event.type !== 'recording-gap' || !last.event.lost) return lastRow + 1;
  return last.event.to + 1;
}

/** Without a write-ahead log, and where no files can be made beside the database, SQLite has to be assured that it does not change. */
function openReadOnly(place: string): DatabaseSync {
  const { DatabaseSync } = sqlite();
  const options = { readOnly: true, timeout: 2000 };
  const database = new DatabaseSync(place, options);
  try {
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON');
    versionOf(database);
    return database;
  } catch (error) {
    close(database);
    if (storageErrorOf(error).code !== 'CANTOPEN' || existsSync(`${place}-wal`)) throw error;
    return new DatabaseSync(new URL(`${pathToFileURL(place)}?immutable=1`), options);
  }
}

function close(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // What was read is not changed by it.
  }
}
