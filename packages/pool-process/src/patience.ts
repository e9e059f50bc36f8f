/** How long a worker process is waited for, and what is made of it in the meantime. */

/** A worker that does not take up what it was sent within that time hangs, ms. */
export const takeUpMs = 10_000;
/** So long may it take to come up, ms. */
export const comeUpMs = 30_000;
/** One that runs longer gives back what was sent behind it, ms. */
export const slowMs = 20;
/** A worker that has so many attempts is well supplied: more may come to it in batches. */
export const well = 12;
/** How long a worker may take to give something back or to leave, ms. */
export const answerMs = 1000;
/** After so long without an attempt, ms, what was printed meanwhile is not the next one's. */
export const idleMs = 1;
