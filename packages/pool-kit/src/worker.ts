/** The worker's side of a pool. */
export { type CurrentCapture, divertOutput } from './worker/divert-output.ts';
export { findBody } from './worker/find-body.ts';
export { NewsValve, type ValveOptions } from './worker/news-valve.ts';
export { OutputCapture } from './worker/output-capture.ts';
export { runAssignment, type WorkerLink } from './worker/run-assignment.ts';
