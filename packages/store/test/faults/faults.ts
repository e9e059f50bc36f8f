/** A disk that fails: cases, and the program that plays them with the library `failing-disk.c`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What fails: writing, also truncating; synchronizing; opening, also renaming, making and removing. */
export type FailingCall = 'write' | 'sync' | 'open';

export interface FaultCase {
  readonly call: FailingCall;
  readonly errno: number;
  /** The first call of that kind that fails, from 1. */
  readonly from: number;
  /** How many fail; 0: each one from then on. */
  readonly count: number;
  /** The journal has a session already. */
  readonly isContinued: boolean;
}

/** How often files of the run were used. */
export interface Calls {
  readonly write: number;
  readonly sync: number;
  readonly open: number;
  readonly failed: number;
}

/** What came of a case. */
export interface FaultReport {
  readonly case: FaultCase;
  /** Until the disk was in order again. */
  readonly calls: Calls;
  /** The troubles that the journal reported. */
  readonly states: readonly string[];
  /** Why it was not opened. */
  readonly refused?: string;
  /** The last event that the journal said was committed. */
  readonly committed?: number;
  readonly lastSeq?: number;
  /** What a reader then finds. */
  readonly verdict: string;
  readonly seqs: readonly number[];
  readonly gaps: number;
  /** `whole`, or why a further session was refused; and what a reader finds after it. */
  readonly reopened: string;
  readonly verdictAfter: string;
  readonly eventsAfter: number;
}

/** The names that errors of the operating system have here. */
export const errors: Readonly<Record<string, number>> = { ENOSPC: 28, EIO: 5, EROFS: 30 };

const source = fileURLToPath(new URL('failing-disk.c', import.meta.url));
const program = fileURLToPath(new URL('../fixtures/faults.ts', import.meta.url));

/** Builds the library in the folder. Returns undefined where this is not Linux or there is no compiler. */
export function buildLibrary(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const library = join(folder, 'failing-disk.so');
  const { status } = spawnSync('cc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  return status === 0 ? library : undefined;
}

/** Plays the cases in one process. Journals are made in the folder. */
export function play(cases: readonly FaultCase[], library: string, folder: string): FaultReport[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=@pexen/source', program, folder],
    {
      encoding: 'utf8',
      input: JSON.stringify(cases),
      // An asynchronous synchronization is then a call of the library, too.
      env: { ...process.env, LD_PRELOAD: library, UV_USE_IO_URING: '0' },
      maxBuffer: 1e9,
    },
  );
  if (status !== 0) throw new Error(`the program ended with ${status}: ${stdout.slice(-2000)}${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FaultReport);
}
