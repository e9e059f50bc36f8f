/** What happened to the tasks, so that one can be told: the last so many steps of all of them, in a ring of fixed size. */

const longest = 1 << 16;

export class Story {
  #size = 256;
  #next = 0;
  #task = new Int32Array(256);
  #step = new Uint8Array(256);
  #at = new Float64Array(256);

  /** The task came into this state. */
  note(task: number, step: number, atMs: number): void {
    if (this.#next === this.#size && this.#size < longest) this.#grow();
    const place = this.#next++ & (this.#size - 1);
    this.#task[place] = task;
    this.#step[place] = step;
    this.#at[place] = atMs;
  }

  /** The steps of the task that are still known. */
  of(task: number): { readonly step: number; readonly atMs: number }[] {
    const found: { readonly step: number; readonly atMs: number }[] = [];
    for (let index = Math.max(0, this.#next - this.#size); index < this.#next; index++) {
      const place = index & (this.#size - 1);
      if (this.#task[place] === task)
        found.push({ step: this.#step[place] as number, atMs: this.#at[place] as number });
    }
    return found;
  }

  #grow(): void {
    const { length } = this.#task;
    this.#size = length * 2;
    const task = new Int32Array(this.#size);
    const step = new Uint8Array(this.#size);
    const at = new Float64Array(this.#size);
    task.set(this.#task);
    step.set(this.#step);
    at.set(this.#at);
    this.#task = task;
    this.#step = step;
    this.#at = at;
  }
}
