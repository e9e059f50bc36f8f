/**
 * Spreads attempts over threads: keeps those that wait, sends them where there is room, and takes them back where they would
 * wait in vain. Knows nothing of the life of threads.
 */
import type { Flight } from './flight.ts';
import { Line } from './line.ts';
import type { Thread } from './thread.ts';

/** So many are sent at once while outcomes are still being heard: threads and host then work at the same time. */
const chunk = 8;

/** How often it is looked what has begun, ms; longer and longer while nothing changes. */
const look = { shortestMs: 2, longestMs: 32 };

const none: ReadonlyMap<Thread, readonly Flight[]> = new Map();

export class Spread {
  readonly #threads: ReadonlySet<Thread>;
  readonly #waiting = new Line();
  /** Flights whose signals nobody listens to yet: most land before that is worth its cost. */
  #fresh: Flight[] = [];
  #isToBeDone = false;
  #looking: NodeJS.Timeout | undefined;
  #lookMs = 0;
  /** Threads in which something waited the last time it was looked. */
  #held: ReadonlySet<Thread> = new Set();

  constructor(threads: ReadonlySet<Thread>) {
    this.#threads = threads;
  }

  add(flight: Flight): void {
    this.#waiting.push(flight);
    if (this.#fresh.push(flight) === 1) this.#lookSoon();
    if (this.#waiting.length === chunk) this.#distributeNow();
    else this.#distributeSoon();
  }

  /** Takes flights back that were sent to a thread, before all that wait. */
  takeOver(flights: readonly Flight[]): void {
    this.#waiting.putBack(flights);
    if (this.#waiting.length > 0) this.#distributeSoon();
  }

  /** There is room again. */
  freed(): void {
    if (this.#waiting.length > 0) this.#distributeSoon();
  }

  /** Gives back everything that has not begun. */
  giveBackAll(reason: string): void {
    const flights = [
      ...this.#waiting.takeAll(),
      ...[...this.#threads].flatMap((thread) => thread.takeBack()),
    ];
    for (const flight of flights) flight.giveBack(reason);
  }

  /** Takes everything away that waits, for somebody else to settle. */
  takeAll(): Flight[] {
    return this.#waiting.takeAll();
  }

  /** Sends what waits to where there is room, the least laden thread first. */
  distribute(): void {
    this.#isToBeDone = false;
    if (this.#waiting.length === 1) this.#sendOne();
    else this.#sendBatches();
    this.#lookSoon(); // What waited until now may be long, and nobody else says that it has begun.
  }

  #sendOne(): void {
    const thread = this.#roomiest(none);
    const flight = thread && this.#waiting.shift();
    if (flight !== undefined) thread?.send([flight]);
  }

  #sendBatches(): void {
    const batches = new Map<Thread, Flight[]>();
    for (let thread = this.#roomiest(batches); thread !== undefined; thread = this.#roomiest(batches)) {
      const flight = this.#waiting.shift();
      if (flight === undefined) break;
      const batch = batches.get(thread);
      if (batch === undefined) batches.set(thread, [flight]);
      else batch.push(flight);
    }
    for (const [thread, flights] of batches) thread.send(flights);
  }

  #roomiest(batches: ReadonlyMap<Thread, readonly Flight[]>): Thread | undefined {
    let best: Thread | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const thread of this.#threads) {
      const added = batches.get(thread)?.length ?? 0;
      if (thread.room <= added || thread.load + added >= bestLoad) continue;
      best = thread;
      bestLoad = thread.load + added;
    }
    return best;
  }

  /** At once where a thread has nothing to do; else when all the outcomes that are here by now have been heard. */
  #distributeSoon(): void {
    if (this.#isToBeDone) return;
    if (this.#hasIdleThread()) this.#distributeNow();
    else {
      this.#isToBeDone = true;
      setImmediate(this.#distributeIfToBeDone);
    }
  }

  #distributeNow(): void {
    this.#isToBeDone = true;
    queueMicrotask(this.#distributeIfToBeDone);
  }

  readonly #distributeIfToBeDone = (): void => {
    if (this.#isToBeDone) this.distribute();
  };

  #hasIdleThread(): boolean {
    for (const { load, room } of this.#threads) if (load === 0 && room > 0) return true;
    return false;
  }

  /** The attempt must stop: it is given back where it has not begun, else its thread sees to it. */
  readonly #stop = (flight: Flight): void => {
    const thread = [...this.#threads].find((each) => each.has(flight));
    if (thread === undefined || this.#takeBack(thread, flight))
      flight.giveBack('stopped before it was begun');
    else thread.stop(flight);
  };

  /** True if this one was among those taken back. The others wait again. */
  #takeBack(thread: Thread, wanted?: Flight): boolean {
    const back = thread.takeBack();
    this.#waiting.putBack(back.filter((flight) => flight !== wanted));
    if (this.#waiting.length > 0) this.#distributeSoon();
    return wanted !== undefined && back.includes(wanted);
  }

  #lookSoon(): void {
    if (this.#looking !== undefined && this.#lookMs === look.shortestMs) return;
    clearTimeout(this.#looking);
    this.#lookMs = look.shortestMs;
    this.#looking = setTimeout(this.#look, this.#lookMs);
  }

  /**
   * Begins to listen to what has not landed by now, hears which attempts have begun in threads that cannot say so, and frees
   * what waits behind a long one.
   */
  readonly #look = (): void => {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const flight of fresh) if (!flight.hasLanded) flight.listen(this.#stop);
    const holding = new Set([...this.#threads].filter((thread) => thread.notice()));
    if (this.#hasIdleThread())
      for (const thread of holding) if (this.#held.has(thread)) this.#takeBack(thread);
    this.#held = holding;
    this.#lookMs = Math.min(this.#lookMs * 2, look.longestMs);
    this.#looking = holding.size === 0 ? undefined : setTimeout(this.#look, this.#lookMs);
  };
}
