/**
 * Removes what old runs have left behind: whole runs by their number and age, and beyond a total size first the outputs of passed attempts. The newest
 * run stays, and so do runs that a process has, and young ones that can be resumed. Works beside runs of other processes.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { StoredEnd } from '../journal/events.ts';
import { isLocked, lockRun } from '../journal/lock.ts';
import { readJournal } from '../journal/read-journal.ts';
import { directoryOf, runIds, stateIn } from './run-directories.ts';

/** How much stays. Times are milliseconds. */
export interface RetentionLimits {
  /** Default 100. */
  readonly runs?: number;
  /** Default 30 days. */
  readonly ageMs?: number;
  /** The size of all runs together. Default 2 GiB. */
  readonly bytes?: number;
  /** A run that can be resumed stays for this time in any case. Default 7 days. */
  readonly resumableMs?: number;
}

const dayMs = 86_400_000;
const usual = { runs: 100, ageMs: 30 * dayMs, bytes: 2 * 1024 ** 3, resumableMs: 7 * dayMs };

/** A run and what it has on the disk. */
interface KeptRun {
  readonly id: string;
  readonly directory: string;
  bytes: number;
}

/**
 * Removes what is beyond the limits at this time (milliseconds since 1970). It lets other work proceed between two runs. What cannot be removed
 * stays for a later call.
 */
export async function removeOldRuns(
  stateDirectory: string,
  now: number,
  limits: RetentionLimits = {},
): Promise<void> {
  const { runs: most, ageMs, bytes, resumableMs } = { ...usual, ...limits };
  const isKept = ({ id, directory }: KeptRun): boolean =>
    isLocked(directory) || (now - startOf(id) < resumableMs && stateIn(directory) === 'resumable');
  removeDamaged(stateDirectory, now - ageMs);
  const [, ...older] = runIds(stateDirectory).reverse();
  const kept: KeptRun[] = [];
  for (const [at, id] of older.entries()) {
    await nextTurn();
    const run = { id, directory: directoryOf(stateDirectory, id), bytes: 0 };
    const isTooMuch = at + 2 > most || now - startOf(id) > ageMs;
    if (!isTooMuch || isKept(run) || !remove(run)) kept.push(run);
  }
  await measure(stateDirectory, kept);
  await shrink(kept.reverse(), bytes, isKept);
  writeSizes(stateDirectory, kept);
}

/** Walks only through the directories of runs that were not over when sizes were noted last: the others have not grown since. */
async function measure(stateDirectory: string, runs: readonly KeptRun[]): Promise<void> {
  const known = readSizes(stateDirectory);
  for (const run of runs) {
    const noted = known[run.id];
    if (noted === undefined) await nextTurn();
    run.bytes = noted ?? sizeOf(run.directory);
  }
}

const sizesName = 'run-sizes.json';

/** By id. */
function readSizes(stateDirectory: string): Readonly<Record<string, number>> {
  try {
    const found: unknown = JSON.parse(readFileSync(join(stateDirectory, sizesName), 'utf8'));
    const entries = Object.entries(Object(found) as object).filter(([, bytes]) => typeof bytes === 'number');
    return Object.fromEntries(entries) as Record<string, number>;
  } catch {
    return {};
  }
}

/** Of runs that are over. */
function writeSizes(stateDirectory: string, runs: readonly KeptRun[]): void {
  const known = readSizes(stateDirectory);
  const isOver = ({ id, directory }: KeptRun): boolean =>
    known[id] !== undefined || (!isLocked(directory) && stateIn(directory) !== 'resumable');
  const over = runs.filter((run) => existsSync(run.directory) && isOver(run));
  const sizes = Object.fromEntries(over.map(({ id, bytes }) => [id, bytes]));
  if (isDeepStrictEqual(sizes, known)) return;
  try {
    const draft = join(stateDirectory, `${sizesName}-${process.pid}`);
    writeFileSync(draft, JSON.stringify(sizes), { mode: 0o600 });
    renameSync(draft, join(stateDirectory, sizesName));
  } catch {
    // They are measured again.
  }
}

/** The oldest run comes first. */
async function shrink(
  runs: readonly KeptRun[],
  bytes: number,
  isKept: (run: KeptRun) => boolean,
): Promise<void> {
  let total = runs.reduce((sum, run) => sum + run.bytes, 0);
  for (const act of [removePassedOutputs, remove]) {
    for (const run of runs) {
      if (total <= bytes) return;
      await nextTurn();
      if (isKept(run)) continue;
      act(run);
      const left = sizeOf(run.directory);
      total -= run.bytes - left;
      run.bytes = left;
    }
  }
}

/** When the run started: its id is a UUID of version 7. */
function startOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Under its lock, so that no other process resumes it meanwhile. False where that was impossible. */
function remove({ id, directory }: KeptRun): boolean {
  try {
    const unlock = lockRun(directory, id);
    try {
      const aside = `${directory}.removed`;
      renameSync(directory, aside);
      rmSync(aside, { recursive: true, force: true });
      return true;
    } finally {
      unlock();
    }
  } catch {
    return false;
  }
}

/** Of an attempt that passed, the journal keeps the beginning and the end of its output. */
function removePassedOutputs({ id, directory }: KeptRun): void {
  try {
    const unlock = lockRun(directory, id);
    try {
      for (const { event } of readJournal(directory).entries) {
        if (event.type === 'task-finished') removeOutputs(event.end, directory);
        if (event.type === 'attempt-ended') removeOutputs(event, directory);
      }
    } finally {
      unlock();
    }
  } catch {
    // It stays as it is.
  }
}

function removeOutputs({ outcome, stdout, stderr }: StoredEnd, directory: string): void {
  if (outcome !== 'returned') return;
  for (const file of [stdout?.file, stderr?.file])
    if (file !== undefined) rmSync(join(directory, 'out', basename(file)), { force: true });
}

/** Journals that were set aside, and runs that another process was removing when it died. */
function removeDamaged(stateDirectory: string, before: number): void {
  const runs = join(stateDirectory, 'runs');
  for (const name of namesIn(runs)) {
    const isOld = /^[\da-f-]{36}\.damaged-\d+$/.test(name) && startOf(name) < before;
    if (isOld || /^[\da-f-]{36}\.removed$/.test(name))
      rmSync(join(runs, name), { recursive: true, force: true });
  }
}

function sizeOf(directory: string): number {
  let bytes = 0;
  for (const name of namesIn(directory, true))
    bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

function namesIn(directory: string, recursive = false): string[] {
  try {
    return readdirSync(directory, { encoding: 'utf8', recursive });
  } catch {
    return [];
  }
}
