/** What happens when, by the true time. */
export class Agenda {
  nowMs = 0;
  #entries: { readonly atMs: number; readonly order: number; readonly act: () => void }[] = [];
  #order = 0;

  /** Calls `act` in so many milliseconds. */
  in(delayMs: number, act: () => void): void {
    const entry = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, act };
    let at = this.#entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, this.#entries[parent])) break;
      this.#entries[at] = this.#entries[parent] as typeof entry;
      at = parent;
    }
    this.#entries[at] = entry;
  }

  /** Lets everything happen until that time, as long as `goesOn`. */
  run(untilMs: number, goesOn: () => boolean): void {
    for (
      let [next] = this.#entries;
      next !== undefined && next.atMs <= untilMs && goesOn();
      [next] = this.#entries
    ) {
      this.#removeFirst();
      this.nowMs = next.atMs;
      next.act();
    }
  }

  #removeFirst(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#entries.length) break;
      if (child + 1 < this.#entries.length && isBefore(this.#entries[child + 1], this.#entries[child]))
        child++;
      if (!isBefore(this.#entries[child], last)) break;
      this.#entries[at] = this.#entries[child] as typeof last;
      at = child;
    }
    this.#entries[at] = last;
  }
}

type Timed = { readonly atMs: number; readonly order: number } | undefined;

function isBefore(a: Timed, b: Timed): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
