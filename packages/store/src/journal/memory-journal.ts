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

class InMemory implements MemoryJournal {
  readonly runId: string;
  readonly session: number;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #entries: JournalEntry[];
  readonly #recordedListeners = new Set<(upTo: number) => void>();
  #isFlushDue = false;
  #state: JournalState = 'recording';

  constructor({ runId, earlier = [], clock = systemClock }: MemoryJournalOptions) {
    this.runId = runId;
    this.session = (earlier.at(-1)?.session ?? 0) + 1;
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#entries = [...earlier];
  }

  get state(): JournalState {
    return this.#state;
  }

  get lastSeq(): number {
    const last = this.#entries.at(-1);
    if (last === undefined) return 0;
    return last.event.type === 'recording-gap' && last.event.lost ? last.event.to : last.seq;
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
    const seq = this.lastSeq + 1;
    const atMs = Math.round((this.#clock.now() - this.#startedMs) * 1000) / 1000;
    this.#entries.push({
      seq,
      session: this.session,
      atMs,
      event: JSON.parse(JSON.stringify(event)) as JournalEvent,
    });
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
      entries: [...this.#entries],
      unrecordedStarts: false,
    };
  }

  #flush(): void {
    this.#isFlushDue = false;
    for (const listener of this.#recordedListeners) listener(this.lastSeq);
  }
}
