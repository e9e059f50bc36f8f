/**
 * Removes what old runs have left behind: whole runs by their number and age, and beyond a total size first the outputs of passed attempts. The newest
 * run stays, and so do runs that a process has, and young ones that can be resumed or were written by a newer version. Works beside runs of other
 * processes.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, PexenError } from '@pexen/core';
import type { StoredEnd } from '../journal/events.ts';
import { isLocked, lockRun } from '../journal/lock.ts';
import { readJournal } from '../journal/read-journal.ts';
import { directoryOf, runIds, stateIn } from './run-directories.ts';

/** How much stays. Times are milliseconds. */
export interface RetentionLimits {
  /** Default 100. */
  readonly runs?: number | undefined;
  /** Default 30 days. */
  readonly ageMs?: number | undefined;
  /** The size of all runs together, but for the newest. Default 2 GiB. */
  readonly bytes?: number | undefined;
  /** A run that can be resumed stays for this time in any case. Default 7 days. */
  readonly resumableMs?: number | undefined;
}

/** What is removed of one run. */
export interface Removal {
  /** The id of the run. */
  readonly id: string;
  /**
   * `run`: everything. `outputs`: the files with the outputs of attempts that passed. `damaged`: a damaged journal that was set aside. `rest`: what was
   * left when another process died while it removed the run.
   */
  readonly what: 'run' | 'outputs' | 'damaged' | 'rest';
  /** Which limit it exceeds. */
  readonly because: 'number' | 'age' | 'size' | 'none';
  /** How much room that makes. */
  readonly bytes: number;
  /** Why it could not be removed; absent where it was. */
  readonly problem?: string;
}

/** Options of `removeOldRuns`. */
export interface RetentionOptions {
  readonly limits?: RetentionLimits | undefined;
  /** True: says what it would remove, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Called with each removal at once. */
  readonly onRemoval?: ((removal: Removal) => void) | undefined;
}

/** What stays. */
export interface Retained {
  readonly runs: number;
  readonly bytes: number;
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
 * Removes what is beyond the limits at this time (milliseconds since 1970), and returns what stays. It lets other work proceed between two runs. What
 * cannot be removed stays for a later call.
 */
export async function removeOldRuns(
  stateDirectory: string,
  now: number,
  options: RetentionOptions = {},
): Promise<Retained> {
  return await new Retention(stateDirectory, now, options).apply();
}

class Retention {
  readonly #stateDirectory: string;
  readonly #now: number;
  readonly #limits: Required<{ [Key in keyof RetentionLimits]: number }>;
  readonly #isDryRun: boolean;
  readonly #onRemoval: (removal: Removal) => void;

  constructor(
    stateDirectory: string,
    now: number,
    {
      limits: { runs, ageMs, bytes, resumableMs } = {},
      dryRun = false,
      onRemoval = () => {},
    }: RetentionOptions,
  ) {
    this.#stateDirectory = stateDirectory;
    this.#now = now;
    this.#limits = {
      runs: runs ?? usual.runs,
      ageMs: ageMs ?? usual.ageMs,
      bytes: bytes ?? usual.bytes,
      resumableMs: resumableMs ?? usual.resumableMs,
    };
    this.#isDryRun = dryRun;
    this.#onRemoval = onRemoval;
  }

  async apply(): Promise<Retained> {
    this.#removeRemains();
    const runs = await this.#measuredRuns();
    const newest = runs.shift();
    const kept: KeptRun[] = [];
    for (const [at, run] of runs.entries()) {
      await nextTurn();
      const because = at + 2 > this.#limits.runs ? 'number' : this.#isOld(run.id) ? 'age' : undefined;
      if (because === undefined || this.#isProtected(run) || !this.#removeRun(run, because)) kept.push(run);
    }
    const stayed = await this.#shrink(kept.reverse());
    const all = newest === undefined ? stayed : [...stayed, newest];
    if (!this.#isDryRun) writeSizes(this.#stateDirectory, stayed);
    return { runs: all.length, bytes: sumOf(all) };
  }

  #isOld(id: string): boolean {
    return this.#now - startOf(id) > this.#limits.ageMs;
  }

  /** It goes on, or is young and may be resumed, by a newer version perhaps. */
  #isProtected({ id, directory }: KeptRun): boolean {
    if (isLocked(directory)) return true;
    const state = stateIn(directory);
    const canBeResumed = state === 'resumable' || state === 'unreadable';
    return canBeResumed && this.#now - startOf(id) < this.#limits.resumableMs;
  }

  /** The newest first. Walks only through the directories of runs that were not over when sizes were noted last: the others have not grown since. */
  async #measuredRuns(): Promise<KeptRun[]> {
    const known = readSizes(this.#stateDirectory);
    const runs: KeptRun[] = [];
    for (const id of runIds(this.#stateDirectory).reverse()) {
      const directory = directoryOf(this.#stateDirectory, id);
      if (known[id] === undefined) await nextTurn();
      runs.push({ id, directory, bytes: known[id] ?? sizeOf(directory) });
    }
    return runs;
  }

  /** The oldest run comes first. Returns the runs that stay. */
  async #shrink(runs: readonly KeptRun[]): Promise<readonly KeptRun[]> {
    let total = sumOf(runs);
    const removed = new Set<KeptRun>();
    const removeWhole = (run: KeptRun): number => {
      if (!this.#removeRun(run, 'size')) return 0;
      removed.add(run);
      return run.bytes;
    };
    for (const act of [(run: KeptRun) => this.#removeOutputs(run), removeWhole]) {
      for (const run of runs) {
        if (total <= this.#limits.bytes) break;
        await nextTurn();
        if (!this.#isProtected(run)) total -= act(run);
      }
    }
    return runs.filter((run) => !removed.has(run));
  }

  /** Under its lock, so that no other process resumes it meanwhile. False where that was impossible. */
  #removeRun({ id, directory, bytes }: KeptRun, because: Removal['because']): boolean {
    const removal = { id, what: 'run', because, bytes } as const;
    return this.#remove(removal, () => {
      const unlock = lockRun(directory, id);
      try {
        const aside = `${directory}.removed`;
        renameSync(directory, aside);
        rmSync(aside, { recursive: true, force: true });
      } finally {
        unlock();
      }
    });
  }

  /** Of an attempt that passed, the journal keeps the beginning and the end of its output. Returns how much room there is now. */
  #removeOutputs(run: KeptRun): number {
    const { id, directory } = run;
    const files = passedOutputs(directory);
    const bytes = files.reduce((sum, file) => sum + bytesOf(file), 0);
    if (bytes === 0) return 0;
    const isRemoved = this.#remove({ id, what: 'outputs', because: 'size', bytes }, () => {
      const unlock = lockRun(directory, id);
      try {
        for (const file of files) rmSync(file, { force: true });
      } finally {
        unlock();
      }
    });
    if (!isRemoved) return 0;
    run.bytes -= bytes;
    return bytes;
  }

  /** Journals that were set aside, and runs that another process was removing when it died. */
  #removeRemains(): void {
    const runs = join(this.#stateDirectory, 'runs');
    for (const name of namesIn(runs)) {
      const [, id = '', end] = /^([\da-f-]{36})\.(damaged-\d+|removed)$/.exec(name) ?? [];
      const isDamaged = end !== 'removed';
      if (end === undefined || (isDamaged && !this.#isOld(id))) continue;
      const directory = join(runs, name);
      const [what, because] = isDamaged ? (['damaged', 'age'] as const) : (['rest', 'none'] as const);
      this.#remove({ id, what, because, bytes: sizeOf(directory) }, () =>
        rmSync(directory, { recursive: true, force: true }),
      );
    }
  }

  /** False where it could not be done. A run that another process has resumed or removed meanwhile is left to that one. */
  #remove(removal: Removal, act: () => void): boolean {
    try {
      if (!this.#isDryRun) act();
      this.#onRemoval(removal);
      return true;
    } catch (error) {
      const isTaken = error instanceof PexenError && error.code === 'PEXEN_JOURNAL_IN_USE';
      const isGone = removal.what === 'run' && !existsSync(directoryOf(this.#stateDirectory, removal.id));
      if (!isTaken && !isGone) this.#onRemoval({ ...removal, problem: messageOf(error) });
      return false;
    }
  }
}

/** When the run started: its id is a UUID of version 7. */
function startOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

// ── Sizes ──

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

function sumOf(runs: readonly KeptRun[]): number {
  return runs.reduce((sum, { bytes }) => sum + bytes, 0);
}

function sizeOf(directory: string): number {
  return namesIn(directory, true).reduce((sum, name) => sum + bytesOf(join(directory, name)), 0);
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The files with the outputs of attempts that passed. */
function passedOutputs(directory: string): readonly string[] {
  const ends = readJournal(directory).entries.flatMap(({ event }): readonly StoredEnd[] => {
    if (event.type === 'task-finished') return [event.end];
    return event.type === 'attempt-ended' ? [event] : [];
  });
  const files = ends
    .filter(({ outcome }) => outcome === 'returned')
    .flatMap(({ stdout, stderr }) => [stdout?.file, stderr?.file]);
  const names = new Set(files.filter((file) => file !== undefined).map((file) => basename(file)));
  return [...names].map((name) => join(directory, 'out', name));
}

function namesIn(directory: string, recursive = false): string[] {
  try {
    return readdirSync(directory, { encoding: 'utf8', recursive });
  } catch {
    return [];
  }
}
