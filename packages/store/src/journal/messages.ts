/** What the thread of the writer and its host say to each other. */
import type { Problem } from '@pexen/core';
import type { JournalEnd } from './database.ts';
import type { Row } from './row.ts';
import type { StorageError } from './sqlite.ts';
import type { WriterOptions } from './writer.ts';

/** To the thread: which journal it writes, and then the messages to the writer. */
export type ToThread = { readonly kind: 'open'; readonly journal: WriterOptions } | ToWriter;

/** From the host. The numbers of rows only grow, but for `retry`, which has all rows again that are not committed. */
export type ToWriter =
  | { readonly kind: 'append'; readonly rows: readonly Row[] }
  /** After a failure: continues on a fresh connection. */
  | { readonly kind: 'retry'; readonly rows: readonly Row[] }
  /** Puts everything on the disk. */
  | { readonly kind: 'sync'; readonly id: number }
  | { readonly kind: 'flag'; readonly id: number; readonly unrecordedStarts: boolean }
  | { readonly kind: 'close' };

/** From the thread. */
export type FromWriter =
  | ({ readonly kind: 'opened' } & JournalEnd)
  /** It did not open; nothing follows. `problems`: those of a PexenError. */
  | { readonly kind: 'refused'; readonly error: StorageError; readonly problems?: readonly Problem[] }
  /** A retry succeeded: all its rows are committed. */
  | { readonly kind: 'resumed' }
  | { readonly kind: 'recorded'; readonly committed: number; readonly synced: number }
  /** Nothing is written until `retry`; never again after a failed synchronization. */
  | { readonly kind: 'failed'; readonly error: StorageError; readonly isFinal: boolean }
  /** The answer to `sync` and `flag`. */
  | { readonly kind: 'answered'; readonly id: number; readonly isDone: boolean }
  | { readonly kind: 'closed' };
