/** How an event becomes a row of the database, and how damage of a row is found. Knows nothing of files. */
import { crc32 } from 'node:zlib';
import type { JournalEntry, JournalEvent } from './events.ts';
import type { AnyEvent } from './upcast.ts';

/** The columns of an event, without its checksum. */
export interface Row {
  readonly seq: number;
  readonly session: number;
  readonly atMs: number;
  readonly type: string;
  /** Null for events that are not about one task or attempt. */
  readonly task: number | null;
  readonly attempt: number | null;
  /** All other fields as JSON. In the database a long body is `blob:` and its SHA-256. */
  readonly body: string;
}

/** The row of an event. @throws TypeError where the event is not JSON. */
export function rowOf({ seq, session, atMs, event }: JournalEntry): Row {
  const { type, task = null, attempt = null, ...rest } = event as JournalEvent & Partial<TaskFields>;
  return { seq, session, atMs, type, task, attempt, body: JSON.stringify(rest) };
}

/** The event in a row whose checksum is right. @throws SyntaxError where the body is not JSON. */
export function eventOf({ type, task, attempt, body }: Row): AnyEvent {
  return {
    type,
    ...(task !== null && { task }),
    ...(attempt !== null && { attempt }),
    ...(JSON.parse(body) as object),
  };
}

/** The checksum over the id of the run and all columns: a row of another run is never taken for one of this run. */
export function checksumOf(runId: string, row: Row): number {
  const { seq, session, atMs, type, task, attempt, body } = row;
  return crc32(`${runId}\0${seq}\0${session}\0${atMs}\0${type}\0${task}\0${attempt}\0${body}`);
}

interface TaskFields {
  readonly task: number;
  readonly attempt: number;
}
