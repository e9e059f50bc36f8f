/** Those who were overtaken too often, in the order in which that happened. Knows not what they wait for. */
import { grown } from './columns.ts';
import { type Holder, NONE } from './ids.ts';

export class StarvedQueue {
  size = 0;
  /** Who stands there; NONE where somebody left. */
  #line: Holder[] = [];
  #from = 0;
  /** Where each stands. */
  #at = new Int32Array(16).fill(NONE);

  push(holder: Holder): void {
    this.#at = grown(this.#at, holder + 1, NONE);
    this.#at[holder] = this.#line.length;
    this.#line.push(holder);
    this.size++;
  }

  /** Harmless if it is not there. */
  remove(holder: Holder): void {
    const at = this.#at[holder] ?? NONE;
    if (at === NONE) return;
    this.#at[holder] = NONE;
    this.#line[at] = NONE;
    if (--this.size > 0) return;
    this.#line = [];
    this.#from = 0;
  }

  /** Takes the first one away; NONE if nobody is there. */
  shift(): Holder | typeof NONE {
    while (this.size > 0) {
      const first = this.#line[this.#from++] as Holder;
      if (first === NONE) continue;
      this.remove(first);
      return first;
    }
    return NONE;
  }

  *[Symbol.iterator](): Iterator<Holder> {
    for (const holder of this.#line) if (holder !== NONE) yield holder;
  }
}
