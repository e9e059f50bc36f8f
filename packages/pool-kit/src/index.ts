/** The host's side of a pool: what is sent to workers and back, and how. */
export type { Clock } from '@pexen/core';
export { systemClock } from '@pexen/core/timers';
export type {
  Connection,
  ConnectionEvents,
  Connector,
  ConnectorContext,
  SentAttempt,
  Step,
  Timeouts,
  WorkKind,
} from './engine/connector.ts';
export { MessageConnection, type MessageTransport } from './engine/message-connection.ts';
export {
  areReadyFacts,
  type FromWorker,
  isFromWorker,
  isLateError,
  isTaskUpdate,
  isWorkerOutcome,
  type ToWorker,
} from './engine/messages.ts';
export { isShortage } from './engine/problems.ts';
export { SlotEngine, type SlotEngineOptions } from './engine/slot-engine.ts';
export {
  type AssignmentEnvelope,
  type BodyAddress,
  decodeOutcome,
  encodeAssignment,
  encodeOutcome,
  type OutcomeEnvelope,
  refusedByTransport,
} from './envelope.ts';
export {
  crossable,
  decodeThrown,
  type ErrorWire,
  encodeThrown,
  RemoteError,
  type ThrownWire,
  type Unserializable,
} from './error-codec.ts';
export { FrameReader, frame, LineReader, MessageStream } from './frames.ts';
export * as own from './own-globals.ts';
export { type ChannelRules, describeViolation, findViolation, type Violation } from './serializability.ts';
