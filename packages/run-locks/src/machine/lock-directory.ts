/**
 * The directory in which the runs of one user on one machine find each other: a socket and a file of what it holds for each run, and the epochs of the
 * table. What the kernel does in one step is done in one step here: links and renames. Synchronous; decides nothing.
 */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { misuse } from '@pexen/core';
import type { Grant, WrittenHolds } from '../protocol/messages.ts';

/** What a run says of itself. */
export interface WrittenRun extends WrittenHolds {
  readonly runId: string;
  readonly pid: number;
}

/** So many past epochs are kept: a process that was stopped for longer than that must not take an old one for the present one. */
const keptEpochs = 1_000;
/** The longest path of a socket, less the name of its file. */
const longestPath = 104 - 22;

export class LockDirectory {
  readonly path: string;
  readonly #own: Omit<WrittenRun, 'holds'>;

  /** @throws PexenError PEXEN_LOCKS_DIRECTORY where it is not a directory of this user alone. */
  constructor(path: string, own: Omit<WrittenRun, 'holds'>) {
    this.path = path;
    this.#own = own;
    prepare(path);
  }

  socketOf(run: string): string {
    return join(this.path, `${run}.sock`);
  }

  /** The highest epoch; 0 if there is none. */
  highestEpoch(): number {
    return Math.max(0, ...this.#epochs());
  }

  /** Is it certain that no later epoch was claimed before this call? */
  isInForce(epoch: number): boolean {
    return !existsSync(this.#epochFile(epoch + 1)) && existsSync(this.#epochFile(epoch));
  }

  /** The run that claimed the epoch. */
  ownerOf(epoch: number): string | undefined {
    return readIfThere(this.#epochFile(epoch))?.trim();
  }

  /** False if another run has claimed it. */
  claim(epoch: number): boolean {
    const draft = join(this.path, `${this.#own.run}.claim`);
    writeFileSync(draft, this.#own.run, { mode: 0o600 });
    try {
      linkSync(draft, this.#epochFile(epoch));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    for (const old of this.#epochs())
      if (old < epoch - keptEpochs) rmSync(this.#epochFile(old), { force: true });
    return true;
  }

  writeHolds(holds: readonly Grant[]): void {
    const { run } = this.#own;
    const draft = join(this.path, `${run}.draft`);
    const written: WrittenRun = { ...this.#own, holds };
    writeFileSync(draft, JSON.stringify(written), { mode: 0o600 });
    renameSync(draft, this.#holdsFile(run));
  }

  /** What all other runs have written down. */
  readOthers(): WrittenRun[] {
    const files = readdirSync(this.path).filter((name) => name.endsWith('.json'));
    const runs = files.map((name) => name.slice(0, -'.json'.length)).filter((run) => run !== this.#own.run);
    return runs.flatMap((run) => this.read(run) ?? []);
  }

  read(run: string): WrittenRun | undefined {
    const text = readIfThere(this.#holdsFile(run));
    return text === undefined ? undefined : (JSON.parse(text) as WrittenRun);
  }

  /** Forgets a run that is over. */
  remove(run: string): void {
    rmSync(this.#holdsFile(run), { force: true });
    for (const end of ['sock', 'draft', 'claim']) rmSync(join(this.path, `${run}.${end}`), { force: true });
  }

  #epochs(): number[] {
    const numbers = readdirSync(this.path).map((name) => /^epoch-(\d+)$/.exec(name)?.[1]);
    return numbers.filter((number) => number !== undefined).map(Number);
  }

  #epochFile(epoch: number): string {
    return join(this.path, `epoch-${epoch}`);
  }

  #holdsFile(run: string): string {
    return join(this.path, `${run}.json`);
  }
}

/** The same for all runs of the user, whatever their environment says. */
export function usualDirectory(): string {
  return `/tmp/pexen-locks-${process.getuid?.() ?? 'user'}`;
}

function prepare(path: string): void {
  if (process.platform === 'win32')
    throw misuse(
      'PEXEN_LOCKS_DIRECTORY',
      'locks of the machine need sockets in files, which Windows does not have',
    );
  if (Buffer.byteLength(path) > longestPath)
    throw misuse(
      'PEXEN_LOCKS_DIRECTORY',
      `the path ${path} is too long for sockets in it`,
      'Use a shorter one.',
    );
  mkdirSync(path, { mode: 0o700, recursive: true });
  const { uid, mode } = lstatSync(path);
  const isDirectory = lstatSync(path).isDirectory();
  if (isDirectory && (process.getuid === undefined || uid === process.getuid()) && (mode & 0o077) === 0)
    return;
  const message = `${path} must be a directory of this user, which no other user can read or write`;
  throw misuse('PEXEN_LOCKS_DIRECTORY', message, `Remove it, or run: chmod 700 ${path}`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
