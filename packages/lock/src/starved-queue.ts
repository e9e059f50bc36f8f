/** Those who were overtaken too often, in the order in which that happened. Knows not what they wait for. */
import { type Holder, NONE } from './ids.ts';

export class StarvedQueue {
  /** Who stands there; NONE where somebody left. */
  #line: Holder[] = [];
  #from = 0;
  /** Where each stands. */
  readonly #at = new Map<Holder, number>();

  push(holder: Holder): void {
    this.#at.set(holder, this.#line.push(holder) - 1);
  }

  /** Harmless if it is not there. */
  remove(holder: Holder): void {
    const at = this.#at.get(holder);
    if (at === undefined) return;
    this.#at.delete(holder);
    this.#line[at] = NONE;
  }

  /** Takes the first one away; NONE if nobody is there. */
  shift(): Holder | typeof NONE {
    while (this.#from < this.#line.length) {
      const first = this.#line[this.#from++] as Holder;
      if (first === NONE) continue;
      this.remove(first);
      return first;
    }
    this.#line = [];
    this.#from = 0;
    return NONE;
  }

  *[Symbol.iterator](): Iterator<Holder> {
    yield* this.#at.keys();
  }
}
