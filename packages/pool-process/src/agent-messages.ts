/** What we and an agent say to each other: the same package at both ends, maybe on different machines. */
import type { News } from '@pexen/core';
import type { OutcomeEnvelope, ThrownWire } from '@pexen/pool-kit';
import type { LateError } from '@pexen/pool-kit/worker';
import type { Settings } from './options.ts';
import type { Work } from './work.ts';

/** Grows with every change of these messages, or of work. */
export const agentVersion = 3;

export type ToAgent =
  /** Comes first. `slot` is the number of the slot that the agent is; `cwd` is where we are, if it has such a directory. */
  | { readonly do: 'hello'; readonly settings: AgentSettings; readonly slot: number; readonly cwd: string }
  /** `isHasty`: on a timeout, a body that has not read its signal need not be given its grace. */
  | {
      readonly do: 'run';
      readonly id: number;
      readonly work: Work;
      readonly graceMs: number;
      readonly isHasty: boolean;
    }
  | { readonly do: 'abort'; readonly id: number; readonly reason: ThrownWire }
  | { readonly do: 'credit'; readonly id: number }
  /** End what runs, or let it end, and then go. */
  | { readonly do: 'close'; readonly how: 'drain' | 'kill' };

/** What concerns an agent; `recycleAfter` and limits may be infinite, which V8's format carries. */
type AgentSettings = Omit<Settings, 'workers' | 'launcher'>;

export type FromAgent =
  | { readonly is: 'ready'; readonly version: number }
  | { readonly is: 'started'; readonly id: number; readonly worker: string }
  | { readonly is: 'news'; readonly id: number; readonly news: readonly News[] }
  | { readonly is: 'ended'; readonly id: number; readonly outcome: OutcomeEnvelope }
  | { readonly is: 'lost'; readonly worker: string; readonly reason: string }
  | { readonly is: 'gone'; readonly worker: string; readonly reason: string }
  /** An error surfaced in a worker of a body that had ended. */
  | { readonly is: 'late'; readonly worker: string; readonly error: LateError };
