/** What comes back of an order. */
import type { OutcomeEnvelope } from '@pexen/pool-kit';

export type Ending = OutcomeEnvelope | GivenBack;

/** It has not begun, and may be handed to somebody else. */
export interface GivenBack {
  readonly kind: 'given-back';
  /** How the worker died that had it. */
  readonly death?: string;
}
