/** A place where orders are carried out: one at a time, some more may be handed over ahead. */
import type { Ending } from './ending.ts';
import type { Job } from './job.ts';
import type { Order } from './order.ts';

export interface Station {
  /** Nothing runs here, and the next begins at once. */
  readonly isFree: boolean;
  /** How many more may be handed over now. */
  roomFor(order: Order): number;
  /** Never rejects. */
  run(job: Job): Promise<Ending>;
  /** Asks for what was handed over ahead and has not begun. */
  recall(): void;
  /** Ends by force what runs here. */
  kill(cause: string): void;
  /** Frees everything; nothing runs here any more. */
  close(): Promise<void>;
}
