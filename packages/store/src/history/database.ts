/**
 * `history.db`: its tables, one transaction for each run, and what is asked of it. Several processes may use it at the same time. Decides nothing
 * about failures: everything throws what SQLite throws. As with any database of SQLite, the process must not open the file by other means.
 */
import { chmodSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { ResultStatus, Verdict } from '@pexen/core';
import { sqlite } from '../journal/sqlite.ts';
import { estimateDuration, mostDurations, weightOfRuns } from './duration.ts';
import type { KnownEstimate } from './expectations.ts';
import type { MachineKind } from './machine.ts';
import type { HistoryRun, SampleOfRun, TaskSample } from './records.ts';

/** The SQL that makes each version from the one before. */
const steps = [
  `CREATE TABLE machine(number INTEGER PRIMARY KEY, platform TEXT, arch TEXT, cpu TEXT, cores INTEGER,
     UNIQUE(platform, arch, cpu, cores)) STRICT;
   CREATE TABLE run(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, parent TEXT, shard TEXT, started_ms REAL,
     duration_ms REAL, machine INTEGER, workers INTEGER, exit_code INTEGER, is_whole INTEGER) STRICT;
   CREATE TABLE task(number INTEGER PRIMARY KEY, path TEXT UNIQUE) STRICT;
   CREATE TABLE sample(task INTEGER, machine INTEGER, started_ms REAL, run INTEGER, verdict TEXT, outcome TEXT,
     attempts INTEGER, ran_ms REAL, took_ms REAL, digest TEXT, PRIMARY KEY(task, machine, started_ms, run)) STRICT, WITHOUT ROWID;
   CREATE INDEX sample_of_run ON sample(run, task);
   CREATE TABLE estimate(task INTEGER, machine INTEGER, count INTEGER, center REAL, spread REAL,
     PRIMARY KEY(task, machine)) STRICT, WITHOUT ROWID;`,
];

/** The version that this code writes. */
export const historyVersion = steps.length;

/** How long another process may hold the database, ms. */
const longestWait = 5000;

/** How the database is opened: to be read and written, or only read; `frozen`: in a folder that cannot be written. */
export type HistoryAccess = 'write' | 'frozen';

/** The limits of what is kept. */
export interface HistoryLimits {
  readonly runs: number;
  readonly days: number;
  /** What is in use. */
  readonly mebibytes: number;
}

/** A run that samples are added to. */
export interface OpenRun {
  readonly number: number;
  readonly machine: number;
  readonly startedMs: number;
  /** Was it there before? */
  readonly isKnown: boolean;
}

export class HistoryDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  static open(file: string, access: HistoryAccess): HistoryDatabase {
    const { DatabaseSync } = sqlite();
    if (access === 'frozen') {
      const url = pathToFileURL(file);
      url.search = '?immutable=1';
      return new HistoryDatabase(new DatabaseSync(url, { readOnly: true }));
    }
    const database = new DatabaseSync(file, { timeout: longestWait });
    try {
      chmodSync(file, 0o600);
      const version = versionOf(database);
      if (version === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
      if (version <= historyVersion)
        database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF');
      const opened = new HistoryDatabase(database);
      if (version < historyVersion) opened.transaction(() => opened.#upgrade());
      return opened;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** The version that wrote it; 0 before its tables exist. */
  get version(): number {
    return versionOf(this.#database);
  }

  close(): void {
    this.#database.close();
  }

  /** Does all of it, or nothing. No other process writes meanwhile. */
  transaction<T>(act: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // After some errors SQLite has rolled back by itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  // Writing, inside a transaction

  /** Adds a run, or replaces what is known of it but for its start and its samples. */
  putRun(run: HistoryRun): OpenRun {
    const isKnown = this.hasRun(run.id);
    const machine = this.#machineNumber(run.machine);
    this.#run(
      `INSERT INTO run(id, parent, shard, started_ms, duration_ms, machine, workers, exit_code, is_whole)
       VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT(id) DO UPDATE SET duration_ms = excluded.duration_ms, machine = excluded.machine,
         workers = excluded.workers, exit_code = excluded.exit_code, is_whole = excluded.is_whole`,
      ...[run.id, run.parent ?? null, run.shard ?? null, run.startedAtMs, run.durationMs, machine],
      ...[run.workers ?? null, run.exitCode ?? null, Number(run.isWhole)],
    );
    return { ...this.openRun(run.id), isKnown };
  }

  /** A run that is known. */
  openRun(id: string): OpenRun {
    const row = this.#row('SELECT number, machine, started_ms FROM run WHERE id = ?', id);
    const [number, machine, startedMs] = [row.number, row.machine, row.started_ms].map(Number) as [
      ...[number: number, machine: number, startedMs: number],
    ];
    return { number, machine, startedMs, isKnown: true };
  }

  /** Adds how a task ended in a run, or replaces what is known of it. Returns the number of the task. */
  putSample(run: OpenRun, sample: TaskSample): number {
    const task = this.#taskNumber(sample.path);
    if (run.isKnown) this.#run('DELETE FROM sample WHERE run = ? AND task = ?', run.number, task);
    this.#run(
      'INSERT INTO sample VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[task, run.machine, run.startedMs, run.number, sample.verdict, sample.outcome, sample.attempts],
      ...[sample.ranMs ?? null, sample.tookMs ?? null, sample.digest ?? null],
    );
    return task;
  }

  /** Is there a sample of this task in this run? */
  hasSample(run: OpenRun, path: string): boolean {
    const found = this.#all(
      'SELECT 1 FROM sample WHERE run = ? AND task = (SELECT number FROM task WHERE path = ?)',
      ...[run.number, path],
    );
    return found.length > 0;
  }

  /** Computes the estimate of a task on a kind of machine again. */
  estimate(task: number, machine: number): void {
    const estimated = estimateDuration(this.#latestDurations(task, machine));
    if (estimated === undefined)
      this.#run('DELETE FROM estimate WHERE task = ? AND machine = ?', task, machine);
    else
      this.#run(
        'INSERT OR REPLACE INTO estimate VALUES(?, ?, ?, ?, ?)',
        ...[task, machine, estimated.count, estimated.center, estimated.spread],
      );
  }

  /** Removes a run with its samples. Estimates stay until their tasks run again. */
  removeRun(id: string): void {
    this.#run('DELETE FROM sample WHERE run = (SELECT number FROM run WHERE id = ?)', id);
    this.#run('DELETE FROM run WHERE id = ?', id);
  }

  /** Removes what no run refers to any more. */
  removeUnused(): void {
    this.#run('DELETE FROM task WHERE NOT EXISTS (SELECT 1 FROM sample WHERE task = task.number)');
    this.#run('DELETE FROM estimate WHERE NOT EXISTS (SELECT 1 FROM task WHERE number = estimate.task)');
  }

  /** Returns free pages to the file system. Not in a transaction. */
  shrink(): void {
    this.#database.exec('PRAGMA incremental_vacuum');
  }

  // Reading

  /** The number of the kind of machine; undefined if nothing ran on it. */
  machineNumber(machine: MachineKind): number | undefined {
    const found = this.#all(
      'SELECT number FROM machine WHERE platform = ? AND arch = ? AND cpu = ? AND cores = ?',
      ...keysOf(machine),
    );
    return found[0] && Number(found[0].number);
  }

  estimates(): KnownEstimate[] {
    const rows = this.#all(
      'SELECT path, machine, count, center, spread FROM estimate JOIN task ON number = task',
    );
    return rows.map((row) => ({
      path: String(row.path),
      machine: Number(row.machine),
      ...{ center: Number(row.center), spread: Number(row.spread), weight: weightOfRuns(Number(row.count)) },
    }));
  }

  /** All runs, the latest first. */
  runs(): HistoryRun[] {
    return this.#all(
      `SELECT run.*, platform, arch, cpu, cores FROM run JOIN machine ON machine.number = run.machine
       ORDER BY started_ms DESC, id DESC`,
    ).map(runIn);
  }

  hasRun(id: string): boolean {
    return this.#all('SELECT 1 FROM run WHERE id = ?', id).length > 0;
  }

  /** How many bytes are in use. */
  get size(): number {
    const pages = (name: string): number => Number(Object.values(this.#row(`PRAGMA ${name}`))[0]);
    return (pages('page_count') - pages('freelist_count')) * pages('page_size');
  }

  /** The call paths of all tasks. */
  paths(): string[] {
    return this.#all('SELECT path FROM task ORDER BY path').map(({ path }) => String(path));
  }

  /** How the task ended in its latest runs, at most so many, the latest first. */
  samplesOf(path: string, most: number): SampleOfRun[] {
    return this.#all(
      `${sampleColumns} WHERE sample.task = (SELECT number FROM task WHERE path = ?)
       ORDER BY sample.started_ms DESC, id DESC LIMIT ?`,
      ...[path, most],
    ).map(sampleIn);
  }

  /** The samples of one run. */
  samplesIn(runId: string): SampleOfRun[] {
    return this.#all(`${sampleColumns} WHERE sample.run = (SELECT number FROM run WHERE id = ?)`, runId).map(
      sampleIn,
    );
  }

  /** All samples, run by run. */
  *samples(): IterableIterator<SampleOfRun> {
    for (const row of this.#prepare(`${sampleColumns} ORDER BY sample.started_ms, id, path`).iterate())
      yield sampleIn(row);
  }

  /**
   * The latest sample of each task that has one since the last whole run, in the order of the runs. Tasks without one have left the suite.
   */
  latestSamples(): TaskSample[] {
    const rows = this.#all(
      `${sampleColumns} WHERE sample.run IN (SELECT number FROM run WHERE started_ms >=
         (SELECT coalesce(max(started_ms), 0) FROM run WHERE is_whole = 1 AND shard IS NULL))
       ORDER BY sample.started_ms, id, sample.task`,
    );
    const latest = new Map<string, TaskSample>();
    for (const row of rows) {
      const path = String(row.path);
      latest.delete(path);
      latest.set(path, sampleIn(row));
    }
    return [...latest.values()];
  }

  // Rows

  /** The durations that an estimate is made of, the latest first. Those of failed attempts, which often end early, count only where there are no others. */
  #latestDurations(task: number, machine: number): number[] {
    const of = (outcomes: string): number[] =>
      this.#all(
        `SELECT ran_ms FROM sample WHERE task = ? AND machine = ? AND outcome IN (${outcomes}) AND ran_ms IS NOT NULL
         ORDER BY started_ms DESC, run DESC LIMIT ?`,
        ...[task, machine, mostDurations],
      ).map((row) => Number(row.ran_ms));
    const good = of("'returned', 'timed-out'");
    return good.length > 0 ? good : of("'failed', 'threw'");
  }

  #taskNumber(path: string): number {
    const found = this.#all('SELECT number FROM task WHERE path = ?', path)[0];
    return found === undefined
      ? Number(this.#run('INSERT INTO task(path) VALUES(?)', path).lastInsertRowid)
      : Number(found.number);
  }

  #machineNumber(machine: MachineKind): number {
    const known = this.machineNumber(machine);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#run(
      'INSERT INTO machine(platform, arch, cpu, cores) VALUES(?, ?, ?, ?)',
      ...keysOf(machine),
    );
    return Number(lastInsertRowid);
  }

  #upgrade(): void {
    // Another process may have done it meanwhile.
    for (const step of steps.slice(this.version)) this.#database.exec(step);
    this.#database.exec(`PRAGMA user_version = ${historyVersion}`);
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): ReturnType<StatementSync['run']> {
    return this.#prepare(sql).run(...values);
  }

  #row(sql: string, ...values: readonly SQLInputValue[]): Row {
    return this.#all(sql, ...values)[0] as Row;
  }

  #all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

type Row = Record<string, SQLOutputValue>;

const sampleColumns = `
  SELECT path, run.id, sample.started_ms, verdict, outcome, attempts, ran_ms, took_ms, digest, platform, arch, cpu, cores
  FROM sample JOIN run ON run.number = sample.run JOIN task ON task.number = sample.task
  JOIN machine ON machine.number = sample.machine`;

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}

function keysOf({ platform, arch, cpu, cores }: MachineKind): SQLInputValue[] {
  return [platform, arch, cpu, cores];
}

function machineIn({ platform, arch, cpu, cores }: Row): MachineKind {
  return { platform: String(platform), arch: String(arch), cpu: String(cpu), cores: Number(cores) };
}

function runIn(row: Row): HistoryRun {
  return {
    id: String(row.id),
    ...(row.parent !== null && { parent: String(row.parent) }),
    ...(row.shard !== null && { shard: String(row.shard) }),
    startedAtMs: Number(row.started_ms),
    durationMs: Number(row.duration_ms),
    machine: machineIn(row),
    ...(row.workers !== null && { workers: Number(row.workers) }),
    ...(row.exit_code !== null && { exitCode: Number(row.exit_code) }),
    isWhole: row.is_whole === 1,
  };
}

function sampleIn(row: Row): SampleOfRun {
  return {
    run: String(row.id),
    startedAtMs: Number(row.started_ms),
    machine: machineIn(row),
    path: String(row.path),
    verdict: row.verdict as Verdict,
    outcome: row.outcome as ResultStatus,
    attempts: Number(row.attempts),
    ...(row.ran_ms !== null && { ranMs: Number(row.ran_ms) }),
    ...(row.took_ms !== null && { tookMs: Number(row.took_ms) }),
    ...(row.digest !== null && { digest: String(row.digest) }),
  };
}
