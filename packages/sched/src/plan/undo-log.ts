/** Records how to undo what refused tasks have changed. Nothing is recorded for the first batch of a new plan: if it is refused, so is the plan. */
export class UndoLog {
  /** Undone from the last to the first; undefined during the first batch. */
  #steps: (() => void)[] | undefined;

  constructor(hasBefore = false) {
    if (hasBefore) this.keep();
  }

  /** Records how to undo the next change. */
  note(step: () => void): void {
    this.#steps?.push(step);
  }

  /** Sets an entry of a map. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#steps !== undefined) this.#notePut(map, key);
    map.set(key, value);
  }

  /** Makes all changes so far permanent. */
  keep(): void {
    this.#steps = [];
  }

  /** Undoes all changes since the last `keep`. */
  undo(): void {
    for (const step of this.#steps?.reverse() ?? []) step();
    this.keep();
  }

  // A separate function: captured variables would cost something even without steps.
  #notePut<K, V>(map: Map<K, V>, key: K): void {
    const before = map.get(key);
    this.note(before === undefined ? () => map.delete(key) : () => map.set(key, before));
  }
}
/** Removes all entries but the first `kept`. Setting `length` would deoptimize the code: that took a sixth of a run. */
export function clear(list: unknown[], kept = 0): void {
  while (list.length > kept) list.pop();
}
