/**
 * How to take back what refused tasks have changed. Of the first batch nothing is noted, unless something was there before: where it is
 * refused, so is the plan.
 */
export class UndoLog {
  /** The last is undone first; undefined during the first batch. */
  #steps: (() => void)[] | undefined;

  constructor(hasBefore = false) {
    if (hasBefore) this.keep();
  }

  /** Says how to take back what is about to change. */
  note(step: () => void): void {
    this.#steps?.push(step);
  }

  /** Puts an entry into a map. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#steps !== undefined) this.#notePut(map, key);
    map.set(key, value);
  }

  /** What was changed up to now stays. */
  keep(): void {
    this.#steps = [];
  }

  /** Takes back everything since the last `keep`. */
  undo(): void {
    for (const step of this.#steps?.reverse() ?? []) step();
    this.keep();
  }

  // A function of its own: where variables are kept for steps, they cost something even if there are none.
  #notePut<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    this.note(before === undefined ? () => map.delete(key) : () => map.set(key, before));
  }
}
/** Takes out all but the first `kept`. Setting `length` leaves the code that the engine has optimized: here that took a sixth of a run. */
export function clear(list: unknown[], kept = 0): void {
  while (list.length > kept) list.pop();
}
