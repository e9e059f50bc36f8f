/** The messages between host and thread. Attempts go by consecutive numbers of the host. */
import type { ReadyFacts, TaskUpdate } from '@pexen/core';
import type { AssignmentEnvelope, OutcomeEnvelope, ThrownWire } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';

/** The data that a thread gets when it starts. */
export interface Startup {
  readonly port: import('node:worker_threads').MessagePort;
  readonly fence: Int32Array<SharedArrayBuffer>;
  readonly doorbell: Int32Array<SharedArrayBuffer>;
  readonly ring: SharedArrayBuffer;
  /** Output goes to the process instead of being captured. */
  readonly inheritsOutput: boolean;
  /** Outcomes are to carry the modules that were loaded. */
  readonly recordsModules: boolean;
}

export type ToThread =
  /** Attempts to be run one after the other; the first has the number `first`. */
  | {
      readonly type: 'run';
      readonly epoch: number;
      readonly first: number;
      readonly attempts: Packed | readonly AssignmentEnvelope[];
      readonly isPacked: boolean;
    }
  | { readonly type: 'abort'; readonly number: number; readonly reason: ThrownWire }
  /** One batch of updates of the attempt was processed. */
  | { readonly type: 'credit'; readonly number: number }
  /** No more attempts will come: answer once no timer and no request is pending, or after a short time. */
  | { readonly type: 'leave' };

/** A message that is a number costs little. */
export const written = 0;

export type FromThread =
  | { readonly type: 'ready' }
  /** There are new results in the ring. */
  | typeof written
  | { readonly type: 'service-ready'; readonly number: number; readonly facts: ReadyFacts }
  | { readonly type: 'updates'; readonly number: number; readonly updates: readonly TaskUpdate[] }
  | { readonly type: 'ended'; readonly number: number; readonly outcome: OutcomeEnvelope }
  /** An error surfaced after its body had ended. The thread takes no further attempt. */
  | { readonly type: 'late'; readonly error: LateError }
  /** The thread takes no further attempt: a failed body may still run. */
  | { readonly type: 'spoiled' }
  /** The answer to `leave`. */
  | { readonly type: 'left' };

// Assignments without values, which most are, are sent as one flat list of texts and numbers, which is cloned several times faster than objects.

/** Module, id, fingerprint, path, attempt; and so on. */
export type Packed = readonly (string | number)[];

const width = 5;

/** The list, or undefined where an assignment has more data than fits. */
export function pack(envelopes: readonly AssignmentEnvelope[]): Packed | undefined {
  const packed: (string | number)[] = [];
  for (const envelope of envelopes) {
    const { address, path, attempt } = envelope;
    if (address?.kind !== 'made' || Object.keys(envelope).length > 3) return undefined;
    packed.push(address.url, address.id, address.fingerprint, path, attempt);
  }
  return packed;
}

/** The number of assignments. */
export function countOf(packed: Packed): number {
  return packed.length / width;
}

/** One of the assignments. */
export function unpack(packed: Packed, index: number): AssignmentEnvelope {
  const at = index * width;
  const [url, id, fingerprint, path] = packed.slice(at, at + 4) as string[];
  return {
    address: { kind: 'made', url: url as string, id: id as string, fingerprint: fingerprint as string },
    path: path as string,
    attempt: packed[at + 4] as number,
  };
}
