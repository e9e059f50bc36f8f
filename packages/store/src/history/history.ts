/**
 * The history of a suite: how long its tasks took and how they ended, over all runs, in a file that several processes use at the same time. It is
 * a cache of what runs said: a damaged file is set aside and another one starts, a file of a newer version is left alone, and where nothing can be written
 * the history is only read. Every call opens the file and closes it again.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { messageOf, type Problem } from '@pexen/core';
import { storageErrorOf } from '../journal/sqlite.ts';
import { type HistoryAccess, HistoryDatabase, type HistoryLimits, historyVersion } from './database.ts';
import { Expectations } from './expectations.ts';
import { type MachineKind, thisMachine } from './machine.ts';
import type { HistoryRun, SampleOfRun, TaskSample } from './records.ts';

/** What is kept where nothing else is stated. */
export const historyLimits: HistoryLimits = { runs: 500, days: 180, mebibytes: 64 };

/** Where the history is, and what to do about its problems. */
export interface HistoryOptions {
  /** The path of `history.db`. Its folder is there if something is written. */
  readonly file: string;
  /** Called with PEXEN_HISTORY_DAMAGED, PEXEN_HISTORY_NEWER. Default: they are dropped. */
  readonly onWarning?: ((warning: Problem) => void) | undefined;
}

/** All samples of one run, for `History.take`. */
export interface WholeRun {
  readonly run: HistoryRun;
  readonly samples: readonly TaskSample[];
}

const day = 86_400_000;

export class History {
  readonly #file: string;
  readonly #warn: (warning: Problem) => void;

  constructor({ file, onWarning = () => {} }: HistoryOptions) {
    this.#file = file;
    this.#warn = onWarning;
  }

  /**
   * Adds a run that has ended, or a session of a run that is known: what it says of a task replaces what was known. Then removes what exceeds the
   * limits, oldest runs first.
   * @throws what SQLite and the file system throw: nothing was added then
   */
  record(run: HistoryRun, samples: readonly TaskSample[], limits: HistoryLimits = historyLimits): void {
    this.#write((database) => {
      database.transaction(() => {
        const open = database.putRun(run);
        for (const task of samples.map((sample) => database.putSample(open, sample)))
          database.estimate(task, open.machine);
      });
      prune(database, limits, run.startedAtMs);
    });
  }

  /**
   * Adds runs of other histories; what this history knows already stays. Returns how many runs and samples were new.
   * @throws as `record`
   */
  take(runs: Iterable<WholeRun>): { readonly runs: number; readonly samples: number } {
    const added = { runs: 0, samples: 0 };
    this.#write((database) =>
      database.transaction(() => {
        const touched = new Map<number, Set<number>>();
        for (const { run, samples } of runs) {
          const open = database.hasRun(run.id) ? database.openRun(run.id) : database.putRun(run);
          if (!open.isKnown) added.runs++;
          const tasks = touched.get(open.machine) ?? new Set();
          touched.set(open.machine, tasks);
          for (const sample of samples) {
            if (open.isKnown && database.hasSample(open, sample.path)) continue;
            tasks.add(database.putSample(open, sample));
            added.samples++;
          }
        }
        for (const [machine, tasks] of touched) for (const task of tasks) database.estimate(task, machine);
      }),
    );
    return added;
  }

  /**
   * Removes runs: those that exceed the limits, oldest first, measured from `nowMs`.
   * @throws as `record`
   */
  prune(limits: HistoryLimits, nowMs: number): number {
    return this.#write((database) => prune(database, limits, nowMs));
  }

  /** What is expected of tasks on this kind of machine. */
  expectations(machine: MachineKind = thisMachine()): Expectations {
    return this.#read(
      (database) => new Expectations(database.estimates(), database.machineNumber(machine)),
      new Expectations([], undefined),
    );
  }

  /** How each task ended when it ran last, in the order of the runs. Tasks that were not in the last run of the whole suite or after it have left the suite. */
  latestSamples(): TaskSample[] {
    return this.#read((database) => database.latestSamples(), []);
  }

  /** All runs, the latest first. */
  runs(): HistoryRun[] {
    return this.#read((database) => database.runs(), []);
  }

  /** The call paths of all tasks, sorted. */
  paths(): string[] {
    return this.#read((database) => database.paths(), []);
  }

  /** How each of the tasks ended in its latest runs, at most so many for each, the latest first. */
  samplesOf(paths: readonly string[], most: number): Map<string, SampleOfRun[]> {
    return this.#read(
      (database) => new Map(paths.map((path) => [path, database.samplesOf(path, most)])),
      new Map<string, SampleOfRun[]>(),
    );
  }

  /** How each task ended in that run. */
  samplesIn(runId: string): SampleOfRun[] {
    return this.#read((database) => database.samplesIn(runId), []);
  }

  /** Calls `visit` with each sample, run by run. */
  eachSample(visit: (sample: SampleOfRun) => void): void {
    this.#read((database) => {
      for (const sample of database.samples()) visit(sample);
    }, undefined);
  }

  #write<T>(act: (database: HistoryDatabase) => T): T {
    const before = inode(this.#file);
    try {
      return this.#with('write', act);
    } catch (error) {
      if (error === isNewer) return undefined as T;
      if (!isDamage(error)) throw error;
      this.#setAside(before, error);
      return this.#with('write', act);
    }
  }

  /** `unknown`: the answer where nothing can be read. */
  #read<T>(act: (database: HistoryDatabase) => T, unknown: T): T {
    const before = inode(this.#file);
    if (before === undefined) return unknown;
    try {
      return this.#with('write', act);
    } catch (error) {
      if (error === isNewer) return unknown;
      return isDamage(error) ? this.#readAnew(before, error, unknown) : this.#readFrozen(act, unknown);
    }
  }

  #readAnew<T>(before: number, error: unknown, unknown: T): T {
    try {
      this.#setAside(before, error);
    } catch {
      // Its folder cannot be written: the next run that can write there sets it aside.
    }
    return unknown;
  }

  /** Reads a file in a folder that cannot be written. */
  #readFrozen<T>(act: (database: HistoryDatabase) => T, unknown: T): T {
    try {
      return this.#with('frozen', act);
    } catch {
      return unknown;
    }
  }

  #with<T>(access: HistoryAccess, act: (database: HistoryDatabase) => T): T {
    const database = HistoryDatabase.open(this.#file, access);
    try {
      if (database.version > historyVersion) {
        this.#warn(newer(this.#file, database.version));
        throw isNewer;
      }
      return act(database);
    } finally {
      database.close();
    }
  }

  /** Renames the damaged file, unless another process has done that since it was opened. */
  #setAside(before: number | undefined, error: unknown): void {
    if (inode(this.#file) !== before) return;
    const aside = this.#file.replace(/(\.db)?$/, '.damaged$1');
    for (const end of ['-wal', '-shm']) rmSync(`${aside}${end}`, { force: true });
    renameSync(this.#file, aside);
    for (const end of ['-wal', '-shm'])
      if (existsSync(`${this.#file}${end}`)) renameSync(`${this.#file}${end}`, `${aside}${end}`);
    this.#warn(damaged(this.#file, aside, error));
  }
}

/** Thrown where a newer version has written the file; never leaves this module. */
const isNewer = Symbol('newer');

function isDamage(error: unknown): boolean {
  return storageErrorOf(error).code === 'CORRUPT';
}

/** Identifies the file; undefined where there is none. */
function inode(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}

/** Returns how many runs were removed. */
function prune(database: HistoryDatabase, limits: HistoryLimits, nowMs: number): number {
  const exceeding = exceedingRuns(database, limits, nowMs);
  let removed = remove(database, exceeding);
  while (database.size > limits.mebibytes * 2 ** 20) {
    const rest = database.runs();
    const oldest = rest.slice(1).slice(-Math.ceil(rest.length / 10));
    if (oldest.length === 0) break;
    removed += remove(database, oldest);
  }
  if (removed > 0) database.shrink();
  return removed;
}

/** The latest run always stays. */
function exceedingRuns(
  database: HistoryDatabase,
  { runs, days }: HistoryLimits,
  nowMs: number,
): HistoryRun[] {
  return database
    .runs()
    .filter(({ startedAtMs }, at) => at > 0 && (at >= runs || startedAtMs < nowMs - days * day));
}

function remove(database: HistoryDatabase, runs: readonly HistoryRun[]): number {
  if (runs.length === 0) return 0;
  database.transaction(() => {
    for (const { id } of runs) database.removeRun(id);
    database.removeUnused();
  });
  return runs.length;
}

function damaged(file: string, aside: string, error: unknown): Problem {
  return {
    code: 'PEXEN_HISTORY_DAMAGED',
    message: `the history ${file} is damaged (${messageOf(error)}); a new one begins`,
    hint: `The damaged file is now ${aside}. Remove it, or get a copy back with: pexen history --import FILE`,
  };
}

function newer(file: string, version: number): Problem {
  return {
    code: 'PEXEN_HISTORY_NEWER',
    message: `the history ${file} has version ${version}; this version of pexen knows up to ${historyVersion} and leaves it alone`,
    hint: 'Use the newer version of pexen, or move the file away to begin another history.',
  };
}
