/** What host and thread say to each other. Attempts go by numbers that the host gives out one after the other. */
import type { News } from '@pexen/core';
import type { AssignmentEnvelope, OutcomeEnvelope, ThrownWire } from '@pexen/pool-kit';

/** What a thread is told when it begins its work. */
export interface Startup {
  readonly port: import('node:worker_threads').MessagePort;
  readonly claims: Int32Array<SharedArrayBuffer>;
  readonly bell: Int32Array<SharedArrayBuffer>;
  /** Leaves what bodies print to the process instead of catching it. */
  readonly inheritsOutput: boolean;
}

export type ToThread =
  /** Attempts to be made one after the other; the first has the number `first`. */
  | {
      readonly type: 'run';
      readonly epoch: number;
      readonly first: number;
      readonly envelopes: readonly AssignmentEnvelope[];
    }
  | { readonly type: 'abort'; readonly number: number; readonly reason: ThrownWire }
  /** One batch of news of the attempt has been taken. */
  | { readonly type: 'taken'; readonly number: number };

export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'news'; readonly number: number; readonly news: readonly News[] }
  | { readonly type: 'ended'; readonly number: number; readonly outcome: OutcomeEnvelope };
