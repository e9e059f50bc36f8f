/**
 * A journal in memory that is cut: from one event on the process counts as dead. Of the events that were not recorded by then, only some are left, as
 * after a kill. What happens afterwards in the test did not happen.
 */
import type { Journal, JournalEntry, JournalEvent, JournalState } from '../../src/index.ts';
import type { Random } from '../resume/random.ts';

export class CutJournal implements Journal {
  readonly runId = '0198c0de-0000-7000-8000-000000000001';
  readonly session: number;
  readonly state: JournalState = 'recording';
  readonly pendingSize = 0;
  /** Called once, when the process dies. */
  onDeath: () => void = () => {};
  /** What a later session finds. */
  left: readonly JournalEntry[] | undefined;
  readonly #cutAfter: number;
  readonly #random: Random;
  readonly #entries: JournalEntry[];
  readonly #first: number;
  readonly #listeners = new Set<(upTo: number) => void>();
  #recorded: number;
  #isFlushDue = false;

  /** Dies at the event with this number of the session, from 1. */
  constructor(earlier: readonly JournalEntry[], cutAfter: number, random: Random) {
    this.session = (earlier.at(-1)?.session ?? 0) + 1;
    this.#entries = [...earlier];
    this.#first = earlier.length;
    this.#recorded = earlier.length;
    this.#cutAfter = cutAfter;
    this.#random = random;
  }

  get isDead(): boolean {
    return this.left !== undefined;
  }

  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** How many events this session has appended. */
  get appended(): number {
    return this.#entries.length - this.#first;
  }

  get lastSeq(): number {
    return this.#entries.length;
  }

  get committedSeq(): number {
    return this.isDead ? Number.MAX_SAFE_INTEGER : this.#recorded;
  }

  get syncedSeq(): number {
    return this.committedSeq;
  }

  append(event: JournalEvent): number {
    const seq = this.#entries.length + 1;
    const plain = JSON.parse(JSON.stringify(event)) as JournalEvent;
    this.#entries.push({ seq, session: this.session, atMs: 0, event: plain });
    if (this.appended === this.#cutAfter && !this.isDead) this.#die();
    if (!this.#isFlushDue) setImmediate(() => this.#flush());
    this.#isFlushDue = true;
    return seq;
  }

  onRecorded(listener: (upTo: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    return Promise.resolve();
  }

  #die(): void {
    const lost = this.#random.below(this.#entries.length - this.#recorded + 1);
    this.left = this.#entries.slice(0, this.#entries.length - lost);
    this.onDeath();
  }

  #flush(): void {
    this.#isFlushDue = false;
    if (!this.isDead) this.#recorded = this.#entries.length;
    for (const listener of this.#listeners) listener(this.#entries.length);
  }
}
