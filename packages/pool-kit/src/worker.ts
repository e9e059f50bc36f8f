/** The worker's side of a pool. */

export type { FromWorker, ToWorker } from './engine/messages.ts';
export { FrameReader, frame, LineReader, MessageStream } from './frames.ts';
export * as own from './own-globals.ts';
export { CreditedSender, type CreditedSenderOptions } from './worker/credited-sender.ts';
export { asWorker, type LateError, watchErrors } from './worker/late-errors.ts';
export { recordModules } from './worker/module-graph.ts';
export { type CurrentCapture, OutputCapture, redirectOutput } from './worker/output-capture.ts';
export { resolveBody } from './worker/resolve-body.ts';
export { BodyAttempt, runAssignment, type WorkerLink } from './worker/run-assignment.ts';
export { Gaps, untilQuiet } from './worker/turns.ts';
export { WorkerSession, type WorkerSessionOptions } from './worker/worker-session.ts';
