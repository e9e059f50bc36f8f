/**
 * What a node keeps of attempts until their scheduler has settled them, so that a later session of the run can take them over: what they reported for the
 * record, and how they ended. Knows no session, and not what runs.
 */
import type { LeftAttempt } from '@pexen/core';
import type { RemoteReport } from '@pexen/pool-process/remote';

/** Which attempt of its run it is. */
export type AttemptKey = Pick<LeftAttempt, 'session' | 'path' | 'attempt' | 'part'>;

/** One attempt. */
export interface KeptAttempt {
  /** Its number on this node. */
  readonly kept: number;
  readonly run: string;
  readonly key: AttemptKey;
  /** The number under which its link knows it. */
  readonly id: number;
  /** What has to be reported again, in order. */
  readonly reports: RemoteReport[];
  /** `unstarted`: it was returned when its scheduler was gone, which a later session gets to know. */
  state: 'waiting' | 'running' | 'ended' | 'unstarted';
  /** When it has started, by the clock of the node. */
  startedMs: number | undefined;
  /** Batches of updates, and parts of outputs, that its scheduler has not processed. */
  uncredited: number;
  /** Its scheduler wants it stopped: nothing takes it over. */
  isStopping: boolean;
}

/** So many attempts are kept; of more, those that have ended first are forgotten. */
const mostKept = 1_000;

export class KeptAttempts {
  readonly #all = new Map<number, KeptAttempt>();
  #count = 0;

  /** The attempt was sent to its slot. */
  add(run: string, key: AttemptKey, id: number): KeptAttempt {
    const kept: KeptAttempt = {
      ...{ kept: ++this.#count, run, key, id, reports: [] },
      ...{ state: 'waiting', startedMs: undefined, uncredited: 0, isStopping: false },
    };
    this.#all.set(kept.kept, kept);
    if (this.#all.size > mostKept) this.#forgetOldest();
    return kept;
  }

  get(kept: number): KeptAttempt | undefined {
    return this.#all.get(kept);
  }

  /**
   * It has reported something. Output and progress are for people, and were for those who looked then; the outcome has the output once more.
   * `isTakenOver`: its scheduler is gone, and does not get to know it.
   */
  note(kept: KeptAttempt, report: RemoteReport, nowMs: number, isTakenOver: boolean): void {
    if (report.is === 'output') kept.uncredited++;
    else if (report.is === 'updates') {
      kept.uncredited++;
      const updates = report.updates.filter(({ kind }) => kind === 'finding' || kind === 'attachment');
      if (updates.length > 0) kept.reports.push({ ...report, updates });
    } else if (report.is === 'started' || report.is === 'ended') kept.reports.push(report);
    if (report.is === 'started') Object.assign(kept, { state: 'running', startedMs: nowMs });
    if (report.is !== 'ended') return;
    kept.state = report.outcome.kind === 'not-started' ? 'unstarted' : 'ended';
    if (kept.state === 'unstarted' && !isTakenOver) this.forget(kept);
  }

  forget({ kept }: KeptAttempt): void {
    this.#all.delete(kept);
  }

  /** What sessions of the run before this one have left. */
  forgetBefore(run: string, session: number): void {
    for (const kept of this.#all.values())
      if (kept.run === run && kept.key.session < session) this.forget(kept);
  }

  /** What a session of this number, or of a later one, has left: the journal of the present one does not know them. */
  forgetFrom(run: string, session: number): void {
    for (const kept of this.#all.values())
      if (kept.run === run && kept.key.session >= session) this.forget(kept);
  }

  /** Those of a run that have ended, or never will start. */
  overOf(run: string): readonly KeptAttempt[] {
    return [...this.#all.values()].filter((kept) => kept.run === run && isOver(kept));
  }

  #forgetOldest(): void {
    for (const kept of this.#all.values())
      if (isOver(kept)) {
        this.forget(kept);
        return;
      }
  }
}

function isOver({ state }: KeptAttempt): boolean {
  return state === 'ended' || state === 'unstarted';
}
