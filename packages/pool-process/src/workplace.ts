/**
 * Where the programs of one slot run: a private directory (their HOME and TMPDIR), the files that catch what they write,
 * and the file for their report. Clean for every attempt: what nobody touched is used again, anything else is made anew.
 */
import { closeSync, lstatSync, mkdirSync, openSync, readSync, renameSync, type Stats } from 'node:fs';
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { allOrNone } from './all-or-none.ts';
import { Capture, type CaptureLimits } from './capture.ts';
import type { Punch } from './punch.ts';

/** The place of one slot; used for one attempt at a time. */
export class Workplace {
  /** HOME and TMPDIR: empty, and readable for nobody else. */
  readonly home: string;
  /** For `$PEXEN_REPORT`; does not exist until a program makes it. */
  readonly reportPath: string;
  readonly #folder: string;
  readonly #limits: CaptureLimits;
  readonly #punch: Punch;
  #streams: Streams;
  #madeAt: Stats;
  #count = 0;
  /** Why something of an attempt could not be put away. */
  #spoilt: unknown;
  readonly #removals = new Set<Promise<void>>();

  /** The folder must not exist. Where it cannot be set up, nothing of it is left open. */
  constructor(folder: string, limits: CaptureLimits, punch: Punch) {
    mkdirSync(folder, 0o700);
    this.#folder = folder;
    this.#limits = limits;
    this.#punch = punch;
    this.home = join(folder, 'home');
    this.reportPath = join(folder, 'report');
    this.#madeAt = this.#makeHome();
    this.#streams = this.#openStreams();
  }

  /** What the program's stdout, stderr and fd 3 go to. */
  get streams(): Streams {
    return this.#streams;
  }

  /** What the program wrote to fd 3, and then what it wrote to its report file; of too much, the whole lines at the beginning. */
  takeReport(): string {
    const { head, tail } = this.#streams.report.finish();
    return (tail === '' ? head : wholeLines(head)) + this.#takeReportFile();
  }

  /**
   * Makes it clean for the next attempt. `isLeaked`: somebody who may still write lives on, so nothing that he may have
   * open is used again. Throws where the system has no room for what has to be made again: then it is of no use any more.
   */
  clean(isLeaked: boolean): void {
    if (this.#spoilt !== undefined) throw this.#spoilt;
    const home = lstatSync(this.home, { throwIfNoEntry: false });
    const isUntouched = home?.ino === this.#madeAt.ino && home.ctimeMs === this.#madeAt.ctimeMs;
    if (!isUntouched) {
      this.#throwAway(this.home);
      if (this.#spoilt !== undefined) throw this.#spoilt;
      this.#madeAt = this.#makeHome();
    }
    if (isLeaked) {
      const fresh = this.#openStreams();
      this.#closeStreams();
      this.#streams = fresh;
    }
  }

  /** Closes what it has open; its files stay until the folder of the pool is removed. */
  abandon(): void {
    this.#closeStreams();
  }

  /** Removes it. */
  async remove(): Promise<void> {
    this.#closeStreams();
    await Promise.all(this.#removals);
    await removeTree(this.#folder);
  }

  /** Removing a large tree takes long: it is put aside at once, and removed meanwhile. */
  #throwAway(path: string): void {
    const aside = join(this.#folder, `trash-${this.#count++}`);
    try {
      renameSync(path, aside);
    } catch (error) {
      // What is mounted or immutable stays where it is, and no further program may find it there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#spoilt ??= error;
      return;
    }
    const removal = removeTree(aside).then(() => void this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  #makeHome(): Stats {
    mkdirSync(this.home, { mode: 0o700, recursive: true });
    return lstatSync(this.home);
  }

  #openStreams(): Streams {
    const opener =
      (name: string, limits = this.#limits) =>
      () =>
        new Capture(join(this.#folder, `${name}-${this.#count++}`), limits, this.#punch);
    const all = allOrNone([opener('stdout'), opener('stderr'), opener('fd3', reportLimits)]);
    const [stdout, stderr, report] = all as [Capture, Capture, Capture];
    return { stdout, stderr, report };
  }

  #closeStreams(): void {
    for (const stream of Object.values(this.#streams)) stream.close();
  }

  #takeReportFile(): string {
    const facts = lstatSync(this.reportPath, { throwIfNoEntry: false });
    if (facts === undefined) return '';
    const text = facts.isFile() ? readStart(this.reportPath, facts.size) : '';
    this.#throwAway(this.reportPath);
    return text;
  }
}

/** The streams of one program. */
export interface Streams {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly report: Capture;
}

/** The longest report that is taken whole, bytes. */
const longestReport = 16 * 1024 * 1024;
const reportLimits: CaptureLimits = { kept: 2 * longestReport, onDisk: 4 * longestReport, told: 1024 };

function readStart(path: string, size: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(Math.min(size, longestReport));
      const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
      return size > longestReport ? wholeLines(text) : text;
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

/** Removes a file or a tree, also one whose directories were made unwritable. Answers why something of it is left, if so. */
export async function removeTree(path: string): Promise<unknown> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch {
    await unlock(path).catch(() => {});
    return await rm(path, { recursive: true, force: true }).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  return undefined;
}

async function unlock(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return;
  await chmod(path, 0o700);
  for (const name of await readdir(path)) await unlock(join(path, name));
}
