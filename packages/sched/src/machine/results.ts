/** The results that the consumer has not got yet, and its pulls that have no result yet. */
import { clear } from '../plan/undo-log.ts';
import type { State } from './state.ts';
import { GIVEN } from './task-table.ts';

/**
 * A result keeps the place of its task until it is promised to a pull, so that a run stops starting tasks while no
 * pull reads its results. Skipped tasks take no place.
 */
export class PendingResults {
  readonly #state: State;
  /** Tasks with a result, in the order in which they got it. */
  readonly #tasks: number[] = [];
  /** How many of them are given. */
  #given = 0;
  /** How many of them are given or promised to a pull. */
  #promised = 0;
  /** Pulls that are not answered yet. */
  #pulls = 0;

  constructor(state: State) {
    this.#state = state;
  }

  /** True while a pull waits for a result. */
  get areWanted(): boolean {
    return this.#pulls > 0;
  }

  /** Tasks whose results still take places, except for the skipped and the services among them. */
  get unread(): readonly number[] {
    return this.#tasks.slice(this.#promised);
  }

  /** The consumer asks for one more result. */
  pull(): void {
    this.#pulls++;
    this.#promise();
  }

  /** The task has a result. */
  add(task: number): void {
    this.#tasks.push(task);
    if (this.#takesPlace(task)) this.#state.poolOf(task).resultAdded();
    this.#promise();
  }

  /** Answers as many pulls as there are results for. True if all results are given. */
  give(): boolean {
    this.#promise();
    const { tasks } = this.#state;
    while (this.#given < this.#promised) {
      const task = this.#tasks[this.#given++] as number;
      this.#pulls--;
      tasks.set(task, GIVEN);
      this.#state.emit({ type: 'give-result', task });
    }
    if (this.#given < this.#tasks.length) return false;
    clear(this.#tasks);
    this.#given = 0;
    this.#promised = 0;
    return true;
  }

  /** Frees the places of the results that the pulls will get. */
  #promise(): void {
    while (this.#promised < this.#tasks.length && this.#promised - this.#given < this.#pulls) {
      const task = this.#tasks[this.#promised++] as number;
      if (!this.#takesPlace(task)) continue;
      this.#state.poolOf(task).resultPromised();
      this.#state.markStale();
    }
  }

  #takesPlace(task: number): boolean {
    return this.#state.tasks.status[task] !== 0 && !this.#state.isService(task);
  }
}
