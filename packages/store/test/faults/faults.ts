/** A disk that fails: cases, and the program that plays them with the library `failing-disk.c`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Fault, libraryVariables } from '#failing-disk';

export interface FaultCase extends Fault {
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

const program = fileURLToPath(new URL('../fixtures/faults.ts', import.meta.url));

/** Plays the cases in one process. Journals are made in the folder. */
export function play(cases: readonly FaultCase[], library: string, folder: string): FaultReport[] {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--conditions=@pexen/source', program, folder],
    {
      encoding: 'utf8',
      input: JSON.stringify(cases),
      env: { ...process.env, ...libraryVariables(library) },
      maxBuffer: 1e9,
    },
  );
  if (status !== 0) throw new Error(`the program ended with ${status}: ${stdout.slice(-2000)}${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FaultReport);
}
