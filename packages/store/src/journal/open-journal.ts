/** Opens the journal of a run in a directory: the queue in this thread, the writer in a thread of its own. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Clock, misuse, PexenError, type Problem } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import { bootMark } from './boot-mark.ts';
import { type Journal, QueuedJournal, type StartWriter } from './journal.ts';
import type { FromWriter } from './messages.ts';
import type { StorageError } from './sqlite.ts';
import type { Durability, WriterOptions } from './writer.ts';

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

/** A thread for each start of the writer. */
export function writerThread(journal: WriterOptions): StartWriter {
  const entry = fileURLToPath(import.meta.resolve('@pexen/store/journal-writer'));
  return ({ message, died }) => {
    const thread = new Worker(entry, {
      workerData: { journal },
      execArgv: [...conditions(), '--disable-warning=ExperimentalWarning'],
      name: 'pexen journal',
    });
    let reason = 'the thread of the journal has ended';
    thread.on('message', (received: FromWriter) => message(received));
    thread.on('error', (error) => {
      reason = `the thread of the journal has failed: ${error instanceof Error ? error.message : String(error)}`;
    });
    thread.on('exit', () => died(reason));
    return {
      post: (sent) => thread.postMessage(sent),
      keepAlive: (keepsAlive) => (keepsAlive ? thread.ref() : thread.unref()),
    };
  };
}

/** The export conditions of this process; the thread inherits none of its other options. */
function conditions(): string[] {
  const { execArgv } = process;
  return execArgv.flatMap((option, at) => {
    if (/^(?:-C|--conditions)=/.test(option)) return [option];
    return /^(?:-C|--conditions)$/.test(option) ? [option, execArgv[at + 1] ?? ''] : [];
  });
}
