/** What happened to the tasks, so that one can be told: the last so many steps of all of them, in a ring of fixed size. */
import { bytes, floats, ints, Table } from '@pexen/core/columns';

const longest = 1 << 16;

export class Story extends Table {
  #size = 256;
  #next = 0;
  task: Int32Array = ints();
  step: Uint8Array = bytes();
  at: Float64Array = floats();

  /** The task came into this state. */
  note(task: number, step: number, atMs: number): void {
    if (this.#next === this.#size && this.#size < longest) this.#size *= 2;
    this.reserve(this.#size);
    const place = this.#next++ & (this.#size - 1);
    this.task[place] = task;
    this.step[place] = step;
    this.at[place] = atMs;
  }

  /** The steps of the task that are still known. */
  of(task: number): { readonly step: number; readonly atMs: number }[] {
    const found: { readonly step: number; readonly atMs: number }[] = [];
    for (let index = Math.max(0, this.#next - this.#size); index < this.#next; index++) {
      const place = index & (this.#size - 1);
      if (this.task[place] === task)
        found.push({ step: this.step[place] as number, atMs: this.at[place] as number });
    }
    return found;
  }
}
