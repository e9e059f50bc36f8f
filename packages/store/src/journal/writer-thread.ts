/** The thread of the writer. It takes as long to start as Node itself, so that one can be started ahead, beside other work. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { StartWriter } from './journal.ts';
import type { FromWriter, ToThread } from './messages.ts';
import type { WriterOptions } from './writer.ts';

/** A thread that was started ahead and waits for its journal. */
let spare: Worker | undefined;

/**
 * Starts the thread of the next journal of this process, which `startRun`, `resumeRun` or `rerun` opens. Nothing is written; a thread that is never needed does not keep
 * the process alive. Never throws: where the system allows no thread, whatever needs it reports that.
 */
export function prepareJournal(): void {
  if (spare !== undefined) return;
  try {
    const thread = newThread();
    const forget = (): void => {
      if (spare === thread) spare = undefined;
    };
    thread.on('error', forget);
    thread.on('exit', forget);
    thread.unref();
    spare = thread;
  } catch {
    // There is none ahead.
  }
}

/** A thread for each start of the writer. */
export function writerThread(journal: WriterOptions): StartWriter {
  return ({ message, died }) => {
    const thread = spare ?? newThread();
    spare = undefined;
    thread.ref();
    let reason = 'the thread of the journal has ended';
    thread.on('message', (received: FromWriter) => message(received));
    thread.on('error', (error) => {
      reason = `the thread of the journal has failed: ${error instanceof Error ? error.message : String(error)}`;
    });
    thread.on('exit', () => died(reason));
    const post = (sent: ToThread): void => thread.postMessage(sent);
    post({ kind: 'open', journal });
    return { post, keepAlive: (keepsAlive) => (keepsAlive ? thread.ref() : thread.unref()) };
  };
}

function newThread(): Worker {
  const entry = fileURLToPath(import.meta.resolve('@pexen/store/journal-writer'));
  return new Worker(entry, {
    workerData: { writesJournal: true },
    execArgv: [...conditions(), '--disable-warning=ExperimentalWarning'],
    name: 'pexen journal',
  });
}

/** The export conditions of this process; the thread inherits none of its other options. */
function conditions(): string[] {
  const { execArgv } = process;
  return execArgv.flatMap((option, at) => {
    if (/^(?:-C|--conditions)=/.test(option)) return [option];
    return /^(?:-C|--conditions)$/.test(option) ? [option, execArgv[at + 1] ?? ''] : [];
  });
}
