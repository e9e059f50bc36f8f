/**
 * Where the programs of one slot run: a private directory (their HOME and TMPDIR), the files that catch what they write,
 * and the file for their report. Clean for every attempt: what nobody touched is used again, anything else is made anew.
 */
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { Capture, type CaptureLimits } from './capture.ts';

/** The place of one slot; used for one attempt at a time. */
export class Workplace {
  /** HOME and TMPDIR: empty, and readable for nobody else. */
  readonly home: string;
  /** For `$PEXEN_REPORT`; does not exist until a program makes it. */
  readonly reportPath: string;
  readonly #folder: string;
  readonly #limits: CaptureLimits;
  #streams: Streams;
  #madeAt: Stats;
  #count = 0;

  /** The folder must not exist. */
  constructor(folder: string, limits: CaptureLimits) {
    mkdirSync(folder, 0o700);
    this.#folder = folder;
    this.#limits = limits;
    this.home = join(folder, 'home');
    this.reportPath = join(folder, 'report');
    this.#madeAt = this.#makeHome();
    this.#streams = this.#openStreams();
  }

  /** What the program's stdout, stderr and fd 3 go to. */
  get streams(): Streams {
    return this.#streams;
  }

  /** What the program wrote to fd 3, and then what it wrote to its report file. */
  takeReport(): string {
    const { head } = this.#streams.report.finish();
    return head + this.#takeReportFile();
  }

  /**
   * Makes it clean for the next attempt. `isLeaked`: somebody who may still write lives on, so nothing that he may have
   * open is used again.
   */
  clean(isLeaked: boolean): void {
    const home = lstatSync(this.home, { throwIfNoEntry: false });
    const isUntouched = home?.ino === this.#madeAt.ino && home.ctimeMs === this.#madeAt.ctimeMs;
    if (!isUntouched) {
      removeTree(this.home);
      this.#madeAt = this.#makeHome();
    }
    if (isLeaked) {
      this.#closeStreams();
      this.#streams = this.#openStreams();
    }
  }

  /** Removes it. */
  remove(): void {
    this.#closeStreams();
    removeTree(this.#folder);
  }

  #makeHome(): Stats {
    mkdirSync(this.home, { mode: 0o700, recursive: true });
    return lstatSync(this.home);
  }

  #openStreams(): Streams {
    const open = (name: string) => new Capture(join(this.#folder, `${name}-${this.#count++}`), this.#limits);
    return { stdout: open('stdout'), stderr: open('stderr'), report: open('fd3') };
  }

  #closeStreams(): void {
    for (const stream of Object.values(this.#streams)) stream.close();
  }

  #takeReportFile(): string {
    const facts = lstatSync(this.reportPath, { throwIfNoEntry: false });
    if (facts === undefined) return '';
    const text = facts.isFile() ? readStart(this.reportPath, Math.min(facts.size, this.#limits.kept)) : '';
    removeTree(this.reportPath);
    return text;
  }
}

/** The streams of one program. */
export interface Streams {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly report: Capture;
}

function readStart(path: string, length: number): string {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(length);
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

/** Removes a file or a tree, also one whose directories were made unwritable. What cannot be removed is left. */
export function removeTree(path: string): void {
  for (const prepare of [() => {}, () => unlock(path)]) {
    try {
      prepare();
      rmSync(path, { recursive: true, force: true });
      return;
    } catch {
      // The next one tries harder; a mount point, say, stays.
    }
  }
}

function unlock(path: string): void {
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) unlock(join(path, name));
}
