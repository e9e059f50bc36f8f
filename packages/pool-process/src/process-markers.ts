/**
 * The marker in the environment by which the descendants of an attempt are found in any group or session. Markers are nested like paths:
 * `run/pool/number`. A run inside an attempt puts the marker of that attempt in front of its own, so that what ends the outer attempt
 * also finds what the inner run has started. Knows nothing of processes.
 */
import { randomUUID } from 'node:crypto';
import { misuse } from '@pexen/core';

/** The variable that carries it. */
export const markerVariable = 'PEXEN_ATTEMPT';

/** All markers, and the ids of runs in them, are at least so long, so that none is found by accident. */
export const shortestMarker = 16;

/** Hands out the markers of one pool. */
export class ProcessMarkers {
  /** The marker of the pool itself: those it hands out are nested in it. */
  readonly own: string;
  #count = 0;

  /** `outer` is the marker of this process; `runId` is the run that the pool serves, where that is known. */
  constructor(outer: string | undefined = process.env[markerVariable], runId?: string) {
    const own = randomUUID().replaceAll('-', '').slice(0, 16);
    this.own = joined(markerOfRun(outer, runId), own);
  }

  /** A new marker. */
  next(): string {
    this.#count++;
    return `${this.own}/${this.#count}`;
  }
}

/**
 * Marks this process as part of a run: processes that bodies start in it or in its threads can be found by `endStrays`, too. The returned
 * function ends that. Processes that were started before are not marked.
 */
export function markOwnProcess(runId: string): () => void {
  const before = process.env[markerVariable];
  process.env[markerVariable] = markerOfRun(before, runId);
  return () => {
    if (before === undefined) delete process.env[markerVariable];
    else process.env[markerVariable] = before;
  };
}

/** The marker of the run inside of that of this process, which may have it already. */
function markerOfRun(outer: string | undefined, runId: string | undefined): string {
  const run = runId === undefined ? undefined : segmentOf(runId);
  if (run === undefined || outer?.split('/').includes(run)) return outer ?? '';
  return joined(outer ?? '', run);
}

/** The part of a marker that stands for a run. Undefined for ids that are so short that other markers may have such a part. */
function segmentOf(runId: string): string | undefined {
  return runId.length < shortestMarker ? undefined : encodeURIComponent(runId);
}

function joined(outer: string, inner: string): string {
  return outer === '' ? inner : `${outer}/${inner}`;
}

/** True if the environment, in the format of `/proc/PID/environ`, carries this marker or one nested in it. */
export function carriesMarker(environment: Buffer, marker: string): boolean {
  const entry = `${markerVariable}=${marker}`;
  for (let at = environment.indexOf(entry); at !== -1; at = environment.indexOf(entry, at + 1)) {
    const after = environment[at + entry.length];
    const isWhole = after === undefined || after === 0 || after === slash;
    if (isWhole && (at === 0 || environment[at - 1] === 0)) return true;
  }
  return false;
}

const slash = 0x2f;

/**
 * Recognizes the environments, in the format of `/proc/PID/environ`, of processes of a run: of its attempts, and of runs inside of them.
 * @throws PexenError PEXEN_BAD_OPTION if the id has less than 16 characters: such runs are not marked
 */
export function carrierOfRun(runId: string): (environment: Buffer) => boolean {
  const run = segmentOf(runId);
  if (run === undefined)
    throw misuse(
      'PEXEN_BAD_OPTION',
      `the id of a run must have at least ${shortestMarker} characters, so that no other process is taken for one of the run: "${runId}"`,
      'Let the run make its id, which is a UUID.',
    );
  const prefix = `${markerVariable}=`;
  return (environment) => {
    const entries = environment.toString('latin1').split('\0');
    const markers = entries
      .filter((entry) => entry.startsWith(prefix))
      .map((entry) => entry.slice(prefix.length));
    return markers.some((marker) => marker.split('/').includes(run));
  };
}
