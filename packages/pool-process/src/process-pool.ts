/** The pool: slots, the queue before them, and what its attempts share. Knows what is free, not how things are run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, Pool, PoolContext, PoolManifest, PoolOutcome, Ticket } from '@pexen/core';
import type { Attempt, Job, Means, Slot } from './attempt.ts';
import { systemClock } from './clock.ts';
import { CookieJar } from './cookie.ts';
import { startExecutable } from './executable.ts';
import { type ProcessesOptions, type Settings, settingsOf } from './options.ts';
import { Tail } from './tail.ts';
import { Watchdog } from './watchdog.ts';
import { removeTree, Workplace } from './workplace.ts';

/**
 * A pool that runs programs, each in a group of its own; what hangs is killed with all its descendants.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * for await (const result of run(tasks, { pool: processes({ workers: 4 }) })) …
 */
export function processes(options: ProcessesOptions = {}): Pool {
  return new ProcessPool(options);
}

class ProcessPool implements Pool {
  readonly manifest: PoolManifest = {
    name: 'processes',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: true,
  };
  readonly #options: ProcessesOptions;
  readonly #settings: Settings;
  #house: House | undefined;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
  }

  async open(context: PoolContext): Promise<void> {
    this.#house = new House(this.#settings, this.#options);
    context.slotsChanged(this.#settings.workers);
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    return this.#house?.run({ assignment, ticket }) ?? closed;
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    const house = this.#house;
    this.#house = undefined;
    await house?.close(how);
  }
}

const closed: PoolOutcome = { kind: 'not-started', reason: 'the pool is not open' };

/** A job that waits for a slot. */
interface Waiting extends Job {
  readonly settle: (outcome: PoolOutcome | Promise<PoolOutcome>) => void;
}

/** Everything there is between `open` and `close`. */
class House {
  readonly #folder: string;
  readonly #means: Means;
  readonly #watchdog: Watchdog;
  readonly #places: readonly Workplace[];
  /** The numbers of the free slots. */
  readonly #free: number[];
  readonly #waiting = new Set<Waiting>();
  readonly #running = new Set<Attempt>();
  #tellIdle: (() => void) | undefined;

  constructor(settings: Settings, { clock = systemClock }: ProcessesOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'pexen-'));
    const cookies = new CookieJar();
    const tail = new Tail(clock, settings.outputIntervalMs);
    this.#means = { clock, cookies, tail, env: environment(settings.env) };
    this.#watchdog = new Watchdog(cookies.prefix, this.#folder);
    this.#free = Array.from({ length: settings.workers }, (_, index) => index);
    this.#places = this.#free.map(
      (index) => new Workplace(join(this.#folder, `slot-${index}`), settings.limits),
    );
  }

  run(job: Job): Promise<PoolOutcome> {
    const { promise, resolve } = Promise.withResolvers<PoolOutcome>();
    const index = this.#takeSlot();
    if (index === undefined) this.#queue({ ...job, settle: resolve });
    else resolve(this.#start(job, index));
    return promise;
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    const isIdle = Promise.withResolvers<void>();
    this.#tellIdle = isIdle.resolve;
    if (how === 'kill') this.#killAll();
    this.#checkIdle();
    await isIdle.promise;
    this.#means.tail.stop();
    await this.#watchdog.dismiss();
    for (const place of this.#places) place.remove();
    removeTree(this.#folder);
  }

  /** The lowest, so that the numbers in use are compact. */
  #takeSlot(): number | undefined {
    if (this.#free.length === 0) return undefined;
    const lowest = Math.min(...this.#free);
    this.#free.splice(this.#free.indexOf(lowest), 1);
    return lowest;
  }

  #queue(waiting: Waiting): void {
    const { signal } = waiting.ticket;
    this.#waiting.add(waiting);
    if (signal.aborted) this.#takeBack(waiting);
    else signal.addEventListener('abort', () => this.#takeBack(waiting), { once: true });
  }

  #takeBack(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) waiting.settle(takenBack);
    this.#checkIdle();
  }

  async #start(job: Job, index: number): Promise<PoolOutcome> {
    const slot: Slot = { index, place: this.#placeOf(index) };
    const { address } = job.assignment;
    if (address?.kind !== 'executable') throw new Error('not here yet');
    const attempt = startExecutable(address, job, slot, this.#means);
    this.#running.add(attempt);
    const outcome = await attempt.outcome;
    this.#running.delete(attempt);
    slot.place.clean(attempt.isLeaky);
    this.#release(index);
    return outcome;
  }

  #release(index: number): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free.push(index);
      this.#checkIdle();
      return;
    }
    this.#waiting.delete(next);
    next.settle(this.#start(next, index));
  }

  #killAll(): void {
    for (const waiting of this.#waiting) waiting.settle(closed);
    this.#waiting.clear();
    for (const attempt of this.#running) attempt.kill();
  }

  #checkIdle(): void {
    if (this.#running.size === 0 && this.#waiting.size === 0) this.#tellIdle?.();
  }

  #placeOf(index: number): Workplace {
    const place = this.#places[index];
    if (place === undefined) throw new RangeError(`there is no slot ${index}`);
    return place;
  }
}

const takenBack: PoolOutcome = { kind: 'not-started', reason: 'it was stopped before it began' };

function environment(added: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const all = Object.entries({ ...process.env, ...added });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
