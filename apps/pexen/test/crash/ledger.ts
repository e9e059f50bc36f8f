/**
 * The ledger: one line for each thing that a body did, in the order in which it happened. What was really done, whatever pexen says of it. A
 * line has what was done (`start`, `alive`, `ready`, `end`, `fail`), the call path, the attempt, the session, and what identifies the execution.
 */

/** One execution of a body: from its start to its last sign of life. Places are line numbers. */
export interface BodyRun {
  readonly path: string;
  readonly attempt: number;
  readonly session: number;
  readonly from: number;
  to: number;
  /** Of a service that was ready: the place where it says so. */
  ready?: number;
  /** Undefined: it was killed. */
  end: 'end' | 'fail' | undefined;
}

/** Reads a ledger. A last line that was cut is left out. @throws where a line has no start. */
export function readLedger(text: string): BodyRun[] {
  const runs = new Map<string, BodyRun>();
  for (const [place, line] of text.split('\n').slice(0, -1).entries()) {
    const [what = '', path = '', attempt = '', session = '', instance = ''] = line.split(' ');
    const key = `${path} ${session} ${instance}`;
    const run = runs.get(key);
    if (what === 'start')
      runs.set(key, {
        ...{ path, attempt: Number(attempt), session: Number(session), from: place, to: place },
        end: undefined,
      });
    else if (run === undefined) throw new Error(`line ${place + 1} of the ledger has no start: ${line}`);
    else {
      run.to = place;
      if (what === 'ready') run.ready = place;
      if (what === 'end' || what === 'fail') run.end = what;
    }
  }
  return [...runs.values()];
}

/** Does a body of the session run, as far as the ledger says? */
export function hasRunning(text: string, session: number): boolean {
  return readLedger(text).some((run) => run.session === session && run.end === undefined);
}
