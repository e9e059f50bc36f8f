/** What host and thread say to each other. Attempts go by numbers that the host gives out one after the other. */
import type { TaskUpdate } from '@pexen/core';
import type { AssignmentEnvelope, OutcomeEnvelope, ThrownWire } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';

/** What a thread is told when it starts its work. */
export interface Startup {
  readonly port: import('node:worker_threads').MessagePort;
  readonly fence: Int32Array<SharedArrayBuffer>;
  readonly doorbell: Int32Array<SharedArrayBuffer>;
  readonly ring: SharedArrayBuffer;
  /** Leaves what bodies print to the process instead of catching it. */
  readonly inheritsOutput: boolean;
  /** Outcomes are to carry the modules that were loaded. */
  readonly recordsModules: boolean;
}

export type ToThread =
  /** Attempts to be made one after the other; the first has the number `first`. */
  | {
      readonly type: 'run';
      readonly epoch: number;
      readonly first: number;
      readonly attempts: Packed | readonly AssignmentEnvelope[];
      readonly isPacked: boolean;
    }
  | { readonly type: 'abort'; readonly number: number; readonly reason: ThrownWire }
  /** One batch of news of the attempt was taken. */
  | { readonly type: 'credit'; readonly number: number }
  /** No more attempts will come: answer once nothing is pending that could still throw, or soon in any case. */
  | { readonly type: 'leave' };

/** A number is a message that costs little. */
export const written = 0;

export type FromThread =
  | { readonly type: 'ready' }
  /** Something was written to the ring. */
  | typeof written
  | { readonly type: 'updates'; readonly number: number; readonly updates: readonly TaskUpdate[] }
  | { readonly type: 'ended'; readonly number: number; readonly outcome: OutcomeEnvelope }
  /** An error of a body that had ended. It takes no further attempt. */
  | { readonly type: 'late'; readonly error: LateError }
  /** It takes no further attempt: a body that failed may go on. */
  | { readonly type: 'spoiled' }
  /** The answer to `leave`. */
  | { readonly type: 'left' };

// Assignments that carry no values, as most do, go in one flat list of texts and numbers: that is cloned several times faster than the objects.

/** Module, id, fingerprint, path, attempt; and so on. */
export type Packed = readonly (string | number)[];

const width = 5;

/** The list, or undefined where one of them has more to say than fits. */
export function pack(envelopes: readonly AssignmentEnvelope[]): Packed | undefined {
  const packed: (string | number)[] = [];
  for (const envelope of envelopes) {
    const { address, path, attempt } = envelope;
    if (address?.kind !== 'made' || Object.keys(envelope).length > 3) return undefined;
    packed.push(address.url, address.id, address.fingerprint, path, attempt);
  }
  return packed;
}

/** How many there are. */
export function countOf(packed: Packed): number {
  return packed.length / width;
}

/** One of them. */
export function unpack(packed: Packed, index: number): AssignmentEnvelope {
  const at = index * width;
  const [url, id, fingerprint, path] = packed.slice(at, at + 4) as string[];
  return {
    address: { kind: 'made', url: url as string, id: id as string, fingerprint: fingerprint as string },
    path: path as string,
    attempt: packed[at + 4] as number,
  };
}
