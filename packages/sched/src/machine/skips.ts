/** Why tasks were skipped, as integers; `skip-reason.ts` makes words of them. */
import { bytes, ints, Table } from '../plan/columns.ts';

export const NOT_APPLICABLE = 1;
/** `subject` is the gate. */
export const REQUIREMENT = 2;
/** `subject` is the node of the lock table. */
export const POISON = 3;
export const STOPPED = 4;
export const NOTHING_TO_SALVAGE = 5;
export const NEVER_STARTED = 6;
export const STALLED = 7;

export class Skips extends Table {
  cause: Uint8Array = bytes();
  subject: Int32Array = ints();
  /** The task to blame, -1 if there is none. */
  culprit: Int32Array = ints();
  /** The task at the end of the chain of those to blame, -1 if there is none. */
  origin: Int32Array = ints();

  note(task: number, cause: number, subject: number, culprit: number): void {
    this.cause[task] = cause;
    this.subject[task] = subject;
    this.culprit[task] = culprit;
    this.origin[task] =
      culprit >= 0 && this.cause[culprit] !== 0 ? (this.origin[culprit] as number) : culprit;
    if (culprit >= 0 && (this.origin[task] as number) < 0) this.origin[task] = culprit;
  }
}
