/**
 * Wakes a thread that has just become idle sooner than its event loop would: the host rings after each message, and the thread
 * listens for a moment before it goes back to its loop. Knows no messages.
 */
export class Bell {
  /** To be handed to the other side. */
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

  /** For the thread: blocks until the bell has rung since it was heard last, at most so long. How often it has: a message each. */
  listen(timeoutMs: number): number {
    Atomics.wait(this.memory, 0, this.#heard, timeoutMs);
    const rung = Atomics.load(this.memory, 0);
    const rings = (rung - this.#heard) | 0;
    this.#heard = rung;
    return rings;
  }
}
