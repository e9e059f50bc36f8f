/**
 * Causes the faults of a network: a pool passes every message through this object, on the host's side and in both directions.
 * Messages between one worker and the host stay in order. Knows no rule.
 */
import { startTimer } from '@pexen/core/timers';

type Direction = 'to worker' | 'from worker';

/** Which messages are lost: all, unless it says less. */
export interface Cut {
  /** The worker's name, as `started` reports it. */
  readonly worker?: string;
  readonly direction?: Direction;
}

/**
 * The network between a pool and its workers.
 *
 * @example
 * send: (message) => faults.toWorker(name, () => stream.send(message)),
 * new MessageStream(socket, (message) => faults.fromWorker(name, () => connection.hear(message)));
 */
export class NetworkFaults {
  #cuts: readonly Cut[] = [];
  #delayMs = 0;
  #isDoubled = false;
  /** Pending messages, in order, by worker and direction. */
  readonly #queues = new Map<string, (() => void)[]>();
  readonly #cancels = new Set<() => void>();

  /** Passes a message to this worker by calling `deliver`: at once, later, twice or never. */
  toWorker(worker: string, deliver: () => void): void {
    this.#pass(worker, 'to worker', deliver);
  }

  /** Passes a message from this worker by calling `deliver`: at once, later, twice or never. */
  fromWorker(worker: string, deliver: () => void): void {
    this.#pass(worker, 'from worker', deliver);
  }

  /** From now on such messages are lost, pending ones included. */
  cut(cut: Cut = {}): void {
    this.#cuts = [...this.#cuts, cut];
  }

  /** Ends all cuts, delays and duplicates. */
  restore(): void {
    this.#cuts = [];
    this.#delayMs = 0;
    this.#isDoubled = false;
  }

  /** From now on a message takes so long, ms. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** From now on every message is delivered twice, the second time after some others. */
  duplicate(): void {
    this.#isDoubled = true;
  }

  /** Drops all pending messages. */
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

  /** Delivers at once, where nothing is delayed and no message is pending before it. */
  #deliver(queueName: string, deliver: () => void): void {
    const queue = this.#queues.get(queueName) ?? [];
    if (this.#delayMs === 0 && queue.length === 0) {
      deliver();
      return;
    }
    this.#queues.set(queueName, queue);
    queue.push(deliver);
    // Each timer delivers the oldest message: order is kept where the delay changes.
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

/** How much later a duplicate is delivered, ms. */
const twinMs = 20;
