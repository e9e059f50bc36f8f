/** Which nodes of earlier sessions of the run have not said yet what is left there. Knows no network. */
import type { Hello } from '../protocol/messages.ts';

export class EarlierPlaces {
  readonly #prefix: string;
  readonly #silent = new Set<string>();
  /** There may be others than are known. */
  readonly isUnknown: boolean;

  /** `pool`: nodes of other pools do not concern it. */
  constructor(pool: string, places: readonly string[] | 'unknown' = []) {
    this.#prefix = `${pool}/`;
    this.isUnknown = places === 'unknown';
    for (const place of places === 'unknown' ? [] : places)
      if (place.startsWith(this.#prefix)) this.#silent.add(place);
  }

  /** The name of a start of a node among the places of all pools. Its id alone is chosen by the node: another one could say the same. */
  placeOf({ name, node }: Pick<Hello, 'name' | 'node'>): string {
    return `${this.#prefix}${name}/${node}`;
  }

  /** The node has said what is left, or that nothing is. */
  heard(hello: Pick<Hello, 'name' | 'node'>): void {
    this.#silent.delete(this.placeOf(hello));
  }

  /** All have been heard. */
  get areHeard(): boolean {
    return this.#silent.size === 0;
  }

  get silent(): number {
    return this.#silent.size;
  }
}
