/**
 * Notices that a file system is full. A program whose writes fail mostly goes on as if nothing had happened, so what it reported is missing
 * and nobody says so; another one may have filled the disk, and its files are gone by the time somebody looks. Knows nothing of programs.
 */
import { closeSync, ftruncateSync, openSync, rmSync, type StatsFs, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** With fewer blocks nothing can be written. */
const leastBlocks = 2;
const probe = Buffer.alloc(4096);
/** A trial to write costs more than a question, and finds what is left of a quota: it is made this often at most, ms. */
const probeMs = 50;

/** What is asked of the system. */
export interface DiskProbe {
  /** What the file system says of itself. */
  readonly facts: () => Pick<StatsFs, 'bavail' | 'bfree' | 'files' | 'ffree'>;
  /** Writes something, and takes it away again. @throws what the system says. */
  readonly write: () => void;
  readonly close: () => void;
}

export class DiskWatch {
  readonly #probe: DiskProbe;
  #times = 0;
  #probedMs = Number.NEGATIVE_INFINITY;
  #why = '';

  constructor(probe: DiskProbe) {
    this.#probe = probe;
  }

  /** How often it was found full. */
  get times(): number {
    return this.#times;
  }

  /** How it was found full the last time, one sentence. */
  get why(): string {
    return this.#why;
  }

  /** Looks. */
  look(): void {
    const code = this.#isFull();
    if (code === undefined) return;
    this.#times++;
    this.#why = code;
  }

  close(): void {
    this.#probe.close();
  }

  #isFull(): string | undefined {
    try {
      const { bavail, bfree, files, ffree } = this.#probe.facts();
      const free = process.geteuid?.() === 0 ? bfree : bavail;
      if (free < leastBlocks) return 'was full (ENOSPC)';
      if (files > 0 && ffree === 0) return 'had no room for another file (ENOSPC)';
      const nowMs = performance.now();
      if (nowMs - this.#probedMs < probeMs) return undefined;
      this.#probe.write();
      this.#probedMs = nowMs;
      return undefined;
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      return fullCodes.has(code) ? `was full (${code})` : `could not be written to (${code})`;
    }
  }
}

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Looks at the file system of a folder of ours. */
export function diskProbe(folder: string): DiskProbe {
  const path = join(folder, 'probe');
  let fd: number | undefined;
  return {
    facts: () => statfsSync(folder),
    write: () => {
      fd ??= openSync(path, 'w', 0o600);
      writeSync(fd, probe, 0, probe.length, 0);
      ftruncateSync(fd, 0);
    },
    close: () => {
      if (fd === undefined) return;
      closeSync(fd);
      rmSync(path, { force: true });
    },
  };
}
