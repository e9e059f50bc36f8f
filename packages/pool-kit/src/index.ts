/** The host's side of a pool: what goes over the border, and how. */
export { type Border, describeObstacle, type Obstacle, obstacleIn } from './crossing.ts';
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
export * as own from './own-globals.ts';
