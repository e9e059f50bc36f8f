/** The messages between a host and a remote slot, whatever carries them. */
import type { ReadyFacts, TaskUpdate } from '@pexen/core';
import type { OutcomeEnvelope } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';
import type { Settings } from '../options.ts';
import type { Work } from '../serialized-work.ts';

/** The settings of a remote slot, which may be on another machine: it has no output files, and sends to those of its host. `recycleAfter` and limits may be infinite. */
export type RemoteSettings = Omit<Settings, 'workers' | 'launcher' | 'hosts' | 'outputFile'>;

/** An attempt that a remote slot is to run. */
export interface RemoteAttempt {
  /** The number under which the host knows it. */
  readonly id: number;
  readonly work: Work;
  /** Time between the signal and force, ms. */
  readonly graceMs: number;
  /** On a timeout, a body that has not read its signal gets no grace period. */
  readonly isHasty: boolean;
}

/** What a remote slot reports to its host. Attempts go by their ids, workers by their names on that machine. */
export type RemoteReport =
  | { readonly is: 'started'; readonly id: number; readonly worker: string }
  | { readonly is: 'service-ready'; readonly id: number; readonly facts: ReadyFacts }
  | { readonly is: 'updates'; readonly id: number; readonly updates: readonly TaskUpdate[] }
  /** A part of an output that is too long for the outcome, before `ended`. It starts at this byte; after the last one nothing is missing. */
  | {
      readonly is: 'output';
      readonly id: number;
      readonly stream: 'stdout' | 'stderr';
      readonly at: number;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
    }
  | {
      readonly is: 'ended';
      readonly id: number;
      readonly outcome: OutcomeEnvelope;
      /** The worker that has started it, where that was not reported before. */
      readonly startedBy?: string;
    }
  | { readonly is: 'lost'; readonly worker: string; readonly reason: string }
  | { readonly is: 'gone'; readonly worker: string; readonly reason: string }
  /** An error surfaced in a worker after its body had ended. */
  | { readonly is: 'late'; readonly worker: string; readonly error: LateError };
