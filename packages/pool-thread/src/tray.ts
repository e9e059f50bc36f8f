/**
 * Where a thread lays what came of attempts that ended with little to say, for the host to take: a message for each would cost
 * more than the body. The host is called once, by a message, and takes all there is by then; so nothing waits for the body that
 * comes next. One side lays, the other takes. Knows no outcomes, only numbers and values.
 */

/** Places; more attempts are never under way in one thread. */
const places = 64;
/** A place: the attempt's number, the kind of the value, and the value where it is a number. */
const wordsAPlace = 4;
const header = { laid: 0, taken: 1, called: 2, words: 4 };

const kinds = [undefined, null, true, false] as const;
const numberKind = kinds.length;

export class Tray {
  /** To be handed to the other side. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(4 * (header.words + places * wordsAPlace));
    this.#words = new Int32Array(this.memory);
    this.#numbers = new Float64Array(this.memory);
  }

  /** For the thread: false where the value is not of the few kinds that fit, or there is no place. */
  lay(number: number, value: unknown): boolean {
    const kind = typeof value === 'number' ? numberKind : kinds.indexOf(value as undefined);
    const laid = this.#read(header.laid);
    if (kind < 0 || laid - this.#read(header.taken) >= places) return false;
    const at = placeOf(laid);
    this.#words[at] = number;
    this.#words[at + 1] = kind;
    if (typeof value === 'number') this.#numbers[at / 2 + 1] = value;
    Atomics.store(this.#words, header.laid, laid + 1);
    return true;
  }

  /** For the thread, after it has laid something: true if the host must be called, and has not been yet. */
  mustCall(): boolean {
    return Atomics.exchange(this.#words, header.called, 1) === 0;
  }

  /** For the host: hands over everything that lies there. It has to be called again for what comes later. */
  takeAll(take: (number: number, value: unknown) => void): void {
    Atomics.store(this.#words, header.called, 0);
    for (let taken = this.#read(header.taken); taken !== this.#read(header.laid); taken++) {
      const at = placeOf(taken);
      const number = this.#words[at] as number;
      const kind = this.#words[at + 1] as number;
      const value = kind === numberKind ? this.#numbers[at / 2 + 1] : kinds[kind];
      Atomics.store(this.#words, header.taken, taken + 1);
      take(number, value);
    }
  }

  #read(index: number): number {
    return Atomics.load(this.#words, index);
  }
}

function placeOf(count: number): number {
  return header.words + (count % places) * wordsAPlace;
}
