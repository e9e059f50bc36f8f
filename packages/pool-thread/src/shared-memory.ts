/**
 * Memory that the host and one thread share. It carries information while a body keeps its thread busy, when no message could be
 * read, and costs less than a message. Each of the three classes is used by one host and one thread. Knows only the numbers of attempts.
 */

/**
 * Which attempt a thread has started last. The host can read it even while the body keeps the thread busy, and can reclaim attempts that
 * have not started without a message.
 *
 * The first word holds an epoch and a number. The thread claims an attempt by writing its number, if the epoch is still that under which the attempt was
 * sent. The host reclaims all attempts that have not started by raising the epoch. Each is one atomic step, so every attempt has either started or is
 * reclaimed, never both.
 */
export class StartFence {
  /** For the other side. */
  readonly memory: Int32Array<SharedArrayBuffer>;
  /** The highest number that is known to have started: the word holds only its low bits. */
  #startedUpTo = -1;

  constructor(memory?: Int32Array<SharedArrayBuffer>) {
    this.memory = memory ?? new Int32Array(new SharedArrayBuffer(8));
    if (memory === undefined) Atomics.store(this.memory, 0, numbers - 1);
  }

  /** The epoch under which attempts are sent now. */
  get epoch(): number {
    return this.#word() >>> numberBits;
  }

  /** For the host: the number of the attempt that started last, -1 before the first. */
  get startedUpTo(): number {
    const digits = this.#word() & (numbers - 1);
    const known = (this.#startedUpTo + numbers) % numbers;
    this.#startedUpTo += (digits - known + numbers) % numbers;
    return this.#startedUpTo;
  }

  /** For the thread: the attempt of this number has read its signal. */
  setSignalRead(number: number): void {
    Atomics.store(this.memory, 1, number + 1);
  }

  /** For the host, also while the body keeps the thread busy: has the attempt of this number read its signal? */
  hasReadSignal(number: number): boolean {
    return Atomics.load(this.memory, 1) === number + 1;
  }

  /** For the thread: true if the attempt may start, and is known to have started. */
  claim(epoch: number, number: number): boolean {
    const word = this.#word();
    if (word >>> numberBits !== epoch) return false;
    return this.#replace(word, epoch, number % numbers);
  }

  /** For the host: reclaims all attempts that were sent and have not started. `startedUpTo` is exact from then on. */
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

const numberBits = 20;
const epochs = 2 ** (32 - numberBits);
/** Numbers wrap around in the word: there are many more than a thread ever has attempts. */
const numbers = 2 ** numberBits;

/**
 * Wakes a thread that has just become idle sooner than its event loop would: the host rings after each message, and the thread listens for a moment
 * before it returns to its event loop.
 */
export class Doorbell {
  /** For the other side. */
  readonly memory: Int32Array<SharedArrayBuffer>;
  #heard = 0;

  constructor(memory: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(4))) {
    this.memory = memory;
  }

  /** For the host. */
  ring(): void {
    Atomics.add(this.memory, 0, 1);
    Atomics.notify(this.memory, 0);
  }

  /** For the thread: blocks until the host has rung since the last call, at most so long. Returns how often it has rung: once for each message. */
  listen(timeoutMs: number): number {
    Atomics.wait(this.memory, 0, this.#heard, timeoutMs);
    const rung = Atomics.load(this.memory, 0);
    const rings = (rung - this.#heard) | 0;
    this.#heard = rung;
    return rings;
  }
}

/** Number of places; a thread never has more attempts. */
const places = 64;
/** A place: the attempt's number, the kind of the value, and the value where it is a number. */
const wordsAPlace = 4;
const header = { written: 0, read: 1, called: 2, words: 4 };

const kinds = [undefined, null, true, false] as const;
const numberKind = kinds.length;

/**
 * Where a thread writes small results: a message for each would cost more than the body. One message
 * calls the host, which reads all results that are there by then; so no result waits for the next body.
 */
export class ResultRing {
  /** For the other side. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(4 * (header.words + places * wordsAPlace));
    this.#words = new Int32Array(this.memory);
    this.#numbers = new Float64Array(this.memory);
  }

  /** For the thread: false where the value is of a kind that does not fit, or the ring is full. */
  write(number: number, value: unknown): boolean {
    const kind = typeof value === 'number' ? numberKind : kinds.indexOf(value as undefined);
    const written = this.#load(header.written);
    if (kind < 0 || written - this.#load(header.read) >= places) return false;
    const at = placeOf(written);
    this.#words[at] = number;
    this.#words[at + 1] = kind;
    if (typeof value === 'number') this.#numbers[at / 2 + 1] = value;
    Atomics.store(this.#words, header.written, written + 1);
    return true;
  }

  /** For the thread, after a write: true if the host must be called, and has not been yet. */
  mustCall(): boolean {
    return Atomics.exchange(this.#words, header.called, 1) === 0;
  }

  /** For the host: calls `take` with everything that was written. Later results need another call. */
  readAll(take: (number: number, value: unknown) => void): void {
    Atomics.store(this.#words, header.called, 0);
    for (let read = this.#load(header.read); read !== this.#load(header.written); read++) {
      const at = placeOf(read);
      const number = this.#words[at] as number;
      const kind = this.#words[at + 1] as number;
      const value = kind === numberKind ? this.#numbers[at / 2 + 1] : kinds[kind];
      Atomics.store(this.#words, header.read, read + 1);
      take(number, value);
    }
  }

  #load(index: number): number {
    return Atomics.load(this.#words, index);
  }
}

function placeOf(count: number): number {
  return header.words + (count % places) * wordsAPlace;
}
