/**
 * Which attempt a thread has begun last, in one word of memory that both sides see: so the host knows it even while the body
 * keeps the thread from sending a message, and can take back what was not begun without asking.
 *
 * The word holds an epoch and a number. The thread claims an attempt by writing its number, if the epoch is still that under
 * which the attempt was sent. The host takes back all that was not begun by raising the epoch. Each is one atomic step, so
 * every attempt is either begun or taken back, never both. Knows nothing of attempts besides their numbers.
 */

const numberBits = 20;
const epochs = 2 ** (32 - numberBits);

/** Numbers go round: many more than attempts are ever under way at a time. */
const numbers = 2 ** numberBits;

/** The number of the attempt that comes `count` after the one with this number. */
export function numberAfter(number: number, count: number): number {
  return (number + count) % numbers;
}

/** How many attempts come after `from` up to and including `to`; negative where `to` comes first. */
export function distance(from: number, to: number): number {
  const ahead = (to - from + numbers) % numbers;
  return ahead < numbers / 2 ? ahead : ahead - numbers;
}

/** One host, one thread. */
export class Claims {
  /** To be handed to the other side. */
  readonly memory: Int32Array<SharedArrayBuffer>;

  constructor(memory: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(8))) {
    this.memory = memory;
  }

  /** The epoch under which attempts are sent now. */
  get epoch(): number {
    return this.#word() >>> numberBits;
  }

  /** The number of the attempt that was begun last. */
  get begun(): number {
    return this.#word() & (numbers - 1);
  }

  /** For the thread: the attempt of this number has read its signal. */
  setSignalRead(number: number): void {
    Atomics.store(this.memory, 1, number);
  }

  /** For the host, also while the body keeps the thread: has the attempt of this number read its signal? Numbers begin with 1. */
  hasReadSignal(number: number): boolean {
    return Atomics.load(this.memory, 1) === number;
  }

  /** For the thread: true if the attempt may begin, and is known to have begun. */
  claim(epoch: number, number: number): boolean {
    const word = this.#word();
    if (word >>> numberBits !== epoch) return false;
    return this.#replace(word, epoch, number);
  }

  /** For the host: takes back all that was sent and not begun. `begun` is exact from then on. */
  takeBack(): void {
    for (;;) {
      const word = this.#word();
      const next = ((word >>> numberBits) + 1) % epochs;
      if (this.#replace(word, next, word & (numbers - 1))) return;
    }
  }

  #word(): number {
    return Atomics.load(this.memory, 0);
  }

  #replace(word: number, epoch: number, number: number): boolean {
    return Atomics.compareExchange(this.memory, 0, word, (epoch << numberBits) | number) === word;
  }
}
