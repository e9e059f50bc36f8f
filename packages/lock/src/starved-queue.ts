/** Those who were overtaken too often, in the order in which that happened. Knows not what they wait for. */

export class StarvedQueue {
  #line: (number | undefined)[] = [];
  #from = 0;
  /** Where each stands in the line. */
  readonly #at = new Map<number, number>();

  get size(): number {
    return this.#at.size;
  }

  push(holder: number): void {
    this.#at.set(holder, this.#line.length);
    this.#line.push(holder);
  }

  /** Harmless if it is not there. */
  remove(holder: number): void {
    const at = this.#at.get(holder);
    if (at === undefined) return;
    this.#at.delete(holder);
    this.#line[at] = undefined;
    if (this.#at.size === 0) this.#clear();
  }

  /** Takes the first one away. */
  shift(): number | undefined {
    while (this.#from < this.#line.length) {
      const first = this.#line[this.#from++];
      if (first === undefined) continue;
      this.remove(first);
      return first;
    }
    return undefined;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const holder of this.#line) if (holder !== undefined) yield holder;
  }

  #clear(): void {
    this.#line = [];
    this.#from = 0;
  }
}
