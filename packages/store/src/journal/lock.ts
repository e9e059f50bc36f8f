/**
 * One writer for each run: an exclusive transaction of SQLite on `lock.db`, held as long as the journal is open. The kernel ends it with the
 * process, also after SIGKILL. The process must never open `lock.db` by other means, since closing it would drop the lock.
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { misuse } from '@pexen/core';
import { sqlite, storageErrorOf } from './sqlite.ts';

/** Who records a run: `owner.json`. */
export interface JournalOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Takes the lock and writes `owner.json`. The returned function releases the lock. @throws where another journal holds it. */
export function lockRun(directory: string, runId: string): () => void {
  const path = join(directory, 'lock.db');
  // A process that lists the runs reads the file for a moment.
  const database = new (sqlite().DatabaseSync)(path, { timeout: 50 });
  try {
    chmodSync(path, 0o600);
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw storageErrorOf(error).code === 'BUSY' ? inUse(directory, runId) : error;
  }
  writeOwner(join(directory, 'owner.json'));
  return () => database.close();
}

function writeOwner(path: string): void {
  const owner: JournalOwner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const draft = `${path}-${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(owner)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** The refusal of a run that another process records. */
export function inUse(directory: string, runId: string): Error {
  const owner = readOwner(directory);
  const message =
    owner === undefined
      ? `the run ${runId} is already recorded by another process`
      : `the run ${runId} is already recorded by process ${owner.pid} on ${owner.host}, since ${owner.since}`;
  return misuse('PEXEN_JOURNAL_IN_USE', message, 'Wait until that process has ended, or end it.');
}

/** True while a process records the run. */
export function isLocked(directory: string): boolean {
  const path = join(directory, 'lock.db');
  if (!existsSync(path)) return false;
  let database: DatabaseSync | undefined;
  try {
    database = new (sqlite().DatabaseSync)(path, { timeout: 0, readOnly: true });
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    return storageErrorOf(error).code === 'BUSY';
  } finally {
    database?.close();
  }
}

/** Who recorded the run last; undefined where this is unknown. */
export function readOwner(directory: string): JournalOwner | undefined {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8'));
    return { pid: Number(pid), host: String(host), since: String(since) };
  } catch {
    return undefined;
  }
}
