/** Opens the journal of a run in a directory: the queue in this thread, the writer in a thread of its own. */
import { type Clock, misuse, PexenError, type Problem } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { bootMark } from './boot-mark.ts';
import { type Journal, QueuedJournal } from './journal.ts';
import type { StorageError } from './sqlite.ts';
import type { Durability } from './writer.ts';
import { writerThread } from './writer-thread.ts';

/** Options of `openJournal`. */
export interface OpenJournalOptions {
  /** The directory of the run; created if it does not exist. Only its owner can read it. */
  readonly directory: string;
  /** The id of the run, which is part of the checksum of each event. */
  readonly runId: string;
  /**
   * When an event counts as recorded. `process`: it survives the death of the process, and reaches the disk shortly afterwards. `power`: it
   * survives a power failure. Barriers, such as the start of a task that may not start twice, always do.
   */
  readonly durability: Durability;
  readonly clock?: Clock;
}

/**
 * Creates the journal of a run, or continues it. Only one process can have it open.
 *
 * @throws PexenError `PEXEN_JOURNAL_IN_USE`, `PEXEN_JOURNAL_DAMAGED`, `PEXEN_JOURNAL_NEWER`, or `PEXEN_JOURNAL_FAILED` where the disk refuses it.
 */
export async function openJournal(options: OpenJournalOptions): Promise<Journal> {
  const { directory, runId, durability, clock = systemClock } = options;
  const startWriter = writerThread({ directory, runId, durability, boot: bootMark() });
  return QueuedJournal.open({ runId, clock, startWriter }).catch((refusal) => {
    throw errorOf(refusal, directory);
  });
}

function errorOf(
  { error, problems }: { error: StorageError; problems?: readonly Problem[] },
  directory: string,
): PexenError {
  const [first, ...rest] = problems ?? [];
  if (first !== undefined) return new PexenError([first, ...rest]);
  const message = `the journal in ${directory} cannot be opened: ${error.message} (${error.code})`;
  return misuse('PEXEN_JOURNAL_FAILED', message, 'Make room, or choose a directory that can be written.');
}
