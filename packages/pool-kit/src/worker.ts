/** The worker's side of a pool. */

export type { FromWorker, ToWorker } from './engine/messages.ts';
export { FrameReader, frame, LineReader, MessageStream } from './frames.ts';
export * as own from './own-globals.ts';
export { type CurrentCapture, divertOutput } from './worker/divert-output.ts';
export { findBody } from './worker/find-body.ts';
export { asWorker, type LateError, watchErrors } from './worker/late-errors.ts';
export { recordModules } from './worker/module-graph.ts';
export { NewsValve, type ValveOptions } from './worker/news-valve.ts';
export { OutputCapture } from './worker/output-capture.ts';
export { BodyAttempt, runAssignment, type WorkerLink } from './worker/run-assignment.ts';
export { Gaps, untilQuiet } from './worker/turns.ts';
export { WorkerSession, type WorkerSessionOptions } from './worker/worker-session.ts';
