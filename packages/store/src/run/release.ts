/**
 * Up to which number everything counts as recorded. While the journal cannot write, that is everything, since a full disk must not hold up a run; but
 * for a task that may not start twice: its start counts only once the head of the journal notes that tasks start unrecorded.
 */
import type { Journal, JournalTrouble } from '../journal/journal.ts';

/** Is it noted outside the database that tasks start unrecorded? */
type Flag = 'unset' | 'asked' | 'set' | 'refused';

/** The number of the last event that counts as recorded. */
export class Release {
  readonly #journal: Journal;
  readonly #onRefused: () => void;
  readonly #listeners = new Set<() => void>();
  /** The numbers of starts that are not committed, in their order. */
  #intended: number[] = [];
  #reported = 0;
  #value = 0;
  #flag: Flag = 'unset';

  /** Calls `onRefused` where nothing can be noted either. */
  constructor(journal: Journal, onRefused: () => void) {
    this.#journal = journal;
    this.#onRefused = onRefused;
    this.#reported = journal.committedSeq;
    this.#value = journal.committedSeq;
    journal.onRecorded((upTo) => {
      this.#reported = Math.max(this.#reported, upTo);
      this.#update();
    });
    journal.onTrouble((trouble) => this.#handle(trouble));
  }

  /** Everything up to this number counts as recorded. It only grows. */
  get value(): number {
    return this.#value;
  }

  /** True if starts can neither be recorded nor noted. */
  get isRefused(): boolean {
    return this.#flag === 'refused';
  }

  /** The event with this number is the start of a task that may not start twice. */
  intend(seq: number): void {
    this.#intended.push(seq);
    this.#update();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #handle({ state }: JournalTrouble): void {
    if (state === 'recording' && this.#flag !== 'asked') this.#flag = 'unset';
    this.#update();
  }

  #update(): void {
    this.#intended = this.#intended.filter((seq) => seq > this.#journal.committedSeq);
    const value = Math.min(this.#reported, this.#limit() ?? this.#reported);
    if (value <= this.#value) return;
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  /** The number before the first start that counts neither as recorded nor as noted. */
  #limit(): number | undefined {
    const [first] = this.#intended;
    const { state } = this.#journal;
    if (first === undefined || state === 'closed' || this.#flag === 'set' || this.#flag === 'refused')
      return undefined;
    if (state !== 'recording' && this.#flag === 'unset') void this.#ask();
    return first - 1;
  }

  async #ask(): Promise<void> {
    this.#flag = 'asked';
    const isNoted = await this.#journal.flagUnrecordedStarts();
    const isRecording = this.#journal.state === 'recording';
    this.#flag = isNoted ? 'set' : isRecording ? 'unset' : 'refused';
    if (this.#flag === 'refused') this.#onRefused();
    this.#update();
  }
}
