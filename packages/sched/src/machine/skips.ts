/** Why tasks were skipped, as integers; `skip-reason.ts` makes words of them. */

export const NOT_APPLICABLE = 1;
/** `subject` is the gate. */
export const REQUIREMENT = 2;
/** `subject` is the node of the lock table. */
export const POISON = 3;
export const STOPPED = 4;
export const NOTHING_TO_SALVAGE = 5;
export const NEVER_STARTED = 6;
export const STALLED = 7;
/** `subject` is the node of the lock table, `culprit` the task whose abandoned body holds it. */
export const HELD = 8;

/** Of a task that was skipped. Tasks are -1 where there is none. */
export interface Skip {
  readonly cause: number;
  readonly subject: number;
  /** The task to blame. */
  readonly culprit: number;
  /** The task at the end of the chain of those to blame. */
  readonly origin: number;
}
