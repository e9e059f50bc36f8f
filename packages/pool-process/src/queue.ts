/** First in, first out, but for those that come back to the front. Taking one out from anywhere costs nothing. */

/** A place in a queue. */
export interface Place<T> {
  readonly entry: T;
  isTaken: boolean;
}

export class Queue<T> {
  #front: Place<T>[] = [];
  #places: Place<T>[] = [];
  #head = 0;

  push(entry: T): Place<T> {
    const place = { entry, isTaken: false };
    this.#places.push(place);
    return place;
  }

  /** Puts it before all others. */
  putBack(entry: T): Place<T> {
    const place = { entry, isTaken: false };
    this.#front.push(place);
    return place;
  }

  /** The first, which stays where it is. */
  peek(): Place<T> | undefined {
    while (this.#front.at(-1)?.isTaken) this.#front.pop();
    const front = this.#front.at(-1);
    if (front !== undefined) return front;
    while (this.#places[this.#head]?.isTaken) this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    return this.#places[this.#head];
  }

  /** Everything that waits, taken out. */
  takeAll(): T[] {
    const all = [...this.#front.reverse(), ...this.#places.slice(this.#head)].filter(
      ({ isTaken }) => !isTaken,
    );
    for (const place of all) place.isTaken = true;
    this.#front = [];
    this.#places = [];
    this.#head = 0;
    return all.map(({ entry }) => entry);
  }
}
