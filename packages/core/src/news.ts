/** What a running body lets the world know. Goes from the pool to the listeners, beside the machine. */
import type { Finding } from './finding.ts';

/** One thing that a running body said. */
export type News =
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'attachment'; readonly attachment: Attachment }
  | { readonly kind: 'log'; readonly message: string; readonly data?: unknown }
  /** A sign of life and nothing else. */
  | { readonly kind: 'heartbeat' };

/** How far a body is, in any unit. */
export interface Progress {
  readonly done: number;
  /** Of how many. */
  readonly total?: number;
  readonly message?: string;
}

/** A file, or a text, to be kept with the result. */
export interface Attachment {
  readonly name: string;
  readonly mediaType?: string;
  /** Its path; else `text`. */
  readonly file?: string;
  readonly text?: string;
}
