/** The worker's side of a pool. */
export { findBody } from './worker/find-body.ts';
export { runAssignment, type WorkerLink } from './worker/run-assignment.ts';
