/**
 * The faults of a network, for the kit to cause: a pool hands every message through this object, on the host's side and in both directions.
 * Messages between one worker and the host never overtake each other. Knows no rule.
 */
import { startTimer } from '@pexen/core/timers';

type Direction = 'to worker' | 'from worker';

/** What is to be cut: everything, unless it says less. */
export interface Cut {
  /** The worker's name, as `started` is told. */
  readonly worker?: string;
  readonly direction?: Direction;
}

/**
 * What the messages of a pool are handed through.
 *
 * @example
 * send: (message) => faults.toWorker(name, () => stream.send(message)),
 * new MessageStream(socket, (message) => faults.fromWorker(name, () => connection.hear(message)));
 */
export class NetworkFaults {
  #cuts: readonly Cut[] = [];
  #delayMs = 0;
  #isDoubled = false;
  /** Messages under way, in order, by worker and direction. */
  readonly #queues = new Map<string, (() => void)[]>();
  readonly #cancels = new Set<() => void>();

  /** Hands on a message to this worker, by calling `deliver`: at once, later, twice or never. */
  toWorker(worker: string, deliver: () => void): void {
    this.#pass(worker, 'to worker', deliver);
  }

  /** Hands on a message that has come from this worker, by calling `deliver`: at once, later, twice or never. */
  fromWorker(worker: string, deliver: () => void): void {
    this.#pass(worker, 'from worker', deliver);
  }

  /** From now on what is handed through is lost, and so is what is under way. */
  cut(cut: Cut = {}): void {
    this.#cuts = [...this.#cuts, cut];
  }

  /** Nothing is cut, delayed or duplicated any more. */
  restore(): void {
    this.#cuts = [];
    this.#delayMs = 0;
    this.#isDoubled = false;
  }

  /** From now on a message takes so long, ms. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** From now on every message comes twice, the second time after some others. */
  duplicate(): void {
    this.#isDoubled = true;
  }

  /** Nothing that is under way is delivered. */
  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#queues.clear();
  }

  #pass(worker: string, direction: Direction, deliver: () => void): void {
    if (this.#isCut(worker, direction)) return;
    const unlessCut = (): void => void (this.#isCut(worker, direction) || deliver());
    this.#deliver(`${direction} ${worker}`, unlessCut);
    if (this.#isDoubled) this.#after(this.#delayMs + twinMs, unlessCut);
  }

  #isCut(worker: string, direction: Direction): boolean {
    return this.#cuts.some(
      (cut) => (cut.worker ?? worker) === worker && (cut.direction ?? direction) === direction,
    );
  }

  /** At once, where nothing is delayed and nothing is under way before it. */
  #deliver(queueName: string, deliver: () => void): void {
    const queue = this.#queues.get(queueName) ?? [];
    if (this.#delayMs === 0 && queue.length === 0) {
      deliver();
      return;
    }
    this.#queues.set(queueName, queue);
    queue.push(deliver);
    // Whichever alarm rings, the first one is handed on: order is kept where the delay changes.
    this.#after(this.#delayMs, () => queue.shift()?.());
  }

  #after(ms: number, call: () => void): void {
    const cancel = startTimer(ms, () => {
      this.#cancels.delete(cancel);
      call();
    });
    this.#cancels.add(cancel);
  }
}

/** How much later than the first one the second of two equal messages comes, ms. */
const twinMs = 20;
