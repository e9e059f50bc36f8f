/** What comes back of an order. */
import type { OutcomeEnvelope } from '@pexen/pool-kit';

export type Ending = OutcomeEnvelope | GivenBack | NoSlot;

/** It has not begun, and may be handed to somebody else. */
export interface GivenBack {
  readonly kind: 'given-back';
  /** How the worker died that had it. */
  readonly death?: string;
}

/** It has not begun, since the slot could not be set up: its folder, its files, its worker, or the process that starts programs. */
export interface NoSlot {
  readonly kind: 'no-slot';
  readonly error: unknown;
}
