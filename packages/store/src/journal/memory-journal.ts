/** The twin of the journal on the disk: it is only in memory, for tests and for runs that record nothing. */
import type { Clock } from '@pexen/core';
import { systemClock } from '@pexen/core/timers';
import type { JournalEntry, JournalEvent } from './events.ts';
import type { Journal, JournalState } from './journal.ts';
import type { JournalContent } from './read-journal.ts';

/** Options of `memoryJournal`. */
export interface MemoryJournalOptions {
  readonly runId: string;
  /** What earlier sessions have recorded. */
  readonly earlier?: readonly JournalEntry[];
  readonly clock?: Clock;
}

/** A journal in memory, and what it says. */
export interface MemoryJournal extends Journal {
  /** What `readJournal` would return. */
  read(): JournalContent;
}

/** A journal that ends with the process. */
export function memoryJournal(options: MemoryJournalOptions): MemoryJournal {
  return new InMemory(options);
}

/** As on the disk, an event is its text until it is read. */
interface StoredEntry extends Omit<JournalEntry, 'event'> {
  readonly text: string;
}

class InMemory implements MemoryJournal {
  readonly runId: string;
  readonly session: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #earlier: readonly JournalEntry[];
  readonly #entries: StoredEntry[] = [];
  #lastSeq: number;
  readonly #recordedListeners = new Set<(upTo: number) => void>();
  #isFlushDue = false;
  #state: JournalState = 'recording';

  constructor({ runId, earlier = [], clock = systemClock }: MemoryJournalOptions) {
    this.runId = runId;
    this.session = (earlier.at(-1)?.session ?? 0) + 1;
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#earlier = [...earlier];
    const last = earlier.at(-1);
    this.#lastSeq =
      last?.event.type === 'recording-gap' && last.event.lost ? last.event.to : (last?.seq ?? 0);
  }

  get state(): JournalState {
    return this.#state;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get committedSeq(): number {
    return this.lastSeq;
  }

  get syncedSeq(): number {
    return this.lastSeq;
  }

  get pendingSize(): number {
    return 0;
  }

  append(event: JournalEvent): number {
    const seq = ++this.#lastSeq;
    const atMs = Math.round((this.#clock.now() - this.#startedMs) * 1000) / 1000;
    this.#entries.push({ seq, session: this.session, atMs, text: JSON.stringify(event) });
    if (!this.#isFlushDue) setImmediate(() => this.#flush());
    this.#isFlushDue = true;
    return seq;
  }

  onRecorded(listener: (upTo: number) => void): () => void {
    this.#recordedListeners.add(listener);
    return () => this.#recordedListeners.delete(listener);
  }

  onTrouble(): () => void {
    return () => {};
  }

  sync(): Promise<boolean> {
    return Promise.resolve(true);
  }

  flagUnrecordedStarts(): Promise<boolean> {
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.#flush();
    this.#state = 'closed';
    return Promise.resolve();
  }

  read(): JournalContent {
    return {
      verdict: { kind: 'whole' },
      runId: this.runId,
      entries: [...this.#earlier, ...this.#entries.map(entryOf)],
      unrecordedStarts: false,
    };
  }

  #flush(): void {
    this.#isFlushDue = false;
    for (const listener of this.#recordedListeners) listener(this.lastSeq);
  }
}

function entryOf({ text, ...entry }: StoredEntry): JournalEntry {
  return { ...entry, event: JSON.parse(text) as JournalEvent };
}
