/**
 * Spreads attempts over threads: keeps those that wait, sends them where there is room, and takes them back where they would
 * wait in vain. Knows nothing of the life of threads.
 */
import type { Flight } from './flight.ts';
import type { Thread } from './thread.ts';

/** So many are sent at once while outcomes are still being heard: threads and host then work at the same time. */
const chunk = 8;

/** How often it is looked what has begun, ms; longer and longer while nothing changes. */
const look = { shortestMs: 2, longestMs: 32 };

export class Spread {
  readonly #threads: ReadonlySet<Thread>;
  #waiting = new Set<Flight>();
  #isToBeDone = false;
  #looking: NodeJS.Timeout | undefined;
  #lookMs = look.shortestMs;
  /** Threads in which something waited the last time it was looked. */
  #held: ReadonlySet<Thread> = new Set();

  constructor(threads: ReadonlySet<Thread>) {
    this.#threads = threads;
  }

  add(flight: Flight): void {
    this.#waiting.add(flight);
    if (this.#waiting.size === chunk) this.#distributeNow();
    else this.#distributeSoon();
  }

  /** There is room again. */
  freed(): void {
    if (this.#waiting.size > 0) this.#distributeSoon();
  }

  /** The attempt must stop: it is given back where it has not begun, else its thread sees to it. */
  stop(flight: Flight): void {
    const thread = [...this.#threads].find((each) => each.has(flight));
    const isBack = this.#waiting.delete(flight) || (thread !== undefined && this.#takeBack(thread, flight));
    if (isBack) flight.giveBack('stopped before it was begun');
    else thread?.stop(flight);
  }

  /** Gives back everything that has not begun. */
  giveBackAll(reason: string): void {
    const flights = [...this.#waiting, ...[...this.#threads].flatMap((thread) => thread.takeBack())];
    this.#waiting.clear();
    for (const flight of flights) flight.giveBack(reason);
    clearTimeout(this.#looking);
    this.#looking = undefined;
  }

  /** Takes everything away that waits, for somebody else to settle. */
  takeAll(): Flight[] {
    const flights = [...this.#waiting];
    this.#waiting.clear();
    return flights;
  }

  /** Sends what waits to where there is room, the least laden thread first. */
  distribute(): void {
    this.#isToBeDone = false;
    const batches = new Map<Thread, Flight[]>();
    for (const flight of this.#waiting) {
      const thread = this.#roomiest(batches);
      if (thread === undefined) break;
      this.#waiting.delete(flight);
      const batch = batches.get(thread);
      if (batch === undefined) batches.set(thread, [flight]);
      else batch.push(flight);
    }
    for (const [thread, flights] of batches) thread.send(flights);
    if (batches.size > 0) this.#lookSoon();
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
    this.#isToBeDone = true;
    const isUrgent = [...this.#threads].some(({ load, room }) => load === 0 && room > 0);
    if (isUrgent) this.#distributeNow();
    else setImmediate(() => this.#isToBeDone && this.distribute());
  }

  #distributeNow(): void {
    this.#isToBeDone = true;
    queueMicrotask(() => this.#isToBeDone && this.distribute());
  }

  #takeBack(thread: Thread, wanted?: Flight): boolean {
    const back = thread.takeBack();
    const isBack = wanted !== undefined && back.includes(wanted);
    this.#waiting = new Set([...back.filter((flight) => flight !== wanted), ...this.#waiting]);
    if (this.#waiting.size > 0) this.#distributeSoon();
    return isBack;
  }

  #lookSoon(): void {
    this.#lookMs = look.shortestMs;
    this.#looking ??= setTimeout(() => this.#look(), this.#lookMs);
  }

  /** Hears which attempts have begun in threads that cannot say so, and frees what waits behind a long one. */
  #look(): void {
    const holding = new Set([...this.#threads].filter((thread) => thread.notice()));
    const isIdle = [...this.#threads].some(({ load, room }) => load === 0 && room > 0);
    if (isIdle) for (const thread of holding) if (this.#held.has(thread)) this.#takeBack(thread);
    this.#held = holding;
    this.#lookMs = Math.min(this.#lookMs * 2, look.longestMs);
    this.#looking = holding.size === 0 ? undefined : setTimeout(() => this.#look(), this.#lookMs);
  }
}
