/**
 * The attempts that one worker has: first chosen for it, then sent to it, then started. Numbers them, keeps them in the order in which they were
 * sent, and counts those that have not started. Knows no connection, no outcome and no clock.
 */
import type { Execution, Holder } from './execution.ts';

export class HeldAttempts {
  readonly #holder: Holder;
  /** Chosen for the worker, and not sent yet. */
  #outbox: Execution[] = [];
  /** By number, in the order in which they were sent. */
  readonly #sent = new Map<number, Execution>();
  /** Numbers of attempts that count as returned although the worker did not confirm it. */
  readonly #presumedReturned = new Set<number>();
  #sentCount = 0;
  #unstartedCount = 0;

  /** `holder` stops the attempts while they are here. */
  constructor(holder: Holder) {
    this.#holder = holder;
  }

  /** How many the worker has, started or not. */
  get count(): number {
    return this.#outbox.length + this.#sent.size;
  }

  /** How many were ever sent. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** How many were ever sent, or are about to be. */
  get chosenCount(): number {
    return this.#sentCount + this.#outbox.length;
  }

  /** The oldest of those that were sent: it runs, or is the next to run. */
  get first(): Execution | undefined {
    return this.#sent.values().next().value;
  }

  /** Some that were sent have not started. */
  get hasUnstarted(): boolean {
    return this.#unstartedCount > 0;
  }

  /** Those that were sent and have not started. */
  unstarted(): Execution[] {
    return [...this.#sent.values()].filter((each) => !each.hasStarted);
  }

  /** The same, up to this number. */
  unstartedUpTo(number: number): Execution[] {
    const found: Execution[] = [];
    if (this.#unstartedCount === 0) return found;
    for (const [each, attempt] of this.#sent) {
      if (each > number) break;
      if (!attempt.hasStarted) found.push(attempt);
    }
    return found;
  }

  /** The attempt that was sent under this number, while it is here. */
  get(number: number): Execution | undefined {
    return this.#sent.get(number);
  }

  wasSent(attempt: Execution): boolean {
    return this.#sent.get(attempt.number) === attempt;
  }

  /** Chooses the attempt for the worker. Returns how many are to be sent. */
  choose(attempt: Execution): number {
    attempt.link = this.#holder;
    return this.#outbox.push(attempt);
  }

  /** Removes an attempt that was chosen and not sent yet; false if it is not such a one. */
  unchoose(attempt: Execution): boolean {
    if (!this.#outbox.includes(attempt)) return false;
    this.#outbox = this.#outbox.filter((each) => each !== attempt);
    return true;
  }

  /** Removes and returns what was chosen and not sent yet. */
  takeOutbox(): readonly Execution[] {
    const attempts = this.#outbox;
    if (attempts.length > 0) this.#outbox = [];
    return attempts;
  }

  /** Gives an attempt out of the outbox its number: it counts as sent. */
  send(attempt: Execution, nowMs: number): void {
    attempt.number = this.#sentCount++;
    attempt.sinceMs = nowMs;
    this.#sent.set(attempt.number, attempt);
    this.#unstartedCount++;
  }

  start(attempt: Execution, worker: string, nowMs: number): void {
    this.#unstartedCount--;
    attempt.start(worker, nowMs);
  }

  /** Everything that was sent counts as started. Returns what was not known to have started. */
  startAll(worker: string, nowMs: number): ReadonlySet<Execution> {
    const unknown = new Set(this.unstarted());
    for (const attempt of unknown) this.start(attempt, worker, nowMs);
    return unknown;
  }

  /** The worker does not have this attempt any more. */
  release(attempt: Execution): void {
    this.#sent.delete(attempt.number);
    if (!attempt.hasStarted) this.#unstartedCount--;
    attempt.link = undefined;
  }

  /** Releases an attempt that the worker has not returned: it is busy, and reads the request before it starts another one. */
  presumeReturned(attempt: Execution): void {
    this.#presumedReturned.add(attempt.number);
    this.release(attempt);
  }

  /** Was the attempt of this number released by `presumeReturned`, and not returned since? */
  isPresumedReturned(number: number): boolean {
    return this.#presumedReturned.has(number);
  }

  /** The worker has returned it after all. False if it was not presumed so. */
  confirmReturned(number: number): boolean {
    return this.#presumedReturned.delete(number);
  }

  /** Releases everything, and returns it. */
  releaseAll(): readonly Execution[] {
    const attempts = [...this.takeOutbox(), ...this.#sent.values()];
    this.#sent.clear();
    this.#unstartedCount = 0;
    for (const attempt of attempts) attempt.link = undefined;
    return attempts;
  }
}
